"""Whether a key is a salted hash, or what was to be hashed."""

from __future__ import annotations

import re

import polars as pl

from xinheng.records.privacy.digits import has_luhn_check

_LABEL = r"(?:[A-Za-z][A-Za-z0-9-]{1,15}[:$])?"
_HEX = re.compile(rf"{_LABEL}(?:[0-9a-f]{{16,128}}|[0-9A-F]{{16,128}})")
_DASHED = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BASE64 = re.compile(rf"{_LABEL}[A-Za-z0-9+/_-]{{20,180}}={{0,2}}")
FORM = rf"^(?:{_HEX.pattern}|{_DASHED.pattern}|{_BASE64.pattern})$"
"""Of all hashes, for a first look at a whole column."""
LEAST_DIFFERENT = 4
"""Different characters of a hash: eight bytes at random have fewer once in 770 million."""
SURE_BYTES = 32
"""Hexadecimal digits from which on a hash may have none but digits."""
WHOLE_BYTES = (16, 24)
"""Lengths of shorter hashes: eight and twelve bytes."""
LETTERS_ONLY = (0.25, 0.75)
"""Share of capitals in base64 without a digit: names have fewer, or all."""


def looks_hashed(key: str) -> bool:
    """Whether a key can be a hash in hexadecimal or base64, of eight bytes or more.

    >>> looks_hashed("9f86d081884c7d65"), looks_hashed("王某"), looks_hashed("640302199003071234")
    (True, False, False)
    """
    bare = key.rpartition(":")[2].rpartition("$")[2].replace("-", "") if ":" in key else key
    if len({*bare.lower()}) < LEAST_DIFFERENT:
        return False
    if _HEX.fullmatch(key) or _DASHED.fullmatch(key):
        return not bare.isdigit() or len(bare) >= SURE_BYTES or _is_hash_of_digits(bare)
    return bool(_BASE64.fullmatch(key)) and _is_random(bare.rstrip("="))


def _is_hash_of_digits(digits: str) -> bool:
    """Digits alone: one in 1,850 hashes of eight bytes is so; identity numbers are never so long.

    A number of that length that is a bank card is none (once in two million hashes).
    """
    is_card = digits.startswith("62") and has_luhn_check(digits)
    return len(digits) in WHOLE_BYTES and not is_card


def _is_random(text: str) -> bool:
    """Letters and digits mixed as base64 mixes them."""
    letters = [c for c in text if c.isalpha()]
    capitals = sum(c.isupper() for c in letters) / max(1, len(letters))
    digits = len(text) - len(letters)
    if digits == 0:
        return LETTERS_ONLY[0] <= capitals <= LETTERS_ONLY[1]
    is_mixed = len(re.findall(r"\d+", text)) > 1 or capitals >= LETTERS_ONLY[0]
    return is_mixed and digits < len(text) // 2 and re.search(r"\d{9}", text) is None


def unhashed(keys: pl.Series) -> pl.Series:
    """Which keys are there and cannot be hashes."""
    different = keys.drop_nulls().unique()
    bad = [key for key in different.to_list() if not looks_hashed(key.strip())]
    return keys.is_in(bad).fill_null(value=False)
