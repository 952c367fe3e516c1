"""The checks of `xinheng.domain` over whole columns; the scalar forms stay the reference."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xinheng.domain import ALPHABET, normal_uscc, uscc_fault
from xinheng.records.frames import FEW

LENGTH = 18
_FOREIGN = 99
_VALUES = np.full(256, _FOREIGN, dtype=np.int64)
_VALUES[[ord(c) for c in ALPHABET]] = range(31)
_WEIGHTS = np.array([pow(3, i, 31) for i in range(17)])
_ORG_VALUES = np.full(256, _FOREIGN, dtype=np.int64)
_ORG_VALUES[[ord(c) for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"]] = range(36)
_ORG_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_ORG_CHECKS = np.array([ord(c) for c in "0123456789X0"])


def normal_usccs(raw: pl.Series) -> pl.Series:
    """As `normal_uscc`; only codes that are not 18 plain characters are looked at one by one."""
    if len(raw) <= FEW:
        return _one_by_one(raw, normal_uscc, nothing=None)
    plain = raw.str.strip_chars().str.to_uppercase()
    odd = plain.filter(plain.str.len_bytes() != LENGTH).unique().to_list()
    return plain.replace({code: normal_uscc(code) for code in odd}) if odd else plain


def valid_usccs(codes: pl.Series) -> pl.Series:
    """Whether each normalised code is a USCC (GB 32100-2015); null is not."""
    if len(codes) <= FEW:
        return _one_by_one(codes, _is_valid, nothing=False)
    right, symbols = _symbols(codes)
    values = _VALUES[symbols]
    total = (values[:, :17] * _WEIGHTS).sum(axis=1)
    good = (values < _FOREIGN).all(axis=1) & (values[:, 17] == (31 - total % 31) % 31)
    return _spread(right, good)


def valid_organisations(codes: pl.Series) -> pl.Series:
    """Whether characters 9 to 17 pass the GB 11714 check; only of codes 18 characters long."""
    right, symbols = _symbols(codes)
    total = (_ORG_VALUES[symbols[:, 8:16]] * _ORG_WEIGHTS).sum(axis=1)
    return _spread(right, symbols[:, 16] == _ORG_CHECKS[11 - total % 11])


def crc32(codes: pl.Series) -> pl.Series:
    """CRC-32 of each code, from which lake buckets follow; each different code once."""
    unique = codes.unique()
    sums = pl.Series([zlib.crc32(code.encode()) for code in unique], dtype=pl.UInt32)
    return codes.replace_strict(unique, sums, return_dtype=pl.UInt32)


def _one_by_one(
    codes: pl.Series, told: Callable[[str], str | bool], *, nothing: bool | None
) -> pl.Series:
    """What is told of each code, each different code once, and what of null."""
    said = codes.to_list()
    known = {code: nothing if code is None else told(code) for code in {*said}}
    return pl.Series(
        codes.name,
        [known[code] for code in said],
        dtype=pl.String() if nothing is None else pl.Boolean(),
    )


def _is_valid(code: str) -> bool:
    return uscc_fault(code) is None


def _symbols(codes: pl.Series) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Which codes are 18 ASCII characters, and those as a matrix `(codes, 18)` of bytes."""
    right = ((codes.str.len_chars() == LENGTH) & (codes.str.len_bytes() == LENGTH)).fill_null(
        value=False
    )
    text = "".join(codes.filter(right).to_list()).encode("ascii")
    return right.to_numpy(), np.frombuffer(text, dtype=np.uint8).reshape(-1, LENGTH)


def _spread(right: NDArray[np.bool_], good: NDArray[np.bool_]) -> pl.Series:
    answer = np.zeros(right.size, dtype=bool)
    answer[right] = good
    return pl.Series(answer)
