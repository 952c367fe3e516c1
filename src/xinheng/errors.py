"""A class for each answer the caller can give; every one says what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class XinhengError(Exception):
    """Something the user can put right. `status` is its HTTP answer; commands exit with 2."""

    status = 400

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


def near(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """Offer the nearest valid names, or the fallback sentence.

    >>> near("licence_nr", ["licence_no", "grade"])
    'did you mean licence_no?'
    """
    names = list(known)
    folded = {n.lower(): n for n in names}
    matches = get_close_matches(name.lower(), list(folded), n=3)
    if matches:
        return f"did you mean {', '.join(folded[m] for m in matches)}?"
    return otherwise or f"known: {', '.join(sorted(names)[:12]) or 'none'}"


class UnknownName(XinhengError):
    """A name that nothing declares: a column, a table, an indicator, a study key."""

    status = 422

    def __init__(self, what: str, name: str, known: Iterable[str], *, where: str = "") -> None:
        place = f"{where}: " if where else ""
        super().__init__(f"{place}no {what} is named {name!r}", hint=near(name, known))


class BadDelivery(XinhengError):
    """A file that cannot be read as what it claims to be."""

    status = 422


class BadMapping(XinhengError):
    """A mapping.toml or study.toml that contradicts itself, the file or the tables."""

    status = 422


class BadRequest(XinhengError):
    """A value in the request that cannot be what it should be."""

    status = 422


class PersonalData(XinhengError):
    """A text with a number, address or key of a natural person; it is not repeated."""

    status = 422


class NotFound(XinhengError):
    """Nothing is stored under that name."""

    status = 404


class NotReady(XinhengError):
    """A step that has to come first has not been done."""

    status = 409


class Busy(XinhengError):
    """Another process holds what this one needs."""

    status = 503


class Unready(XinhengError):
    """Something is missing without which nothing can be answered."""

    status = 503


class Refused(XinhengError):
    """What is asked for does not hold what it must."""

    status = 409


class NotKnown(XinhengError):
    """A request without a valid key."""

    status = 401


class NotAllowed(XinhengError):
    """A request that this client may not make: a scope or a district is missing."""

    status = 403


class TooMany(XinhengError):
    """A client asks more often than was agreed."""

    status = 429

    def __init__(self, message: str, *, hint: str = "", retry_after: int = 1) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        """Seconds."""
