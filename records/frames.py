"""Rows of a frame picked column by column, and whole numbers as columns, without a query plan.

A query plan costs a fraction of a millisecond whatever the size of the frame; the score of one
enterprise would make dozens.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xinheng.records.tables import MOMENT

DAY_US, SHANGHAI_US = 86_400_000_000, 8 * 3_600_000_000
"""Asia/Shanghai is UTC+8 since 1991; no question and no repair is older."""
FEW = 1_000
"""Up to so many rows, Python is faster than a query plan."""
_SINCE_1992 = int(np.datetime64("1992-01-01", "us").astype(np.int64))
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
NONE = np.iinfo(np.int64).min
"""Stands for no day and no row."""


def microseconds(moments: pl.Series) -> Ints:
    """Moments without nulls as whole microseconds since 1970, UTC."""
    return np.asarray(moments.to_numpy().astype("datetime64[us]").view(np.int64))


def microsecond(moment: datetime) -> int:
    """A moment as whole microseconds since 1970, UTC."""
    return round(moment.timestamp() * 1_000_000)


def is_in(told: pl.Series, values: Collection[str]) -> Bools:
    """Where a text is one of some; null is none of them."""
    if len(told) > FEW:
        return truths(told.is_in(list(values)))
    return np.array([one in values for one in told.to_list()], dtype=bool)


def ranks(ids: pl.Series) -> Ints:
    """The order of texts without repeats."""
    if len(ids) > FEW:
        return ids.rank("ordinal").cast(pl.Int64).to_numpy()
    named = ids.to_list()
    rank = np.empty(len(named), dtype=np.int64)
    rank[sorted(range(len(named)), key=named.__getitem__)] = np.arange(len(named))
    return rank


def truths(told: pl.Series) -> Bools:
    """Where a condition holds; null is no."""
    if told.null_count() == 0:
        return told.to_numpy()
    if len(told) > FEW:
        return told.fill_null(value=False).to_numpy()
    return np.array([one is True for one in told.to_list()])


def wholes(told: pl.Series, missing: int = NONE) -> Ints:
    """Whole numbers, with one that stands for null."""
    if told.null_count() == 0:
        return told.to_numpy().astype(np.int64, copy=False)
    if len(told) > FEW:
        return told.cast(pl.Int64).fill_null(missing).to_numpy()
    return np.array([missing if one is None else one for one in told.to_list()], dtype=np.int64)


def legal_days(moments: Ints) -> Ints:
    """The legal day, counted from 1970, on which each moment falls."""
    return (moments + SHANGHAI_US) // DAY_US


def days(of: pl.Series) -> Ints:
    """Days since 1970; `NONE` where there is none."""
    whole = of.to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(whole), NONE, whole.astype(np.int64))


def as_moments(told: Ints) -> pl.Series:
    """Microseconds since 1970 as moments; null for `NONE`."""
    return _nullable(told).cast(MOMENT)


def as_days(told: Ints) -> pl.Series:
    """Days since 1970 as dates; null for `NONE`."""
    return _nullable(told).cast(pl.Int32).cast(pl.Date)


def first_moments(day: Ints) -> Ints:
    """The first moment of each legal day, in microseconds; `NONE` where there is no day."""
    return np.where(day == NONE, NONE, day * DAY_US - SHANGHAI_US)


def as_recent_moments(wall_clock: pl.Series) -> pl.Series | None:
    """Days or wall-clock times of Asia/Shanghai as moments, a day as its first one.

    None: one is older than 1992, so that the time zone has to be asked.
    """
    local = wall_clock.to_numpy().astype("datetime64[us]").view(np.int64)
    is_there = local != NONE  # as which numpy keeps what is not there
    if local.min(where=is_there, initial=_SINCE_1992) < _SINCE_1992:
        return None
    return as_moments(np.where(is_there, local - SHANGHAI_US, NONE))


def as_rows(told: Ints) -> pl.Series:
    """Numbers of rows; null for `NONE`."""
    return _nullable(told).cast(pl.UInt32)


def where(frame: pl.DataFrame, mask: pl.Series | Bools) -> pl.DataFrame:
    """The rows for which the mask says so."""
    chosen = mask if isinstance(mask, pl.Series) else pl.Series(mask)
    if chosen.all():
        return frame
    return pl.DataFrame([column.filter(chosen) for column in frame.get_columns()])


def in_schema(
    told: Mapping[str, pl.Series], schema: Mapping[str, pl.DataType], height: int
) -> pl.DataFrame:
    """Columns in the types and order of a schema; null where one is not told."""
    return pl.DataFrame(
        [
            _cast(told[name], dtype).alias(name)
            if name in told
            else _nothing(dtype).new_from_index(0, height).alias(name)
            for name, dtype in schema.items()
        ]
    )


def _cast(told: pl.Series, dtype: pl.DataType) -> pl.Series:
    return told if told.dtype == dtype else told.cast(dtype)


@cache
def _nothing(dtype: pl.DataType) -> pl.Series:
    """A null of a type."""
    return pl.Series([None], dtype=dtype)


def _nullable(told: Ints) -> pl.Series:
    """Whole numbers, null for `NONE`."""
    is_none = told == NONE
    if not is_none.any():
        return pl.Series(told)
    if len(told) > FEW:
        return pl.Series(told).set(pl.Series(is_none), None)
    return pl.Series([None if one == NONE else one for one in told.tolist()], dtype=pl.Int64)
