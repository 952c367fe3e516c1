"""Single texts: what officers write, and messages that might repeat what was sent."""

from __future__ import annotations

import re

from xinheng.errors import PersonalData
from xinheng.records.privacy.digits import birth_year
from xinheng.records.privacy.kinds import find_kinds
from xinheng.records.privacy.patterns import declared, kinds, mail_signs
from xinheng.records.privacy.roles import Role
from xinheng.records.privacy.writing import plain

CONCEALED = "[…]"
_ANY_YEAR = 9999
"""No birth is too late for it."""
_LEAST_DIGITS = re.compile(rf"(?:\d\D{{0,3}}){{6}}\d|{mail_signs()}", re.ASCII)
_NUMBER = re.compile(
    r"[A-Za-z]{0,2}(?<!\d)\(?\+?\d(?:[ \-._/\\*+~()\[\]|,#]{0,3}[\dOoIl]){6,}[Xx]?", re.ASCII
)
_ADDRESS = re.compile(
    rf"[^\s'\"]+ *(?:{declared()['email']['signs']}|{declared()['email']['weak']}|[ _-]+at[ _-]+) *"
    r"[^\s'\"]+(?: *(?:点|[(\[{]?\bdot\b[)\]}]?) *\w+)*",
    re.IGNORECASE,
)


def need_impersonal(text: str, what: str) -> None:
    """Refuse a text that officers write where it holds personal data.

    Raises
    ------
    PersonalData
        If it does; the message says what kind, and does not repeat it.
    """
    found = find_kinds(text, Role.TEXT, year=_ANY_YEAR)
    if found:
        named = ", ".join(kinds()[kind]["en"] for kind in found)
        raise PersonalData(
            f"{what} holds what looks like personal data: {named}",
            hint="leave it out; name the record or the enterprise instead",
        )


def conceal(text: str) -> str:
    """A message without personal data that it may repeat; mostly the message itself.

    >>> conceal("USCC 11010519491231002X is not valid"), conceal("row 17 of 2024-06-15")
    ('USCC […] is not valid', 'row 17 of 2024-06-15')
    """
    written = plain(text)
    if not _LEAST_DIGITS.search(written):
        return text
    found = find_kinds(written, Role.TEXT, year=_ANY_YEAR)
    if not found and not any(map(_is_code_of_person, re.findall(r"\w{18}", written))):
        return text
    return _NUMBER.sub(CONCEALED, _ADDRESS.sub(CONCEALED, written))


def _is_code_of_person(word: str) -> bool:
    """Whether a word could stand in a column of codes as an identity number."""
    return bool(birth_year(word.upper())) and bool(find_kinds(word, Role.CODE, year=_ANY_YEAR))
