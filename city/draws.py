"""Random draws that depend on the seed, their subject and the month alone; days as integers."""

from __future__ import annotations

import tomllib
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Days = NDArray[np.int64]
"""Days since 1970-01-01."""
Assumptions = Mapping[str, Mapping[str, float]]
"""Values by assumption."""
PROFILES = ("demo",)
"""Cities that differ from the assumptions, a file of `profiles/` each."""


def generator(seed: int, subject: str, month: int = 0) -> np.random.Generator:
    """Draws of one subject in one month, whatever else is drawn before them."""
    return np.random.default_rng([seed, zlib.crc32(subject.encode()), month])


@cache
def assumptions(profile: str = "") -> Assumptions:
    """What a city rests on: `assumptions.toml`, with the values that a profile gives instead.

    Raises
    ------
    ValueError
        If there is no such profile, or it names a value that the assumptions lack.
    """
    told = {name: dict(one["values"]) for name, one in _tables("assumptions.toml").items()}
    if profile and profile not in PROFILES:
        raise ValueError(f"no profile {profile!r}; there are {', '.join(PROFILES)}")
    for name, one in (_tables(f"profiles/{profile}.toml") if profile else {}).items():
        if foreign := set(one["values"]) - set(told.get(name, ())):
            raise ValueError(f"profile {profile}: no such value of {name}: {sorted(foreign)}")
        told[name] |= one["values"]
    return told


def _tables(path: str) -> dict[str, Any]:
    return tomllib.loads(files("xinheng.city").joinpath(path).read_text(encoding="utf-8"))


def sigmoid(odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-odds)))


def where(flags: Flags) -> Ints:
    return np.flatnonzero(flags)


def repeated(rng: np.random.Generator, rate: Floats) -> Ints:
    """Index of a firm as often as something happens to it: Poisson with its rate."""
    return np.repeat(np.arange(rate.size), rng.poisson(rate))


def picked(rng: np.random.Generator, words: Sequence[str], n: int, p: Sequence[float]) -> pl.Series:
    """Words drawn with their shares, as a column."""
    cuts = np.cumsum(p)[:-1] / sum(p)
    return pl.Series(list(words)).gather(np.searchsorted(cuts, rng.random(n)))


def salted(kind: str, numbers: Ints) -> pl.Series:
    """Keys of persons or places as a department's gateway would hash them, the same every time."""
    different, places = np.unique(numbers, return_inverse=True)
    keys = [
        blake2b(f"{kind}:{number}".encode(), key=b"made-up city", digest_size=8).hexdigest()
        for number in different
    ]
    return pl.Series(keys, dtype=pl.String).gather(places)


def dates(days: Days) -> pl.Series:
    """A column of dates."""
    return pl.Series(days.astype(np.int32)).cast(pl.Date)


def dates_where(flags: Flags, days: Days) -> pl.Series:
    """A column of dates, empty where the flag is not set."""
    return dates(days).set(pl.Series(~flags), None)


def yuan(values: NDArray[np.floating[Any]]) -> pl.Series:
    """A column of yuan with whole fen."""
    return pl.Series(np.round(values, 2))


def kept(columns: Mapping[str, object], keep: Flags | Ints) -> dict[str, object]:
    """Some rows of columns, chosen by flag or place; constants stay."""
    rows = np.flatnonzero(keep) if keep.dtype == bool else keep
    return {k: v.gather(rows) if isinstance(v, pl.Series) else v for k, v in columns.items()}


def month_start(first_year: int, month: int) -> int:
    """First day of the month so many months after January of a year."""
    years, rest = divmod(month, 12)
    return int(np.datetime64(f"{first_year + years}-{rest + 1:02d}-01", "D").astype(np.int64))
