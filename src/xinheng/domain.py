"""Words all floors share: codes, classes and the calendar's time zone."""

from __future__ import annotations

import hashlib
import re
import zlib
from enum import StrEnum
from typing import Final, NewType
from unicodedata import category
from zoneinfo import ZoneInfo

Uscc = NewType("Uscc", str)

ZONE: Final = ZoneInfo("Asia/Shanghai")
"""All legal times; a deadline day ends at 24:00 here (domain specification, section 2.7)."""

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""Values 0 to 30 of a USCC character (GB 32100-2015); no I, O, S, V, Z."""

_VALUE: Final = {symbol: value for value, symbol in enumerate(ALPHABET)}
_WEIGHTS: Final = tuple(pow(3, i, 31) for i in range(17))
_ORG_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_ORG_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class RiskClass(StrEnum):
    """Credit-risk class of an enterprise, an internal reference for supervision only."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    """Of five-class schemes: the gravest part of D, by hard rules only."""


def check_character(first_17: str) -> str:
    """Character 18 of a USCC, from the first 17 (GB 32100-2015, mod 31).

    >>> check_character("91440300192317458")
    'F'
    """
    total = sum(_VALUE[c] * w for c, w in zip(first_17, _WEIGHTS, strict=True))
    return ALPHABET[(31 - total % 31) % 31]


def organisation_check(first_8: str) -> str:
    """Check character of an organisation code (GB 11714, mod 11), USCC character 17.

    >>> organisation_check("19231745")
    '8'
    """
    total = sum(_ORG_ALPHABET.index(c) * w for c, w in zip(first_8, _ORG_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def normal_uscc(text: str) -> str:
    """The code that a text shows: full-width characters half-width, upper case, nothing around.

    Blanks, zero-width characters and byte-order marks go out, as does what spreadsheets put
    around a text that is to stay a text: an apostrophe before it, or `="..."`.

    >>> normal_uscc(" ９１440300192317458f "), normal_uscc("\ufeff9144 0300 1923 1745 8F\u200b")
    ('91440300192317458F', '91440300192317458F')
    >>> normal_uscc("'91440300192317458F"), normal_uscc('="91440300192317458F"')
    ('91440300192317458F', '91440300192317458F')
    """
    if len(text) == 18 and text.isascii() and text.isalnum():
        return text.upper()
    wide = (chr(ord(c) - 0xFEE0) if 0xFF01 <= ord(c) <= 0xFF5E else c for c in text)
    bare = "".join(c for c in wide if not c.isspace() and category(c) != "Cf")
    return bare.removeprefix("=").strip("'\"‘’“”").upper()


_SHORTENED = re.compile(r"[0-9](\.[0-9]+)?E\+?[0-9]+")


def shape_fault(code: str) -> str | None:
    """Say what keeps a normalised code from being a code at all: its length or a character.

    >>> shape_fault("91440300192317458G"), shape_fault("9.14403E+17")
    (None, 'a number that a spreadsheet shortened; format the column as text')
    """
    if _SHORTENED.fullmatch(code):
        return "a number that a spreadsheet shortened; format the column as text"
    if len(code) != 18:
        return f"{len(code)} characters, expected 18"
    foreign = next((c for c in code if c not in _VALUE), None)
    return None if foreign is None else f"character {foreign!r} is not in the alphabet"


def uscc_fault(code: str) -> str | None:
    """Say what is wrong with a normalised code, or nothing.

    >>> uscc_fault("91440300192317458F"), uscc_fault("91440300192317458G")
    (None, 'check character is G, expected F')
    >>> uscc_fault("91440300I92317458F"), uscc_fault("9144030019231745F")
    ("character 'I' is not in the alphabet", '17 characters, expected 18')
    """
    shape = shape_fault(code)
    if shape is not None:
        return shape
    expected = check_character(code[:17])
    return None if code[17] == expected else f"check character is {code[17]}, expected {expected}"


def surrogate_uscc(register: str, key: str) -> Uscc:
    """Make a valid, stable code for an enterprise of a register that has none.

    Characters 1-2 say "enterprise"; 3-4 are `00`, which no GB/T 2260 province has, so a
    surrogate can never be taken for a real code; 5-16 come from a hash of register and key
    (8.5e15 codes).

    >>> uscc_fault(surrogate_uscc("chicago", "82474"))
    >>> surrogate_uscc("chicago", "82474") == surrogate_uscc("chicago", "82474")
    True
    """
    digest = hashlib.blake2b(f"{register}\x1f{key}".encode(), digest_size=8).digest()
    number, region = divmod(int.from_bytes(digest), 10_000)
    symbols = ""
    for _ in range(8):
        number, value = divmod(number, 31)
        symbols += ALPHABET[value]
    first_17 = f"9100{region:04d}{symbols}{organisation_check(symbols)}"
    return Uscc(first_17 + check_character(first_17))


def bucket_of(uscc: str, buckets: int) -> int:
    """Lake partition of an enterprise; the same on every machine and in every version.

    >>> bucket_of("91440300192317458F", 1), bucket_of("91440300192317458F", 64)
    (0, 26)
    """
    return zlib.crc32(uscc.encode()) % buckets
