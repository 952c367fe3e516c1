"""Records of one table by column, as a sender said them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any, NamedTuple, Self

import numpy as np
import polars as pl

from xinheng.records.frames import NONE, as_moments, as_recent_moments, microsecond
from xinheng.records.inbox.store import Sent
from xinheng.records.tables import (
    DERIVED_COLUMNS,
    ENVELOPE_DEFAULTS,
    PLATFORM_COLUMNS,
    Column,
    Table,
    table,
)

Values = Sequence[Any]


@cache
def given_columns(name: str) -> dict[str, Column | None]:
    """Columns of a table that a sender may fill, `uscc` first; when it became known is not one."""
    platform = DERIVED_COLUMNS | PLATFORM_COLUMNS | {"known_at"}
    own = {c.name: c for c in table(name).columns if c.name not in platform}
    return {"uscc": None, **own}


@dataclass(frozen=True, slots=True)
class SentColumns:
    """Values by column, in the order of the records; None where a record does not say it."""

    record_type: str
    height: int
    values: Mapping[str, Values]

    @classmethod
    def of(cls, record_type: str, rows: Sequence[Mapping[str, Any]]) -> Self:
        """The records, each a mapping from column to value."""
        if len({*map(tuple, rows)}) == 1:  # nearly always: all say the same columns
            columns = zip(*[row.values() for row in rows], strict=True)
            return cls(record_type, len(rows), dict(zip(rows[0], columns, strict=True)))
        names = dict.fromkeys(chain.from_iterable(rows))
        return cls(record_type, len(rows), {n: [row.get(n) for row in rows] for n in names})


def by_table(sent: Sequence[Sent]) -> list[SentColumns]:
    """Records of any tables, table by table."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in sent:
        found.setdefault(one.record_type, []).append(one.values)
    return [SentColumns.of(name, rows) for name, rows in found.items()]


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
    told["known_at"] = _Told(_moments(known_at), is_ready=True)
    ready = frozenset(name for name, one in told.items() if one.is_ready)
    return SentRows(pl.DataFrame([one.values.alias(name) for name, one in told.items()]), ready)


class _Told(NamedTuple):
    """A column as sent, and whether it holds what is stored."""

    values: pl.Series
    is_ready: bool


def _moments(known_at: Sequence[datetime]) -> pl.Series:
    if all(one is known_at[0] for one in known_at):
        return as_moments(np.full(len(known_at), microsecond(known_at[0])))
    return as_moments(np.array([microsecond(one) for one in known_at]))


def _column(column: Column | None, values: Values) -> _Told:
    """Values of one column as sent; whose record it is has to be looked at in any case."""
    kinds = {*map(type, values)} - {type(None)}
    plain = None if column is None else _plain(column, values, kinds)
    if plain is not None:
        return plain
    if kinds == {str}:
        is_ready = column is not None and _is_clean(column, {*values})
        return _Told(pl.Series(values), is_ready)
    return _Told(pl.Series([_text(one) for one in values], dtype=pl.String()), is_ready=False)


def _plain(column: Column, values: Values, kinds: set[type]) -> _Told | None:
    """Values that all are plainly of the column's type; None: the gate has to read them."""
    if column.dtype.is_numeric() and kinds and kinds <= {int, float}:
        return _number(column, values, kinds)
    if column.kind == "boolean" and kinds == {bool}:
        return _Told(pl.Series(values, dtype=pl.Boolean()), is_ready=True)
    if column.kind in _ISO and kinds == {str}:
        return _time(column, values)
    return None


def _number(column: Column, values: Values, kinds: set[type]) -> _Told:
    """Finite numbers as sent; money has yet to become fen."""
    if kinds == {int}:
        largest = max(map(abs, filter(None, values)), default=0)
        is_ready = column.kind == "integer" and largest <= MOST_EXACT
        return _Told(pl.Series(values, dtype=pl.Int64()), is_ready)
    told = pl.Series([None if one is None else float(one) for one in values])
    return _Told(told, is_ready=column.kind == "decimal" and not column.is_money)


def _time(column: Column, values: Values) -> _Told | None:
    """Days and times in ISO 8601; None: they are written otherwise, or one is no such day."""
    form, unit = _ISO[column.kind]
    written = "".join([f"{one}," for one in values if one is not None])
    try:
        if column.kind == "datetime" and _ZONED.fullmatch(written):
            return _Told(as_moments(np.array([*map(_microsecond, values)])), is_ready=True)
        if not form.fullmatch(written):
            return None
        told = pl.Series(np.array(values, dtype=unit))
    except ValueError:
        return None
    moments = told if column.kind == "date" else as_recent_moments(told)
    return _Told(told, is_ready=False) if moments is None else _Told(moments, is_ready=True)


def _is_clean(column: Column, said: set[str | None]) -> bool:
    """Whether texts, each once, stand as the table stores them: trimmed, or in its dictionary."""
    if None in said and column.name in ENVELOPE_DEFAULTS:
        return False
    texts = {one for one in said if one is not None}
    if column.kind == "enum":
        return texts.issubset(column.options)
    return column.is_free_text and "" not in texts and {*map(str.strip, texts)} == texts


MOST_EXACT = 2**53
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
