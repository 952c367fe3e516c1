"""Which kinds of personal data stand in one text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache

from xinheng.records.privacy.digits import (
    GROWN_UP,
    begins_as_serial,
    birth_year,
    has_identity_check,
    has_luhn_check,
    has_register_check,
    is_date,
    is_old_identity,
    is_region,
    is_sure_uscc,
    is_year,
)
from xinheng.records.privacy.hashes import looks_hashed
from xinheng.records.privacy.mail.spelled import is_spelled, with_signs
from xinheng.records.privacy.patterns import after, before, declared, form, words
from xinheng.records.privacy.roles import Role
from xinheng.records.privacy.writing import Number, as_digits, numbers, plain, runs

_DECIMAL = re.compile(r"[+-]?\d+\.\d+(?:E[+-]?\d+)?|[+-]?\d+E\+?\d+", re.IGNORECASE)
_CENTS = re.compile(r"\.\d{2}$")
_PLACE = re.compile(r"-?\d{1,3}\.\d+ ?[,; ] ?-?\d{1,3}\.\d+")
_SINGLE, _PAIRS = (1,) * 11, (1, 2, 2, 2, 2, 2)
_PHONE_FORMS = frozenset({
    (11,), (3, 4, 4), (3, 8), (7, 4), (4, 4, 3), (3, 3, 5), (3, 5, 3), (4, 7), (4, 3, 4), (5, 6),
    (6, 5), _SINGLE, _PAIRS, (2, 2, 2, 2, 2, 1),
})  # fmt: skip
_DOTTED_FORMS = frozenset({(11,), (3, 4, 4), _SINGLE, _PAIRS})
_CARD_FORMS = frozenset({(n,) for n in range(16, 20)} | {(4, 4, 4, 4), (4, 4, 4, 4, 3), (6, 13)})
_MOBILES = frozenset({11, 12, 13, 14, 15})
_CARDS = frozenset({16, 17, 18, 19})
_TRUNKS = ("0086", "086", "86", "0")
_EMAIL = re.compile(r"[\w.%+-]+@(?:[\w-]+\.)+[A-Z]{2,24}(?![A-Z])", re.IGNORECASE | re.ASCII)
_NAMED_EMAIL = re.compile(r"\w@(?:[\w-]+\.)+[A-Z]{2,24}(?![A-Z])", re.IGNORECASE)
_PASSPORT = re.compile(
    r"(?<![A-Z0-9])(?:[EG](?:[ -]?\d){8}|E[A-HJ-NP-Z][ -]?\d{7})(?![A-Z0-9])", re.IGNORECASE
)
_ANY_PASSPORT = re.compile(r"(?<![A-Z0-9])[A-Z]{1,2}[ -]?\d{7,8}(?![A-Z0-9])", re.IGNORECASE)
_PERMIT = re.compile(r"(?<![A-Z0-9])[HMC][ -]?(?:\d{8}|\d{10})(?![A-Z0-9])", re.IGNORECASE)
_ANY_PERMIT = re.compile(r"(?<![A-Z0-9])(?:[A-Z][ -]?)?(?:\d{8}|\d{10})(?![A-Z0-9])", re.IGNORECASE)
_GOES_ON = re.compile(r"\d[ \-._/()]{1,3}$")
_WENT_ON = re.compile(r"[ \-._/()]{1,3}\d")
_UUID = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NUMBERED = 12
"""Letters before a number in which a word may say that it is one of a file or a batch."""


class _Text:
    """One text under examination: its role, what is written around, and the year it arrived in."""

    def __init__(self, text: str, role: Role, about: str, year: int) -> None:
        self.text, self.role, self.year = text, role, year
        self.context = f"{about} {text}"

    def speaks_of(self, kind: str) -> bool:
        return words(kind).search(self.context) is not None

    def is_numbered(self, before_it: str) -> bool:
        """Whether the words right before a number call it one of a file, a licence, a batch."""
        return words("number").search(before_it[-_NUMBERED:]) is not None

    @property
    def is_listed(self) -> bool:
        """Whether the column itself holds numbers of things."""
        return self.role in {Role.NUMBER, Role.CODE, Role.REGISTER}


def find_kinds(text: str, role: Role, *, year: int, about: str = "") -> tuple[str, ...]:
    """The kinds of personal data in a text; all places of it are looked at.

    Parameters
    ----------
    year
        Of arrival: nobody is born later.
    about
        The header of a column that is not the platform's own.
    """
    if role is Role.HASHED and looks_hashed(text.strip()):
        return ()
    written = _as_whole(_UUID.sub(" ", plain(text)).strip())
    if not written:
        return ()
    seen = _Text(written, role, about, year)
    found = tuple(kind for kind, holds in _CHECKS.items() if holds(seen))
    return found or _with_letters(seen, about)


def _as_whole(text: str) -> str:
    """A text that is one decimal number as a whole number, or as nothing to look at."""
    if _PLACE.fullmatch(text) or (_DECIMAL.fullmatch(text) and _CENTS.search(text)):
        return ""
    if not _DECIMAL.fullmatch(text):
        return text
    value = Decimal(text)
    if value.adjusted() > 30 or value != value.to_integral_value():
        return ""
    return str(abs(int(value)))


def _with_letters(seen: _Text, about: str) -> tuple[str, ...]:
    """Numbers in which letters stand for digits."""
    if sum(map(str.isdigit, seen.text)) < 8:
        return ()
    found = _lettered().sub(lambda m: as_digits(m[0]), seen.text)
    if found == seen.text:
        return ()
    other = _Text(found, seen.role, about, seen.year)
    return tuple(kind for kind in ("identity", "mobile") if _CHECKS[kind](other))


@cache
def _lettered() -> re.Pattern[str]:
    letters = "".join(declared()["letters"].values())
    return re.compile(rf"(?<![A-Za-z0-9])[\d{letters}][\d{letters} -]{{9,24}}[\d{letters}Xx](?!\w)")


def _identity(seen: _Text) -> bool:
    full = numbers(seen.text, frozenset({18}))
    old = numbers(seen.text, frozenset({15}))
    return (
        any(_is_identity(seen, one) for one in full)
        or any(_is_old(seen, one) for one in old)
        or any(_hides_identity(seen, run) for run in runs(seen.text, 19))
    )


def _is_identity(seen: _Text, one: Number) -> bool:
    year = birth_year(one.digits)
    if not year or year > seen.year or one.touches_digits:
        return False
    if seen.speaks_of("identity") or before("identity").search(one.before):
        return True
    if is_sure_uscc(one.digits):
        return False
    if seen.role is Role.CODE:
        return True
    is_serial = seen.role is Role.NUMBER or seen.is_numbered(one.before)
    return has_identity_check(one.digits) and not (is_serial and year > seen.year - GROWN_UP)


def _is_old(seen: _Text, one: Number) -> bool:
    if not is_old_identity(one.digits) or one.touches_digits:
        return False
    if seen.speaks_of("identity") or before("identity").search(one.before):
        return True
    if one.follows_letter or one.leads_letter or _is_part_of_decimal(one):
        return False
    is_register = seen.role is Role.REGISTER or seen.speaks_of("register")
    if is_register and has_register_check(one.digits):
        return False
    return one.sizes in {(15,), (6, 6, 3)} or (not seen.is_listed and len(one.sizes) > 5)


def _hides_identity(seen: _Text, run: str) -> bool:
    """An identity number inside a longer number, with nothing doubtful about it."""
    parts = (run[start : start + 18] for start in range(len(run) - 17))
    return any(
        0 < birth_year(part) <= seen.year - GROWN_UP
        and is_region(part[:6])
        and has_identity_check(part)
        for part in parts
    )


def _mobile(seen: _Text) -> bool:
    return any(_is_mobile(seen, one) for one in numbers(seen.text, _MOBILES))


def _is_mobile(seen: _Text, one: Number) -> bool:
    trunk = next((t for t in _TRUNKS if one.digits.startswith(t)), "")
    if trunk == "0" and seen.is_listed:
        return False
    number = one.digits.removeprefix(trunk)
    if len(number) != 11 or not form("mobile", "prefixes").fullmatch(number[:3]):
        return False
    if not number.isdigit() or one.touches_digits or _is_part_of_decimal(one):
        return False
    if one.leads_letter or (one.follows_letter and not before("phone").search(one.before)):
        return False
    if _is_amount(seen, one) or not _is_phone_form(seen, one, len(trunk)):
        return False
    return seen.speaks_of("phone") or not _goes_on_a_number(seen, one)


def _goes_on_a_number(seen: _Text, one: Number) -> bool:
    """Whether a word, or letters and a year right before, make it the end of another number."""
    if one.sizes == (11,):
        return seen.is_numbered(one.before)
    return _serial().search(one.before) is not None


@cache
def _serial() -> re.Pattern[str]:
    """Letters and a year right before grouped digits: they go on a number of a contract or case."""
    return re.compile(declared()["serial"]["before"])


def _is_phone_form(seen: _Text, one: Number, trunk: int) -> bool:
    """Whether the groups are those in which people write such a number."""
    sizes = _without(one.sizes, trunk)
    marks = {*one.between} - {" ", "-", "(", ")", "+"}
    if marks & {".", "/"}:
        return sizes in _DOTTED_FORMS
    if marks & {",", "'"}:
        return sizes in {(3, 4, 4), (11,)}
    if sizes in _PHONE_FORMS:
        return True
    if seen.is_listed or sizes[1:] == (3,) * len(sizes[1:]):
        return False
    is_alone = not (_GOES_ON.search(one.before) or _WENT_ON.match(one.after))
    is_spoken = seen.speaks_of("phone") or (is_alone and not marks and "-" not in one.between)
    return is_spoken and not any(is_year(group) for group in _groups(one))


def _without(sizes: tuple[int, ...], trunk: int) -> tuple[int, ...]:
    """Sizes of the groups without the digits of a trunk code before them."""
    rest = [*sizes]
    while trunk and rest:
        cut = min(trunk, rest[0])
        rest[0], trunk = rest[0] - cut, trunk - cut
        if not rest[0]:
            rest.pop(0)
    return tuple(rest)


def _groups(one: Number) -> Iterator[str]:
    start = 0
    for size in one.sizes:
        yield one.digits[start : start + size]
        start += size


def _is_part_of_decimal(one: Number) -> bool:
    is_fraction = re.search(r"\d\.$", one.before) is not None
    return is_fraction or re.match(r"\.(?!0(?!\d))\d{1,6}(?!\d)", one.after) is not None


def _is_amount(seen: _Text, one: Number) -> bool:
    if seen.role is Role.AMOUNT and one.sizes == (11,):
        return True
    said = after("amount").match(one.after) or before("amount").search(one.before)
    return said is not None


def _landline(seen: _Text) -> bool:
    if seen.role is Role.AMOUNT:
        return False
    return any(_is_landline(seen, one) for one in _landlines().finditer(seen.text)) or any(
        not is_date(_bare(one[1])) for one in _local_numbers().finditer(seen.context)
    )


@cache
def _landlines() -> re.Pattern[str]:
    areas = declared()["landline"]["areas"]
    return re.compile(
        rf"(?<![\dA-Za-z.])(?<!\d[-/.])(?P<trunk>\(?(?:\+|00)86\)?[ -]?)?"
        rf"(?P<open>\()?(?P<zero>0)?(?:{areas})(?P<close>\))?(?P<between>[ /-]{{0,2}})"
        rf"(?P<local>[2-8]\d{{2,3}}[ -]?\d{{4}})(?![\dA-Za-z]|\.\d)"
    )


@cache
def _local_numbers() -> re.Pattern[str]:
    return re.compile(
        r"(?:电话|座机|固话|\btel)(?:号码|号)?[ :.是为]{0,3}([2-8]\d{2,3}[ -]?\d{4})(?![\d.-])",
        re.IGNORECASE,
    )


def _is_landline(seen: _Text, one: re.Match[str]) -> bool:
    is_spoken = bool(one["trunk"] or one["zero"] or (one["open"] and one["close"]))
    local, before_it = _bare(one["local"]), seen.text[: one.start()]
    if not is_spoken or is_date(local) or after("amount").match(seen.text[one.end() :]):
        return False
    if seen.speaks_of("phone"):
        return True
    if seen.is_numbered(before_it):
        return False
    if not seen.is_listed:
        return True
    is_apart = bool(one["between"] or one["close"] or one["trunk"])
    return is_apart and one[0] == seen.text and not is_year(local[:4])


def _bare(text: str) -> str:
    return re.sub(r"\D", "", text)


def _email(seen: _Text) -> bool:
    joined = with_signs(seen.text)
    if _EMAIL.search(joined) or _NAMED_EMAIL.search(joined):
        return True
    return is_spelled(seen.text, is_told=seen.speaks_of("email"))


def _passport(seen: _Text) -> bool:
    if seen.speaks_of("passport"):
        return _ANY_PASSPORT.search(seen.text) is not None
    if seen.role in {Role.NUMBER, Role.REGISTER, Role.AMOUNT}:
        return False
    return any(
        not is_year(_bare(one[0])[:4]) and not seen.is_numbered(seen.text[: one.start()])
        for one in _PASSPORT.finditer(seen.text)
    )


def _permit(seen: _Text) -> bool:
    if seen.speaks_of("permit"):
        return any(not is_date(_bare(one[0])) for one in _ANY_PERMIT.finditer(seen.text))
    return seen.role is Role.CODE and _PERMIT.fullmatch(seen.text) is not None


def _bank_card(seen: _Text) -> bool:
    return any(_is_card(seen, one) for one in numbers(seen.text, _CARDS))


def _is_card(seen: _Text, one: Number) -> bool:
    if not one.digits.isdigit() or one.touches_digits or _is_part_of_decimal(one):
        return False
    if one.follows_letter or one.leads_letter or not has_luhn_check(one.digits):
        return False
    if seen.speaks_of("bank_card"):
        return _has_card_form(seen, one)
    if begins_as_serial(one.digits) or is_sure_uscc(one.digits) or _is_amount(seen, one):
        return False
    if one.digits.startswith(declared()["bank_card"]["first"]):
        return _has_card_form(seen, one)
    is_other = re.match(declared()["bank_card"]["others"], one.digits) is not None
    return is_other and one.sizes == (4, 4, 4, 4) and not seen.is_listed


def _has_card_form(seen: _Text, one: Number) -> bool:
    if one.sizes in _CARD_FORMS:
        return True
    is_plain = {*one.between} <= {" ", "-"} and not any(map(is_year, _groups(one)))
    return is_plain and not seen.is_listed and one.sizes[1:] != (3,) * len(one.sizes[1:])


_CHECKS: dict[str, Callable[[_Text], bool]] = {
    "identity": _identity,
    "mobile": _mobile,
    "landline": _landline,
    "email": _email,
    "passport": _passport,
    "permit": _permit,
    "bank_card": _bank_card,
}
