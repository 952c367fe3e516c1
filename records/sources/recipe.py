"""What a mapping makes of source rows of one schema, worked out once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Self

import polars as pl

from xinheng.domain import ZONE
from xinheng.records.frames import FEW, as_recent_moments
from xinheng.records.sources.mapping import Mapping as Meaning
from xinheng.records.sources.mapping import TableMapping
from xinheng.records.sources.origins import raw
from xinheng.records.sources.times import as_utc
from xinheng.records.sources.typed import Reading, Typed


@dataclass(frozen=True, slots=True)
class Task:
    """A mapping and the schema of source rows; equal tasks share a recipe."""

    said: str
    schema: tuple[tuple[str, pl.DataType], ...]
    ready: frozenset[str]
    """Columns whose values are what the table stores already."""
    mapping: Meaning = field(compare=False)
    part: TableMapping = field(compare=False)
    where: str = field(compare=False)
    """Place of the mapping, for errors."""

    @classmethod
    def of(
        cls,
        source: pl.DataFrame,
        mapping: Meaning,
        part: TableMapping,
        ready: frozenset[str],
        *,
        where: str,
    ) -> Self:
        """The task that such source rows set."""
        said = mapping.said + part.said
        return cls(said, tuple(source.schema.items()), ready, mapping, part, where)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is read of source rows: columns of theirs, and what is the same for all of them."""

    _identifier: pl.Expr
    _event_at: pl.Expr
    _legal_day: str
    """The event column where it is a day in Asia/Shanghai."""
    _own: Mapping[str, pl.Expr]
    _reading: Reading
    _same: Typed | None

    @classmethod
    def of(cls, task: Task) -> Self:
        nobody = pl.DataFrame(schema=dict(task.schema))
        told = {
            name: raw(nobody, origin, where=f"{task.where}, column {name}")
            for name, origin in task.mapping.origins(task.part).items()
            if name not in task.ready
        }
        own = {name: one for name, one in told.items() if one.meta.root_names()}
        steps = partial(Reading.of, mapping=task.mapping, part=task.part, where=task.where)
        same = pl.select([one.alias(name) for name, one in told.items() if name not in own])
        return cls(
            raw(nobody, task.mapping.identifier.origin, where=task.where),
            _event_at(task),
            _legal_day(task),
            own,
            steps(_picked(nobody, own)),
            steps(same.clear()).typed(same) if same.width else None,
        )

    def typed(self, source: pl.DataFrame) -> Typed:
        """All columns that are not ready; what is the same for all rows is read once."""
        told = self._reading.typed(_picked(source, self._own))
        return told if self._same is None else told.beside(self._same.spread(source.height))

    def keys(self, source: pl.DataFrame) -> pl.Series:
        """The identifiers as said."""
        return _one(source, self._identifier).cast(pl.String)

    def event_at(self, rows: pl.DataFrame) -> pl.Series:
        """The event column, as stored, as moments; of few legal days without a query plan."""
        told = None
        if self._legal_day and rows.height <= FEW:
            told = as_recent_moments(rows[self._legal_day])
        return (_one(rows, self._event_at) if told is None else told).alias("event_at")


@lru_cache(maxsize=1_000)
def recipe(task: Task) -> Recipe:
    """The recipe of a task.

    Raises
    ------
    BadMapping
        If a column's type can be no value of the table, or an SQL expression cannot be computed.
    UnknownName
        If the source has no such column.
    """
    return Recipe.of(task)


def _one(frame: pl.DataFrame, wanted: pl.Expr) -> pl.Series:
    """An expression over a frame; a column of it needs no computing."""
    if wanted.meta.is_column():
        return frame[wanted.meta.output_name()]
    return frame.select(wanted).to_series()


def _picked(frame: pl.DataFrame, wanted: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Expressions by name over a frame; what is a column of it already needs no computing."""
    computed = {name: one.alias(name) for name, one in wanted.items() if not one.meta.is_column()}
    told = frame.with_columns(computed.values()) if computed else frame
    return pl.DataFrame(
        [
            told[name] if name in computed else frame[one.meta.output_name()].alias(name)
            for name, one in wanted.items()
        ]
    )


def _legal_day(task: Task) -> str:
    event = task.part.table.event
    is_legal = event.kind == "date" and task.mapping.zone == ZONE
    return event.stored if is_legal else ""


def _event_at(task: Task) -> pl.Expr:
    """The copy of the table's event column as a moment."""
    event = task.part.table.event
    told = pl.col(event.stored)
    return as_utc(told, task.mapping) if event.kind == "date" else told
