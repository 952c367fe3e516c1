"""What a mapping makes of source rows of one schema, worked out once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self

import polars as pl

from xinheng.errors import BadMapping
from xinheng.records.codes.dictionary import synonyms
from xinheng.records.frames import FEW
from xinheng.records.sources.casting import cast, plain
from xinheng.records.sources.mapping import Mapping as Meaning
from xinheng.records.sources.mapping import Origin, TableMapping
from xinheng.records.sources.origins import raw
from xinheng.records.sources.steps import Step
from xinheng.records.sources.times import Said, as_utc
from xinheng.records.tables import ENVELOPE_DEFAULTS, Column


@dataclass(frozen=True, slots=True)
class Task:
    """A mapping and the schema of source rows; equal tasks share a recipe."""

    said: str
    schema: tuple[tuple[str, pl.DataType], ...]
    mapping: Meaning = field(compare=False)
    part: TableMapping = field(compare=False)
    where: str = field(compare=False)
    """Place of the mapping, for errors."""

    @classmethod
    def of(cls, source: pl.DataFrame, mapping: Meaning, part: TableMapping, *, where: str) -> Self:
        """The task that such source rows set."""
        common = mapping.model_dump_json(by_alias=True, exclude={"tables"})
        said = common + part.model_dump_json(exclude={"file"})
        return cls(said, tuple(source.schema.items()), mapping, part, where)


@dataclass(frozen=True, slots=True)
class Typed:
    """Columns by their names in the table: as they were said, and in their stored types."""

    said: pl.DataFrame
    values: pl.DataFrame
    """Null where nothing was said or it cannot be read."""

    def bad(self) -> dict[str, pl.Series]:
        """By column where a value was said and cannot be read; only columns with such a value."""
        doubtful = [one.name for one in self.values.get_columns() if one.null_count()]
        if not doubtful:
            return {}
        read = [self.values[name].alias(f"read:{name}") for name in doubtful]
        told = pl.DataFrame([*(self.said[name] for name in doubtful), *read]).select_seq(
            (pl.col(name).is_not_null() & pl.col(f"read:{name}").is_null()).alias(name)
            for name in doubtful
        )
        return {one.name: one for one in told.get_columns() if one.any()}

    def spread(self, height: int) -> Typed:
        """The same for all of some rows, of what was read once."""
        said, values = (
            pl.DataFrame([one.new_from_index(0, height) for one in frame.get_columns()])
            for frame in (self.said, self.values)
        )
        return Typed(said, values)

    def beside(self, other: Typed) -> Typed:
        """These columns and those of another."""
        return Typed(self.said.hstack(other.said), self.values.hstack(other.values))


@dataclass(frozen=True, slots=True)
class _Words:
    """Registered other words for dictionary values, by column."""

    known: Mapping[str, Mapping[str, str]]

    def made(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with dictionary values in their place; of a small one only what is said."""
        meant = self.known
        if frame.height <= FEW:
            meant = {n: w for n, w in meant.items() if not w.keys().isdisjoint(frame[n].to_list())}
        if not meant:
            return frame
        return frame.with_columns(pl.col(n).replace(dict(w)) for n, w in meant.items())


@dataclass(frozen=True, slots=True)
class _Reading:
    """Step by step: as said, decoded by the mapping, in dictionary words, in the stored type."""

    plain: Step
    decoded: Step
    words: _Words
    cast: Step

    @classmethod
    def of(cls, nobody: pl.DataFrame, task: Task) -> Self:
        """The steps for raw columns, by their names in the table, as in a frame without rows."""
        origins = task.mapping.origins(task.part)
        columns = {name: task.part.table.column(name) for name in nobody.columns}

        def said(name: str, one: Said) -> pl.Expr:
            return _plain(one, origins[name], columns[name], where=task.where)

        def decoded(name: str, one: Said) -> pl.Expr:
            return _decoded(one, origins[name])

        def stored(name: str, one: Said) -> pl.Expr:
            return cast(one, origins[name], columns[name], task.mapping)

        first = Step.of(nobody.schema, said)
        second = Step.of((nobody := first.made(nobody)).schema, decoded)
        kinds = (nobody := second.made(nobody)).schema
        words = {
            name: synonyms(task.part.name, name)
            for name, column in columns.items()
            if column.kind == "enum" and kinds[name] == pl.String and not origins[name].codes
        }
        return cls(first, second, _Words(words), Step.of(kinds, stored))

    def typed(self, told: pl.DataFrame) -> Typed:
        said = _with_defaults(self.plain.made(told))
        return Typed(said, self.cast.made(self.words.made(self.decoded.made(said))))


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is read of source rows: columns of theirs, and what is the same for all of them."""

    _identifier: pl.Expr
    _event_at: pl.Expr
    _own: Mapping[str, pl.Expr]
    _reading: _Reading
    _same: Typed | None

    @classmethod
    def of(cls, task: Task) -> Self:
        nobody = pl.DataFrame(schema=dict(task.schema))
        told = {
            name: raw(nobody, origin, where=f"{task.where}, column {name}")
            for name, origin in task.mapping.origins(task.part).items()
        }
        own = {name: one for name, one in told.items() if one.meta.root_names()}
        same = pl.select([one.alias(name) for name, one in told.items() if name not in own])
        return cls(
            raw(nobody, task.mapping.identifier.origin, where=task.where),
            _event_at(task),
            own,
            _Reading.of(_picked(nobody, own), task),
            _Reading.of(same.clear(), task).typed(same) if same.width else None,
        )

    def typed(self, source: pl.DataFrame) -> Typed:
        """All columns; what is the same for all rows is read once."""
        told = self._reading.typed(_picked(source, self._own))
        return told if self._same is None else told.beside(self._same.spread(source.height))

    def keys(self, source: pl.DataFrame) -> pl.Series:
        """The identifiers as said."""
        return _one(source, self._identifier).cast(pl.String)

    def event_at(self, rows: pl.DataFrame) -> pl.Series:
        """The event column, as stored, as moments."""
        return _one(rows, self._event_at).alias("event_at")


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


def _plain(said: Said, origin: Origin, column: Column, *, where: str) -> pl.Expr:
    try:
        return plain(said, origin, column).told
    except BadMapping as fault:
        raise BadMapping(f"{where}, column {column.name}: {fault.message}") from None


def _decoded(said: Said, origin: Origin) -> pl.Expr:
    """Apply the mapping's code list."""
    if not origin.codes:
        return said.told
    keys = said.told.cast(pl.String)
    return keys.replace_strict(origin.codes, default=origin.otherwise, return_dtype=pl.String)


def _with_defaults(said: pl.DataFrame) -> pl.DataFrame:
    """What an envelope column is where nothing is said."""
    filled = [
        pl.col(name).fill_null(default)
        for name, default in ENVELOPE_DEFAULTS.items()
        if name in said.columns and said[name].null_count()
    ]
    return said.with_columns(filled) if filled else said


def _one(frame: pl.DataFrame, wanted: pl.Expr) -> pl.Series:
    """An expression over a frame; a column of it needs no computing."""
    if wanted.meta.is_column():
        return frame[wanted.meta.output_name()]
    return frame.select(wanted).to_series()


def _picked(frame: pl.DataFrame, wanted: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Expressions by name over a frame; what is a column of it already needs no computing."""
    computed = {name: one.alias(name) for name, one in wanted.items() if not one.meta.is_column()}
    told = frame.select(list(computed.values())) if computed else frame
    return pl.DataFrame(
        [
            told[name] if name in computed else frame[one.meta.output_name()].alias(name)
            for name, one in wanted.items()
        ]
    )


def _event_at(task: Task) -> pl.Expr:
    """The copy of the table's event column as a moment."""
    event = task.part.table.event
    told = pl.col(event.stored)
    return as_utc(told, task.mapping) if event.kind == "date" else told
