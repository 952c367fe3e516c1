"""From indicators to what is read of each table and folded: made once, used for every question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
import polars as pl

from xinheng.features.engine import kernel
from xinheng.features.indicator import FeatureColumn
from xinheng.features.knowledge import readable_columns
from xinheng.features.vocabulary.fold import Edge, Fold, Ints, Op
from xinheng.records.frames import DAY_US
from xinheng.records.in_force.proof_columns import proof_columns
from xinheng.records.tables import MOMENT

RECORD: dict[str, pl.DataType] = {
    "uscc": pl.String(),
    "record_id": pl.String(),
    "event_at": MOMENT,
    "known_at": MOMENT,
}
"""What is kept of every row."""
FOREVER = np.iinfo(np.int64).max
_Told = TypeVar("_Told")


@dataclass
class TablePlan:
    """What one table contributes: expressions a row, and the folds over them.

    Complete once its `columns` or `plans` have been asked for.
    """

    table: str
    atoms: dict[str, pl.Expr] = field(default_factory=dict)
    conditions: list[tuple[int, ...]] = field(default_factory=list)
    """By place the atoms that must all hold."""
    values: dict[str, pl.Expr] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    bounds: list[tuple[bool, tuple[int, ...]]] = field(default_factory=list)
    """By place whether it is an end, and its edges: the last begin, the first end."""
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
        said = (*self.atoms.values(), *self.values.values(), *(edge.told for edge in self.edges))
        named = {name for one in (*said, *self.kept.values()) for name in one.meta.root_names()}
        return named & (readable_columns(self.table) | proof_columns(self.table))

    @cached_property
    def selection(self) -> tuple[pl.Expr, ...]:
        """What is made of each row: one expression an atom, value, edge and kept thing.

        What is the same for every row is left out.
        """
        edges = {str(place): edge.told for place, edge in enumerate(self.edges)}
        made = {"if": self.atoms, "value": self.values, "edge": edges, "kept": self.kept}
        return tuple(
            told.alias(f"{what}:{text}")
            for what, expressions in made.items()
            for text, told in expressions.items()
            if what == "kept" or told.meta.root_names()
        )

    @cached_property
    def fixed_atoms(self) -> Mapping[int, int]:
        """Atoms, by place, that are the same for every row."""
        return _fixed(self.atoms)

    @cached_property
    def needs(self) -> Ints:
        """The conditions as the kernel reads them: atoms of each, filled up with `NONE`."""
        width = max(len(one) for one in self.conditions)
        filled = [one + (kernel.NONE,) * (width - len(one)) for one in self.conditions]
        return np.array(filled, dtype=np.int64)

    @cached_property
    def fixed_values(self) -> Mapping[int, int]:
        """Values, by place, that are the same for every row."""
        return _fixed(self.values)

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
        row[kernel.CONDITION] = _placed(
            self.conditions,
            tuple(_place(self.atoms, atom.text, atom.where) for atom in fold.rows.atoms),
        )
        own = pl.lit(int(fold.op is not Op.LAST)) if value is None else value
        row[kernel.VALUE] = _place(self.values, fold.value_text or f"={fold.op is Op.LAST}", own)
        row[kernel.BEGINS] = self._bound(fold.rows.begins, is_end=False)
        row[kernel.ENDS] = self._bound(fold.rows.ends, is_end=True)
        row[kernel.AGE_FROM] = first * DAY_US
        row[kernel.AGE_TO] = FOREVER if last is None else last * DAY_US
        row[kernel.HALF_LIFE] = fold.half_life_days * DAY_US
        return row

    def _bound(self, edges: tuple[Edge, ...], *, is_end: bool) -> int:
        """Place of a begin or an end; many conditions begin or end alike."""
        if not edges:
            return kernel.NONE
        return _placed(self.bounds, (is_end, tuple(self._edge(edge) for edge in edges)))

    def _edge(self, edge: Edge) -> int:
        for place, known in enumerate(self.edges):
            if known.days_on == edge.days_on and known.told.meta.eq(edge.told):
                return place
        self.edges.append(edge)
        return len(self.edges) - 1


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


def _placed(known: list[_Told], told: _Told) -> int:
    """Place in a list, to which what is not there yet is added."""
    if told not in known:
        known.append(told)
    return known.index(told)


def _place(known: dict[str, pl.Expr], text: str, told: pl.Expr) -> int:
    """Place of an expression by its text; one text means one expression."""
    assert known.setdefault(text, told).meta.eq(told), f"two meanings of {text!r}"
    return list(known).index(text)
