"""From indicators to what is read of each table and folded: made once, used for every question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl

from xinheng.features.engine import kernel
from xinheng.features.indicator import FeatureColumn
from xinheng.features.knowledge import readable_columns
from xinheng.features.vocabulary.fold import Fold, Ints, Op
from xinheng.records.frames import DAY_US
from xinheng.records.tables import MOMENT

RECORD: dict[str, pl.DataType] = {
    "uscc": pl.String(),
    "record_id": pl.String(),
    "event_at": MOMENT,
    "known_at": MOMENT,
}
"""What is kept of every row."""
FOREVER = np.iinfo(np.int64).max


@dataclass
class TablePlan:
    """What one table contributes: expressions a row, and the folds over them.

    Complete once its `columns` or `plans` have been asked for.
    """

    table: str
    conditions: dict[str, pl.Expr] = field(default_factory=dict)
    values: dict[str, pl.Expr] = field(default_factory=dict)
    bounds: dict[str, pl.Expr] = field(default_factory=dict)
    kept: dict[str, pl.Expr] = field(default_factory=dict)
    """What is told of picked rows, by text."""
    folds: dict[str, Fold] = field(default_factory=dict)
    """By text: the same fold of two indicators is done once."""
    rows: list[list[int]] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    """Place of each fold, by text."""

    @cached_property
    def plans(self) -> Ints:
        """The folds as the kernel reads them."""
        return np.array(self.rows, dtype=np.int64).reshape(-1, 8)

    @cached_property
    def columns(self) -> set[str]:
        """Columns of the table that are read."""
        said = (*self.conditions.values(), *self.values.values(), *self.bounds.values())
        named = {name for one in (*said, *self.kept.values()) for name in one.meta.root_names()}
        return named & readable_columns(self.table)

    @cached_property
    def selection(self) -> tuple[pl.Expr, ...]:
        """What is made of each row: one expression a condition, value, bound and kept thing.

        What is the same for every row is left out.
        """
        made = {"if": self.conditions, "value": self.values, "bound": self.bounds}
        return tuple(
            told.alias(f"{what}:{text}")
            for what, expressions in (made | {"kept": self.kept}).items()
            for text, told in expressions.items()
            if what == "kept" or told.meta.root_names()
        )

    @cached_property
    def fixed_conditions(self) -> Mapping[int, int]:
        """Conditions, by place, that are the same for every row."""
        return _fixed(self.conditions)

    @cached_property
    def fixed_values(self) -> Mapping[int, int]:
        """Values, by place, that are the same for every row."""
        return _fixed(self.values)

    @cached_property
    def missing_bounds(self) -> tuple[int, ...]:
        """What stands for a bound that a row does not have: ever, or never."""
        return tuple(FOREVER if text.endswith("ends") else -FOREVER for text in self.bounds)

    @cached_property
    def no_rows(self) -> pl.DataFrame:
        """What a table without rows keeps."""
        kept: dict[str, pl.DataType] = {f"kept:{text}": pl.Float64() for text in self.kept}
        return pl.DataFrame(schema=RECORD | kept)

    @cached_property
    def picks(self) -> tuple[bool, ...]:
        """Whether each fold picks a row."""
        return tuple(fold.picks for fold in self.folds.values())

    @cached_property
    def kept_texts(self) -> tuple[str, ...]:
        """What each fold keeps of a picked row."""
        return tuple(fold.kept_text for fold in self.folds.values())

    @cached_property
    def reach_days(self) -> int | None:
        """Days before a question that are read; None: all history."""
        ends = [fold.ages[1] for fold in self.folds.values()]
        return None if None in ends else max(end for end in ends if end is not None)

    def add(self, fold: Fold) -> int:
        """Take a fold into the plan; its place."""
        if fold.text not in self.folds:
            self.folds[fold.text] = fold
            self.names[fold.text] = len(self.rows)
            self.rows.append(self._row(fold))
            if fold.kept is not None:
                _place(self.kept, fold.kept_text, fold.kept)
        return self.names[fold.text]

    def _row(self, fold: Fold) -> list[int]:
        value, (first, last) = fold.value, fold.ages
        row = [0] * 8
        row[kernel.OP] = int(fold.op)
        row[kernel.CONDITION] = _place(self.conditions, fold.rows.text, fold.rows.where)
        own = pl.lit(int(fold.op is not Op.LAST)) if value is None else value
        row[kernel.VALUE] = _place(self.values, fold.value_text or f"={fold.op is Op.LAST}", own)
        row[kernel.BEGINS] = self._bound(fold.rows.begins, fold.rows.text, "begins")
        row[kernel.ENDS] = self._bound(fold.rows.ends, fold.rows.text, "ends")
        row[kernel.AGE_FROM] = first * DAY_US
        row[kernel.AGE_TO] = FOREVER if last is None else last * DAY_US
        row[kernel.HALF_LIFE] = fold.half_life_days * DAY_US
        return row

    def _bound(self, moment: pl.Expr | None, text: str, edge: str) -> int:
        """Place of a begin or an end; many conditions begin or end alike."""
        if moment is None:
            return kernel.NONE
        for place, (known, bound) in enumerate(self.bounds.items()):
            if known.endswith(edge) and bound.meta.eq(moment):
                return place
        return _place(self.bounds, f"{text} {edge}", moment)


class Place(NamedTuple):
    """Where a column finds a fold."""

    table: str
    fold: int
    is_own: bool
    """Whether it reads the indicator's own table, so that a row of it says something."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The tables that some columns read, and where each column finds its folds."""

    tables: dict[str, TablePlan]
    places: Mapping[str, Mapping[str, Place]]
    """By column name and part."""


def plan_of(columns: Iterable[FeatureColumn], begun: Mapping[str, TablePlan] | None = None) -> Plan:
    """What has to be read and folded for these columns, beside what has begun."""
    tables = dict(begun or {})
    places: dict[str, dict[str, Place]] = {}
    for column in columns:
        places[column.name] = {}
        for part, fold in column.folds.items():
            name = fold.table or column.indicator.table
            table = tables.setdefault(name, TablePlan(name))
            places[column.name][part] = Place(name, table.add(fold), not fold.table)
    return Plan(tables, places)


def _fixed(told: Mapping[str, pl.Expr]) -> Mapping[int, int]:
    return {
        place: int(pl.select(one).item())
        for place, one in enumerate(told.values())
        if not one.meta.root_names()
    }


def _place(known: dict[str, pl.Expr], text: str, told: pl.Expr) -> int:
    """Place of an expression by its text; one text means one expression."""
    assert known.setdefault(text, told).meta.eq(told), f"two meanings of {text!r}"
    return list(known).index(text)
