"""What the digits of a number prove: check characters, birth dates, regions."""

from __future__ import annotations

import re
from functools import cache

from xinheng.domain import organisation_check, uscc_fault
from xinheng.records.codes.deployment import delivered_codes
from xinheng.records.privacy.patterns import declared

_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_CHECKS = "10X98765432"
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_SHAPE_18 = re.compile(rf"([1-8]\d)\d{{4}}((?:18|19|20)\d\d){_DAY}\d{{3}}[\dX]")
_SHAPE_15 = re.compile(rf"[1-8]\d{{5}}(?:2[5-9]|[3-9]\d){_DAY}\d{{3}}")
_YEAR = re.compile(r"(?:19[89]|20[0-4])\d")
_DATE = re.compile(rf"(?:19|20)\d\d{_DAY}")
GROWN_UP = 14
"""Years: in a numbering column a younger date is the day of a file, not a birth."""


def birth_year(number: str) -> int:
    """Year of birth of what has the shape of an 18-digit identity number; 0: it has not."""
    found = _SHAPE_18.fullmatch(number)
    return int(found[2]) if found and found[1] in _provinces() else 0


def has_identity_check(number: str) -> bool:
    """Check character of a resident identity number (GB 11643-1999, mod 11).

    >>> has_identity_check("11010519491231002X"), has_identity_check("110105194912310021")
    (True, False)
    """
    total = sum(int(c) * w for c, w in zip(number[:17], _IDENTITY_WEIGHTS, strict=True))
    return _IDENTITY_CHECKS[total % 11] == number[17].upper()


def is_old_identity(number: str) -> bool:
    """Whether 15 digits have a region and a birth between 1925 and 1999 in them."""
    return bool(_SHAPE_15.fullmatch(number)) and is_region(number[:6])


def has_register_check(number: str) -> bool:
    """Check digit of a 15-digit number of the business register (GB/T 17710, mod 11,10).

    >>> has_register_check("110108000000016")
    True
    """
    rest = 10
    for digit in number[:14]:
        rest = ((rest + int(digit)) % 10 or 10) * 2 % 11
    return (rest + int(number[14])) % 10 == 1


def has_luhn_check(number: str) -> bool:
    """Check digit of a bank card (ISO/IEC 7812-1).

    >>> has_luhn_check("6222021234567890128")
    True
    """
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value // 10 + value % 10
    return total % 10 == 0


def is_sure_uscc(code: str) -> bool:
    """Whether a code is a USCC by its department, region, own check and the organisation's."""
    given = re.fullmatch(declared()["uscc"]["prefixes"], code[:2])
    if given is None or not is_region(code[2:8]) or uscc_fault(code) is not None:
        return False
    return organisation_check(code[8:16]) == code[16]


def is_region(code: str) -> bool:
    return code in delivered_codes().regions.history


def begins_as_serial(number: str) -> bool:
    """Whether a region and a year come first, as in numbers of files and cases."""
    return is_region(number[:6]) and bool(_YEAR.fullmatch(number[6:10]))


def is_year(group: str) -> bool:
    return bool(_YEAR.fullmatch(group))


def is_date(group: str) -> bool:
    """Whether eight digits are a day of this or the last century."""
    return bool(_DATE.fullmatch(group))


@cache
def _provinces() -> frozenset[str]:
    return frozenset(code[:2] for code in delivered_codes().regions.history) | {"81", "82", "83"}
