"""What every word of the vocabulary is made of: folds over the rows of one enterprise.

A fold says which rows take part, from when until when, and what is done with their values. Time,
versions and repair are the engine's: a fold is handed usable rows only, one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import reduce
from operator import and_
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xinheng.records.duties.days import first_moment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Op(IntEnum):
    """What becomes of the values of the rows that take part."""

    SUM = 0
    """Sum of whole numbers, exact in any order."""
    MAX = 1
    MIN = 2
    BITS = 3
    """Bitwise or."""
    LAST = 4
    """The row of the highest value; of several the latest event, then arrival, then record id."""
    BEFORE = 5
    """As `LAST`, among the rows whose value is one below the highest."""
    LARGEST = 6
    """Rows that share the commonest value."""
    DECAY = 7
    """Sum of values halved every half-life of their age, in whole multiples of 2**-32."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A condition on one row, or a part of one: conditions share them."""

    where: pl.Expr
    text: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A moment of a row: one that it tells, or the first moment of a legal day."""

    told: pl.Expr
    """A moment, or a date."""
    days_on: int | None = None
    """Days after the date; None: `told` is a moment."""

    @property
    def moment(self) -> pl.Expr:
        """The moment as an expression; null where there is none."""
        if self.days_on is None:
            return self.told
        return first_moment(self.told.dt.offset_by(f"{self.days_on}d"))


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Which rows take part, and from which moments until which; a row without one: ever, never.

    All atoms must hold, all begins be past and no end.
    """

    atoms: tuple[Atom, ...]
    text: str
    begins: tuple[Edge, ...] = ()
    ends: tuple[Edge, ...] = ()

    @classmethod
    def of(
        cls,
        where: pl.Expr,
        text: str,
        *,
        begins: tuple[Edge, ...] = (),
        ends: tuple[Edge, ...] = (),
    ) -> Rows:
        """The rows for which one condition holds."""
        return cls((Atom(where, text),), text, begins, ends)

    @property
    def where(self) -> pl.Expr:
        """The condition as one expression."""
        return reduce(and_, (atom.where for atom in self.atoms))

    def __and__(self, other: Condition) -> Rows:
        more = rows(other)
        if more.text == "true":
            return self
        if self.text == "true":
            return more
        return Rows(
            self.atoms + more.atoms,
            f"({self.text}) and ({more.text})",
            self.begins + more.begins,
            self.ends + more.ends,
        )


Condition = Rows | pl.Expr | str
"""A condition on one row: SQL over the columns of its table, an expression, or `Rows`."""


def rows(condition: Condition) -> Rows:
    """The rows that satisfy a condition; an empty text is all of them."""
    if isinstance(condition, Rows):
        return condition
    if isinstance(condition, str):
        text = condition or "true"
        return Rows.of(pl.sql_expr(text), text)
    with pl.Config(fmt_table_cell_list_len=-1):
        return Rows.of(condition, str(condition))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Fold:
    """One pass over the usable rows of an enterprise that become one whole number."""

    op: Op
    rows: Rows
    value: pl.Expr | None = None
    """Whole number of a row; a row where it is null takes no part. None: one."""
    value_text: str = ""
    kept: pl.Expr | None = None
    """What is told of the row that `LAST` or `BEFORE` picks."""
    kept_text: str = ""
    ages: tuple[int, int | None] = (0, None)
    """Days on `event_at`: `from <= age < to`; without an end all history."""
    half_life_days: int = 0
    table: str = ""
    """Where the rows are, if not in the indicator's table."""
    is_evidence: bool = True

    @property
    def picks(self) -> bool:
        return self.op in {Op.LAST, Op.BEFORE}

    @property
    def text(self) -> str:
        parts = (self.op.name, self.rows.text, self.value_text, self.kept_text, self.ages)
        return f"{self.table}:{'; '.join(map(str, parts))}; {self.half_life_days}"


@dataclass(frozen=True, slots=True)
class Part:
    """A fold's outcome: its number, and how many rows took part; arrays (questions, columns)."""

    value: Floats | Ints
    n: Ints


@dataclass(frozen=True, slots=True)
class Told:
    """What a word finishes values from: arrays (questions, columns), element by element."""

    parts: Mapping[str, Part]
    today: Ints
    """The legal day of `as_of`, in days since 1970: (questions, 1)."""
    others: Mapping[str, Floats] = field(default_factory=dict)
    """What other enterprises contribute: `hits` and `base` of the group, `mean` of all."""

    def value(self, name: str) -> Floats:
        return self.parts[name].value.astype(np.float64)

    def n(self, name: str) -> Floats:
        return self.parts[name].n.astype(np.float64)


Finish = Callable[[Told], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRate:
    """A rate over other enterprises as known at `as_of`: the prior of a share, or a value."""

    by: Literal["all", "industry_division", "region", "address", "contact", "category"]
    hits: str = "k"
    base: str = "n"
    """The folds that count hits and base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A number about other enterprises that are tied to this one."""

    kind: Literal["count", "share", "sum", "flag", "propagate"]
    link: str
    """One of the links of `links.toml`."""
    state: str = ""
    """One of its states of a neighbour."""
    damping: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation:
    """How rows become one number."""

    word: str
    folds: Callable[[int], Mapping[str, Fold]]
    """From the window in days (0: all history) to the folds."""
    finish: Finish
    """From the folds' outcomes to the value; NaN where it does not exist."""
    text: str
    rate: GroupRate | None = None
    relation: Relation | None = None

    @property
    def looks_at_others(self) -> bool:
        return self.rate is not None or self.relation is not None


def ages(window_days: int) -> tuple[int, int | None]:
    """Ages inside a window that ends at `as_of`."""
    return (0, window_days or None)


def one_fold(word: str, fold: Fold, finish: Finish, text: str) -> Aggregation:
    """A word of a single fold over the window, called `value`."""
    return Aggregation(
        word=word,
        folds=lambda window: {"value": replace(fold, ages=ages(window))},
        finish=finish,
        text=text,
    )


def expression(told: str | pl.Expr) -> tuple[pl.Expr, str]:
    """A value of a row and its text: SQL over the columns of its table, or an expression."""
    if isinstance(told, str):
        return pl.sql_expr(told), told
    with pl.Config(fmt_table_cell_list_len=-1):
        return told, str(told)


def said(word: str, *parts: object) -> str:
    return f"{word}({'; '.join(str(part) for part in parts if part not in ('', 'true'))})"
