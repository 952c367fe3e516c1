"""Delivered dates and times: ISO 8601 or the mapping's format, read in the mapping's zone."""

from __future__ import annotations

import polars as pl

from xinheng.records.sources.mapping import Mapping, Origin
from xinheng.records.tables import MOMENT

_LOCAL_FORMS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")


def dates(raw: pl.Series, origin: Origin, mapping: Mapping) -> pl.Series:
    """Days; of a moment, the day it falls on in the mapping's zone."""
    if raw.dtype == pl.String:
        days = raw.str.to_date(origin.date_format or "%Y-%m-%d", strict=False)
        days = _first(days, _local_days(_read(raw, origin, mapping), mapping))
    elif getattr(raw.dtype, "time_zone", None):
        days = _local_days(raw, mapping)
    elif raw.dtype.is_temporal():
        days = raw.cast(pl.Date)
    else:
        days = pl.Series([None], dtype=pl.Date).new_from_index(0, raw.len())
    return days.dt.offset_by(f"{origin.plus_days}d")


def moments(raw: pl.Series, origin: Origin, mapping: Mapping) -> pl.Series:
    """Moments in UTC; without a zone they are wall-clock times, a bare day its first moment."""
    if raw.dtype == pl.String:
        read = _read(raw, origin, mapping)
        days = raw.str.to_date(origin.date_format or "%Y-%m-%d", strict=False)
        raw = _first(read, as_utc(days.cast(pl.Datetime("us")), mapping))
    if not raw.dtype.is_temporal():
        return pl.Series([None], dtype=MOMENT).new_from_index(0, raw.len())
    zone = getattr(raw.dtype, "time_zone", None)
    found = raw.cast(pl.Datetime("us", zone))
    if zone is None:
        return as_utc(found.dt.offset_by(f"{origin.plus_days}d"), mapping)
    local = found.dt.convert_time_zone(mapping.time_zone).dt.offset_by(f"{origin.plus_days}d")
    return local.dt.convert_time_zone("UTC")


def as_utc(wall_clock: pl.Series, mapping: Mapping) -> pl.Series:
    """Wall-clock times of the mapping's zone as UTC; the first of two, none for a skipped hour."""
    zoned = wall_clock.dt.replace_time_zone(
        mapping.time_zone, ambiguous="earliest", non_existent="null"
    )
    return zoned.dt.convert_time_zone("UTC")


def _read(raw: pl.Series, origin: Origin, mapping: Mapping) -> pl.Series:
    """Texts with a time of day as UTC; others are null."""
    if origin.date_format:
        told = raw.str.to_datetime(origin.date_format, time_unit="us", strict=False)
        return as_utc(told, mapping) if told.dtype == pl.Datetime("us") else told
    spaced = raw.str.replace("T", " ", literal=True)
    told = raw.str.replace(" ", "T", literal=True).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", time_zone="UTC", strict=False
    )
    for form in _LOCAL_FORMS:
        local = spaced.str.to_datetime(form, time_unit="us", strict=False)
        told = _first(told, as_utc(local, mapping))
    return told


def _local_days(moments: pl.Series, mapping: Mapping) -> pl.Series:
    return moments.dt.convert_time_zone(mapping.time_zone).dt.date()


def _first(one: pl.Series, other: pl.Series) -> pl.Series:
    """Values of the one, and of the other where it has none."""
    return one.zip_with(one.is_not_null(), other)
