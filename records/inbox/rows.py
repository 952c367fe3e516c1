"""Records as a delivered file has them; what is plain is in the type of its column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from xinheng.records.frames import NONE, as_moments, as_recent_moments, microsecond
from xinheng.records.inbox.columns import SentColumns, Values, given_columns
from xinheng.records.tables import ENVELOPE_DEFAULTS, Column, Table


class SentRows(NamedTuple):
    """Records of one table as a delivered file has them."""

    rows: pl.DataFrame
    ready: frozenset[str]
    """Columns that hold what the table stores: the gate has nothing to read there."""


def as_sent(target: Table, sent: SentColumns, known_at: Sequence[datetime]) -> SentRows:
    """Records of one table as a delivered file has them, with the moments of arrival.

    Columns that may be empty and are so in all records are not there. What all records say plainly
    in the type that the table wants is of that type; everything else is text.
    """
    nothing = (None,) * sent.height
    told = {
        name: _column(column, sent.values.get(name, nothing))
        for name, column in given_columns(target.name).items()
        if name in sent.values or column is None or not column.nullable
    }
    told["known_at"] = _SentColumn(_moments(known_at), is_ready=True)
    ready = frozenset(name for name, one in told.items() if one.is_ready)
    return SentRows(pl.DataFrame([one.values.alias(name) for name, one in told.items()]), ready)


class _SentColumn(NamedTuple):
    """A column as sent, and whether it holds what is stored."""

    values: pl.Series
    is_ready: bool


def _moments(known_at: Sequence[datetime]) -> pl.Series:
    if all(one is known_at[0] for one in known_at):
        return as_moments(np.full(len(known_at), microsecond(known_at[0])))
    return as_moments(np.array([microsecond(one) for one in known_at]))


def _column(column: Column | None, values: Values) -> _SentColumn:
    """Values of one column as sent; whose record it is has to be looked at in any case."""
    kinds = {*map(type, values)} - {type(None)}
    plain = None if column is None else _plain(column, values, kinds)
    if plain is not None:
        return plain
    if kinds == {str}:
        is_ready = column is not None and _is_clean(column, {*values})
        return _SentColumn(pl.Series(values), is_ready)
    return _SentColumn(pl.Series([_text(one) for one in values], dtype=pl.String()), is_ready=False)


def _plain(column: Column, values: Values, kinds: set[type]) -> _SentColumn | None:
    """Values that all are plainly of the column's type; None: the gate has to read them."""
    if column.dtype.is_numeric() and kinds and kinds <= {int, float}:
        return _number(column, values, kinds)
    if column.kind == "boolean" and kinds == {bool}:
        return _SentColumn(pl.Series(values, dtype=pl.Boolean()), is_ready=True)
    if column.kind in _ISO and kinds == {str}:
        return _time(column, values)
    return None


def _number(column: Column, values: Values, kinds: set[type]) -> _SentColumn:
    """Finite numbers as sent; money has yet to become fen."""
    if kinds == {int}:
        largest = max(map(abs, filter(None, values)), default=0)
        is_ready = column.kind == "integer" and largest <= _MOST_EXACT
        return _SentColumn(pl.Series(values, dtype=pl.Int64()), is_ready)
    told = pl.Series([None if one is None else float(one) for one in values])
    return _SentColumn(told, is_ready=column.kind == "decimal" and not column.is_money)


def _time(column: Column, values: Values) -> _SentColumn | None:
    """Days and times in ISO 8601; None: they are written otherwise, or one is no such day."""
    form, unit = _ISO[column.kind]
    written = "".join([f"{one}," for one in values if one is not None])
    try:
        if column.kind == "datetime" and _ZONED.fullmatch(written):
            return _SentColumn(as_moments(np.array([*map(_microsecond, values)])), is_ready=True)
        if not form.fullmatch(written):
            return None
        told = pl.Series(np.array(values, dtype=unit))
    except ValueError:
        return None
    moments = told if column.kind == "date" else as_recent_moments(told)
    return (
        _SentColumn(told, is_ready=False)
        if moments is None
        else _SentColumn(moments, is_ready=True)
    )


def _is_clean(column: Column, said: set[str | None]) -> bool:
    """Whether texts, each once, stand as the table stores them: trimmed, or in its dictionary."""
    if None in said and column.name in ENVELOPE_DEFAULTS:
        return False
    texts = {one for one in said if one is not None}
    if column.kind == "enum":
        return texts.issubset(column.options)
    return column.is_free_text and "" not in texts and {*map(str.strip, texts)} == texts


_MOST_EXACT = 2**53
"""The largest whole number up to which all are exact as floating point numbers."""
_ISO = {
    "date": (re.compile(r"(?:\d{4}-\d\d-\d\d,)*", re.ASCII), "datetime64[D]"),
    "datetime": (
        re.compile(r"(?:\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d,)*", re.ASCII), "datetime64[us]"
    ),
}  # fmt: skip
"""Days, and wall-clock times, as most write them: many, with a comma after each."""
_ZONED = re.compile(r"(?:\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:Z|[+-]\d\d:[0-5]\d),)*", re.ASCII)
"""Times with their zones, alike."""


def _microsecond(written: str | None) -> int:
    return NONE if written is None else microsecond(datetime.fromisoformat(written))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "|".join(map(str, value))
    return str(value)
