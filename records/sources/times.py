"""Delivered dates and times: ISO 8601 or the mapping's format, read in the mapping's zone."""

from __future__ import annotations

import re
from typing import NamedTuple

import polars as pl

from xinheng.records.sources.mapping import Mapping, Origin
from xinheng.records.tables import MOMENT

_DAY, _LONGEST_DAY = "%Y-%m-%d", 10
"""ISO 8601; a longer text is none of a bare day."""
_LOCAL_FORMS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")
_ZONED = re.compile(r"%[#:]*z")


class Said(NamedTuple):
    """Values as a source says them: an expression, and the type that it has."""

    told: pl.Expr
    dtype: pl.DataType


def dates(said: Said, origin: Origin, mapping: Mapping) -> pl.Expr:
    """Days; of a moment, the day it falls on in the mapping's zone."""
    raw = said.told
    if said.dtype == pl.String:
        days = raw.str.to_date(origin.date_format or _DAY, strict=False)
        days = pl.coalesce(days, _local_days(_read(raw, origin, mapping), mapping))
    elif getattr(said.dtype, "time_zone", None):
        days = _local_days(raw, mapping)
    elif said.dtype.is_temporal():
        days = raw if said.dtype == pl.Date else raw.cast(pl.Date)
    else:
        return pl.lit(None, dtype=pl.Date)
    return _later(days, origin)


def moments(said: Said, origin: Origin, mapping: Mapping) -> pl.Expr:
    """Moments in UTC; without a zone they are wall-clock times, a bare day its first moment."""
    raw, zone = said.told, getattr(said.dtype, "time_zone", None)
    if said.dtype == pl.String:
        days = raw.str.to_date(origin.date_format or _DAY, strict=False)
        raw = pl.coalesce(_read(raw, origin, mapping), as_utc(days, mapping))
        zone = "UTC"
    elif not said.dtype.is_temporal():
        return pl.lit(None, dtype=MOMENT)
    if zone is None:
        return as_utc(_later(raw.cast(pl.Datetime("us")), origin), mapping)
    found = raw.cast(pl.Datetime("us", zone))
    if not origin.plus_days:
        return found.dt.convert_time_zone("UTC")
    local = _later(found.dt.convert_time_zone(mapping.time_zone), origin)
    return local.dt.convert_time_zone("UTC")


def as_utc(wall_clock: pl.Expr, mapping: Mapping) -> pl.Expr:
    """Wall-clock times of the mapping's zone as UTC; the first of two, none for a skipped hour.

    A day is its first moment.
    """
    zoned = wall_clock.cast(pl.Datetime("us")).dt.replace_time_zone(
        mapping.time_zone, ambiguous="earliest", non_existent="null"
    )
    return zoned.dt.convert_time_zone("UTC")


def _later(told: pl.Expr, origin: Origin) -> pl.Expr:
    return told.dt.offset_by(f"{origin.plus_days}d") if origin.plus_days else told


def _read(raw: pl.Expr, origin: Origin, mapping: Mapping) -> pl.Expr:
    """Texts with a time of day as UTC; others are null."""
    if origin.date_format:
        told = raw.str.to_datetime(origin.date_format, time_unit="us", strict=False)
        return told if _ZONED.search(origin.date_format) else as_utc(told, mapping)
    timed = pl.when(raw.str.len_bytes() > _LONGEST_DAY).then(raw)
    spaced = timed.str.replace("T", " ", literal=True)
    zoned = timed.str.replace(" ", "T", literal=True).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", time_zone="UTC", strict=False
    )
    local = (spaced.str.to_datetime(f, time_unit="us", strict=False) for f in _LOCAL_FORMS)
    return pl.coalesce(zoned, as_utc(pl.coalesce(*local), mapping))


def _local_days(moments: pl.Expr, mapping: Mapping) -> pl.Expr:
    return moments.dt.convert_time_zone(mapping.time_zone).dt.date()
