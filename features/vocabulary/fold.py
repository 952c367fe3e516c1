"""What every word of the vocabulary is made of: folds over the rows of one enterprise.

A fold says which rows take part, from when until when, and what is done with their values. Time,
versions and repair are the engine's: a fold is handed usable rows only, one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

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


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Which rows take part, and from which moment until which; null: ever, never."""

    where: pl.Expr
    text: str
    begins: pl.Expr | None = None
    ends: pl.Expr | None = None

    def __and__(self, other: Condition) -> Rows:
        more = rows(other)
        if more.text == "true":
            return self
        if self.text == "true":
            return more
        return Rows(
            self.where & more.where,
            f"({self.text}) and ({more.text})",
            begins=_both(pl.max_horizontal, self.begins, more.begins),
            ends=_both(pl.min_horizontal, self.ends, more.ends),
        )


Condition = Rows | pl.Expr | str
"""A condition on one row: SQL over the columns of its table, an expression, or `Rows`."""


def rows(condition: Condition) -> Rows:
    """The rows that satisfy a condition; an empty text is all of them."""
    if isinstance(condition, Rows):
        return condition
    if isinstance(condition, str):
        text = condition or "true"
        return Rows(pl.sql_expr(text), text)
    with pl.Config(fmt_table_cell_list_len=-1):
        return Rows(condition, str(condition))


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

    by: Literal["all", "industry_division", "region", "address", "category"]
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


def _both(
    join: Callable[[pl.Expr, pl.Expr], pl.Expr], one: pl.Expr | None, other: pl.Expr | None
) -> pl.Expr | None:
    if one is None or other is None:
        return other if one is None else one
    return join(one, other)
