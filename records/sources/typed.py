"""Source values as a table's columns, step by step; the steps are worked out once a schema."""

from __future__ import annotations

from collections.abc import Mapping as Words
from dataclasses import dataclass
from typing import Self

import polars as pl

from xinheng.errors import BadMapping
from xinheng.records.codes.dictionary import synonyms
from xinheng.records.frames import FEW
from xinheng.records.sources.casting import cast, plain
from xinheng.records.sources.mapping import Mapping, Origin, TableMapping
from xinheng.records.sources.steps import Step
from xinheng.records.sources.times import Said
from xinheng.records.tables import ENVELOPE_DEFAULTS, Column


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
        told = pl.DataFrame([*(self.said[name] for name in doubtful), *read]).select(
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
        both = ((self.said, other.said), (self.values, other.values))
        said, values = (
            pl.DataFrame([*one.get_columns(), *more.get_columns()]) for one, more in both
        )
        return Typed(said, values)


@dataclass(frozen=True, slots=True)
class _Words:
    """Registered other words for dictionary values, by column."""

    known: Words[str, Words[str, str]]

    def made(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with dictionary values in their place; of a small one only what is said."""
        meant = self.known
        if frame.height <= FEW:
            meant = {n: w for n, w in meant.items() if not w.keys().isdisjoint(frame[n].to_list())}
        if not meant:
            return frame
        return frame.with_columns(pl.col(n).replace(dict(w)) for n, w in meant.items())


@dataclass(frozen=True, slots=True)
class Reading:
    """Step by step: as said, decoded by the mapping, in dictionary words, in the stored type."""

    plain: Step
    decoded: Step
    words: _Words
    cast: Step

    @classmethod
    def of(cls, nobody: pl.DataFrame, mapping: Mapping, part: TableMapping, *, where: str) -> Self:
        """The steps for raw columns, by their names in the table, as in a frame without rows."""
        origins = mapping.origins(part)
        columns = {name: part.table.column(name) for name in nobody.columns}

        def said(name: str, one: Said) -> pl.Expr:
            return _plain(one, origins[name], columns[name], where=where)

        def decoded(name: str, one: Said) -> pl.Expr:
            return _decoded(one, origins[name])

        def stored(name: str, one: Said) -> pl.Expr:
            return cast(one, origins[name], columns[name], mapping)

        first = Step.of(nobody.schema, said)
        second = Step.of((nobody := first.made(nobody)).schema, decoded)
        kinds = (nobody := second.made(nobody)).schema
        words = {
            name: synonyms(part.name, name)
            for name, column in columns.items()
            if column.kind == "enum" and kinds[name] == pl.String and not origins[name].codes
        }
        return cls(first, second, _Words(words), Step.of(kinds, stored))

    def typed(self, told: pl.DataFrame) -> Typed:
        said = _with_defaults(self.plain.made(told))
        return Typed(said, self.cast.made(self.words.made(self.decoded.made(said))))


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
