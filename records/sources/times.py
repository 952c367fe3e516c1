"""Delivered dates and times: ISO 8601 or the mapping's format, read in the mapping's zone."""

from __future__ import annotations

import re
from typing import NamedTuple

import polars as pl

from xinheng.records.sources.mapping import EXCEL_DAYS, Mapping, Origin
from xinheng.records.tables import MOMENT

_DAY, _LONGEST_DAY = "%Y-%m-%d", 10
"""ISO 8601; a longer text is none of a bare day."""
_LOCAL_FORMS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")
_FIRST_COUNTED, _LAST_COUNTED = 18_264, 73_051
"""1950-01-01 and 2100-01-01: a number beyond is no day but something else."""
_DAYS_TO_1970 = 25_569
_ZONED = re.compile(r"%[#:]*z")


class Said(NamedTuple):
    """Values as a source says them: an expression, and the type that it has."""

    told: pl.Expr
    dtype: pl.DataType


def dates(said: Said, origin: Origin, mapping: Mapping) -> pl.Expr:
    """Days; of a moment, the day it falls on in the mapping's zone."""
    raw = said.told
    if said.dtype == pl.String:
        days = pl.coalesce(_days(raw, origin), _local_days(_read(raw, origin, mapping), mapping))
    elif getattr(said.dtype, "time_zone", None):
        days = _local_days(raw, mapping)
    elif said.dtype.is_temporal():
        days = raw if said.dtype == pl.Date else raw.cast(pl.Date)
    elif EXCEL_DAYS in origin.date_format:
        days = _counted_days(raw.cast(pl.Float64))
    else:
        return pl.lit(None, dtype=pl.Date)
    return _later(days, origin)


def moments(said: Said, origin: Origin, mapping: Mapping) -> pl.Expr:
    """Moments in UTC; without a zone they are wall-clock times, a bare day its first moment."""
    raw, zone = said.told, getattr(said.dtype, "time_zone", None)
    if said.dtype == pl.String:
        days = _days(raw, origin)
        raw = pl.coalesce(_read(raw, origin, mapping), as_utc(days, mapping))
        zone = "UTC"
    elif EXCEL_DAYS in origin.date_format and said.dtype.is_numeric():
        raw = _counted_days(raw.cast(pl.Float64))
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


def _days(raw: pl.Expr, origin: Origin) -> pl.Expr:
    """Texts that are bare days, in the first of the forms that fits."""
    forms = [form for form in origin.date_format if form != EXCEL_DAYS]
    read = [raw.str.to_date(form, strict=False) for form in _with_iso(forms)]
    if EXCEL_DAYS in origin.date_format:
        read.append(_counted_days(raw.cast(pl.Float64, strict=False)))
    return pl.coalesce(read)


def _with_iso(forms: list[str]) -> list[str]:
    """A workbook's own days come in ISO form, whatever is written in other cells.

    Not where a form of the mapping could mean another day by the same text.
    """
    return forms if any(form.startswith("%Y-") for form in forms) else [*forms, _DAY]


def _counted_days(number: pl.Expr) -> pl.Expr:
    """Whole days as a spreadsheet counts them."""
    is_day = number.is_between(_FIRST_COUNTED, _LAST_COUNTED) & (number == number.floor())
    counted = pl.when(is_day).then(number).cast(pl.Int32, strict=False)
    return (counted - _DAYS_TO_1970).cast(pl.Date)


def _read(raw: pl.Expr, origin: Origin, mapping: Mapping) -> pl.Expr:
    """Texts with a time of day as UTC; others are null."""
    forms = [form for form in origin.date_format if form != EXCEL_DAYS]
    if not forms:
        return _iso_moments(raw, mapping)
    read = [_formed_moments(raw, form, mapping) for form in forms]
    if forms == _with_iso(forms):
        return pl.coalesce(read)
    return pl.coalesce(*read, _iso_moments(raw, mapping))


def _formed_moments(raw: pl.Expr, form: str, mapping: Mapping) -> pl.Expr:
    told = raw.str.to_datetime(form, time_unit="us", strict=False)
    return told if _ZONED.search(form) else as_utc(told, mapping)


def _iso_moments(raw: pl.Expr, mapping: Mapping) -> pl.Expr:
    timed = pl.when(raw.str.len_bytes() > _LONGEST_DAY).then(raw)
    spaced = timed.str.replace("T", " ", literal=True)
    zoned = timed.str.replace(" ", "T", literal=True).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", time_zone="UTC", strict=False
    )
    local = (spaced.str.to_datetime(f, time_unit="us", strict=False) for f in _LOCAL_FORMS)
    return pl.coalesce(zoned, as_utc(pl.coalesce(*local), mapping))


def _local_days(moments: pl.Expr, mapping: Mapping) -> pl.Expr:
    return moments.dt.convert_time_zone(mapping.time_zone).dt.date()
