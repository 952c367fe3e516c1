"""Records of one table by column, as a sender said them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any, Self

import numpy as np
import polars as pl

from xinheng.records.frames import as_moments, microsecond
from xinheng.records.inbox.store import Sent
from xinheng.records.tables import (
    DERIVED_COLUMNS,
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


def as_sent(target: Table, sent: SentColumns, known_at: Sequence[datetime]) -> pl.DataFrame:
    """Records of one table as a delivered file has them, with the moments of arrival.

    Columns that may be empty and are so in all records are not there. What all records say plainly
    in the type that the table wants is of that type; everything else is text.
    """
    nothing = (None,) * sent.height
    columns = [
        _column(name, column, sent.values.get(name, nothing))
        for name, column in given_columns(target.name).items()
        if name in sent.values or column is None or not column.nullable
    ]
    return pl.DataFrame([*columns, _moments(known_at)])


def _moments(known_at: Sequence[datetime]) -> pl.Series:
    if all(one is known_at[0] for one in known_at):
        told = np.full(len(known_at), microsecond(known_at[0]))
    else:
        told = np.array([microsecond(one) for one in known_at])
    return as_moments(told).alias("known_at")


def _column(name: str, column: Column | None, values: Values) -> pl.Series:
    """Values of one column as sent."""
    kinds = {*map(type, values)} - {type(None)}
    plain = None if column is None else _plain(column, values, kinds)
    if plain is not None:
        return plain.alias(name)
    texts = values if kinds <= {str} else [_text(one) for one in values]
    return pl.Series(name, texts, dtype=pl.String())


def _plain(column: Column, values: Values, kinds: set[type]) -> pl.Series | None:
    """Values that all are plainly of the column's type; None: the gate has to read them."""
    if column.dtype.is_numeric() and kinds == {int}:
        return pl.Series(values, dtype=pl.Int64())
    if column.dtype.is_numeric() and kinds and kinds <= {int, float}:
        return pl.Series([None if one is None else float(one) for one in values])
    if column.kind == "boolean" and kinds == {bool}:
        return pl.Series(values, dtype=pl.Boolean())
    if column.kind in _ISO and kinds == {str}:
        form, unit = _ISO[column.kind]
        if form.fullmatch("".join([f"{one}," for one in values if one is not None])):
            with suppress(ValueError):  # no such day
                return pl.Series(np.array(values, dtype=unit))
    return None


_ISO = {
    "date": (re.compile(r"(?:\d{4}-\d\d-\d\d,)*", re.ASCII), "datetime64[D]"),
    "datetime": (
        re.compile(r"(?:\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d,)*", re.ASCII), "datetime64[us]"
    ),
}  # fmt: skip
"""Days, and wall-clock times, as most write them: many, with a comma after each."""


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "|".join(map(str, value))
    return str(value)
