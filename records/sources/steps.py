"""One expression a column, built once and applied to many frames.

Building an expression costs more than applying it to the records of one request. So does applying
it column by column: of a small frame, columns for which one expression does are read as one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import polars as pl

from xinheng.records.frames import FEW
from xinheng.records.sources.times import Said

_ANY = "value"
Make = Callable[[str, Said], pl.Expr]
"""From a column's name and what is said in it to what becomes of it."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Columns with the one expression, over `_ANY`, that does for each of them."""

    names: tuple[str, ...]
    made: pl.Expr

    def of(self, frame: pl.DataFrame) -> list[pl.Series]:
        """What becomes of the columns of a small frame."""
        long = pl.concat([frame[name].alias(_ANY) for name in self.names], rechunk=True)
        made, height = long.to_frame().select_seq(self.made).to_series(), frame.height
        return [
            made.slice(place * height, height).alias(name) for place, name in enumerate(self.names)
        ]


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of the columns of a frame, each by itself; the others stay as they are."""

    each: tuple[pl.Expr, ...]
    single: tuple[pl.Expr, ...]
    """Of `each` those that are like no other."""
    alike: tuple[Alike, ...]

    @classmethod
    def of(cls, schema: Mapping[str, pl.DataType], make: Make) -> Self:
        """The step for frames of one schema."""
        groups: dict[object, Alike] = {}
        for name, kind in schema.items():
            made = make(name, Said(pl.col(_ANY), kind))
            if not made.meta.eq(pl.col(_ANY)):
                key = (kind, made.meta.serialize())
                before = groups[key].names if key in groups else ()
                groups[key] = Alike((*before, name), made)
        each = {
            name: make(name, Said(pl.col(name), schema[name])).alias(name)
            for group in groups.values()
            for name in group.names
        }
        single = tuple(each[g.names[0]] for g in groups.values() if len(g.names) == 1)
        return cls(tuple(each.values()), single, tuple(g for g in groups.values() if g.names[1:]))

    def made(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame after this step."""
        if frame.height > FEW:
            return frame.with_columns(self.each)
        if not self.each:
            return frame
        told = {one.name: one for one in frame.get_columns()}
        if self.single:
            told |= {one.name: one for one in frame.select_seq(self.single).get_columns()}
        told |= {one.name: one for group in self.alike for one in group.of(frame)}
        return pl.DataFrame(list(told.values()))
