"""E-mail addresses whose signs are spelled: `zhang at example`, `zhang艾特qq点com`."""

from __future__ import annotations

import re
from functools import cache

from xinheng.records.privacy.patterns import declared

_DOMAIN = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
_WORDS = re.compile(
    r"(?<![A-Za-z0-9])([A-Za-z0-9][\w.%+-]{0,63}?(?: [A-Za-z]{1,30}){0,2}?)"
    rf"[ _-]+at[ _-]+({_DOMAIN})(?![A-Za-z0-9])",
    re.ASCII | re.IGNORECASE,
)
_SPOKEN = re.compile(r"(\w) at (\w+) dot (\w)", re.IGNORECASE)
_DOTTED = re.compile(r" *(?:[(\[{<]dot[)\]}>]|\.) *", re.IGNORECASE)
_BORDER = re.compile(r"[^\x00-\x7f]|[;,:|()\[\]<>\"']")
"""What does not belong to a run of Latin words."""


def with_signs(text: str) -> str:
    """A text with @ and dots for the words that stand for them.

    >>> with_signs("zhang艾特qq点com"), with_signs("zhang @ qq . com")
    ('zhang@qq.com', 'zhang@qq.com')
    """
    spoken = _SPOKEN.sub(r"\1@\2.\3", text)
    return _DOTTED.sub(".", _signs().sub("@", _dots().sub(".", spoken)))


def is_spelled(text: str, *, is_told: bool) -> bool:
    """Whether an address without the end of its domain, or with a spelled `at`, stands there.

    Parameters
    ----------
    is_told
        Whether the words around speak of e-mail.
    """
    plain = _dots().sub(".", text)
    return _short().search(plain) is not None or any(
        _is_address(one[1], one[2], is_alone=_is_alone(plain, one), is_told=is_told)
        for one in _WORDS.finditer(plain)
    )


def _is_address(before: str, domain: str, *, is_alone: bool, is_told: bool) -> bool:
    """Whether the words around a spelled `at` are an account and its domain."""
    words, parts = before.split(), domain.lower().split(".")
    last = words[-1]
    if parts[0] == "www":
        return False
    if not re.search("[A-Za-z]", domain) and parts[0] not in _listed("providers"):
        return False
    is_account = re.search(r"\w[._%+\d-]", last) is not None
    is_sure = len(parts) > 1 and parts[-1] in _listed("tops")
    if is_sure or parts[0] in _listed("providers"):
        return is_account or _is_name(words) or (is_alone and len(words) == 1) or is_told
    return (is_alone and _is_name(words)) or (is_told and (is_alone or is_account))


def _is_name(words: list[str]) -> bool:
    """Whether the last words are a name in Latin letters, digits behind it aside."""
    name = re.sub(r"[\d._-]+", "", "".join(words)).lower()
    last = re.sub(r"[\d._-]+", "", words[-1]).lower()
    return any(
        one not in _listed("not_names") and _names().fullmatch(one) is not None
        for one in {name, last}
    )


def _is_alone(text: str, one: re.Match[str]) -> bool:
    """Whether nothing else stands in its run of Latin words."""
    before, after = text[: one.start()], text[one.end() :]
    return not _BORDER.split(before)[-1].strip() and not _BORDER.split(after)[0].strip()


@cache
def _listed(name: str) -> frozenset[str]:
    return frozenset(declared()["email"][name].split("|"))


@cache
def _signs() -> re.Pattern[str]:
    email = declared()["email"]
    return re.compile(rf" *(?:{email['signs']}|{email['weak']}) *", re.IGNORECASE)


@cache
def _dots() -> re.Pattern[str]:
    """What stands for a dot before a known end of a domain."""
    email = declared()["email"]
    return re.compile(
        rf"(?<=[A-Za-z0-9]) *(?:{email['dots']}) *(?=(?:{email['tops']})(?![A-Za-z]))",
        re.IGNORECASE,
    )


@cache
def _short() -> re.Pattern[str]:
    """A sign between Latin letters, its domain without an end."""
    email = declared()["email"]
    account = r"[A-Za-z0-9][A-Za-z0-9._%+-]{1,63}"
    return re.compile(
        rf"{account} *(?:{email['signs']}) *[A-Za-z][A-Za-z0-9-]+"
        rf"|{account} *@ *(?:{email['providers']})(?![A-Za-z0-9])",
        re.IGNORECASE,
    )


@cache
def _names() -> re.Pattern[str]:
    email = declared()["email"]
    return re.compile(rf"(?:{email['surnames']})(?:{email['syllables']}){{0,2}}")
