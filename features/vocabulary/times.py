"""How long ago, how long until, how late, how often in a row."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
from numba import njit

from xinheng.features.vocabulary.counts import latest
from xinheng.features.vocabulary.fold import (
    Aggregation,
    Condition,
    Edge,
    Finish,
    Floats,
    Fold,
    Ints,
    Op,
    Rows,
    Told,
    ages,
    one_fold,
    rows,
    said,
)
from xinheng.features.vocabulary.moments import ahead, begun
from xinheng.records.duties.days import legal_day
from xinheng.records.in_force.proof_columns import OBSERVABLE

PERIODS = 62
"""Years or months that a run or a count of periods can tell apart."""
FIRST_YEAR = 2000
"""Runs of years are told apart from this year on."""


def age_days(column: str) -> Aggregation:
    """Days from a date of the latest row to `as_of`."""
    found = latest(day_number(column))
    return replace(
        found,
        word="age_days",
        finish=_age,
        text=said("age_days", column),
    )


def diff_days(a: str, b: str, where: Condition = "") -> Aggregation:
    """`a - b` of the row with the latest event, in legal days; `b` is a moment."""
    difference = (pl.col(a) - legal_day(pl.col(b))).dt.total_days()
    text = said("diff_days", a, b, rows(where).text)
    return replace(latest(difference, where), word="diff_days", text=text)


def days_since_last(column: str, where: Condition = "", *, cap: int) -> Aggregation:
    """Days from the latest date to `as_of`, at most the cap; the cap when there is none."""
    chosen = rows(where) & f"{column} is not null"
    fold = Fold(op=Op.MAX, rows=chosen, value=day_number(column), value_text=f"day of {column}")
    text = said("days_since_last", column, chosen.text, cap)
    return one_fold("days_since_last", fold, _since(cap), text)


def days_until_next(column: str, where: Condition, *, cap: int = 3650) -> Aggregation:
    """Days to the nearest date on or after `as_of`, at most the cap; the cap when none."""
    chosen = rows(where) & ahead(column)
    fold = Fold(op=Op.MIN, rows=chosen, value=day_number(column), value_text=f"day of {column}")
    return one_fold(
        "days_until_next",
        fold,
        _until(cap),
        said("days_until_next", column, chosen.text, cap),
    )


def days_to_due(where: Condition, *, cap: int) -> Aggregation:
    """Days to the nearest deadline of a duty; its last day counts as 0."""
    chosen = rows(where)
    last_day = legal_day(pl.col("due_at").dt.offset_by("-1us"))
    value = last_day.to_physical().cast(pl.Int64)
    fold = Fold(op=Op.MIN, rows=chosen, value=value, value_text="last day before due_at")
    return one_fold(
        "days_until_next",
        fold,
        _until(cap),
        said("days_until_next", "due_at", chosen.text, cap),
    )


def max_days_overdue(due: str, done: str, where: Condition = "") -> Aggregation:
    """Largest `min(done, as_of) - due` in days, 0 where nothing was late.

    What is not done counts where proofs are delivered.
    """
    base = rows(where) & f"{due} is not null"
    late_by = (pl.col(done) - pl.col(due)).dt.total_days()
    closed = base & begun(done)
    waiting = base & Rows.of(
        pl.lit(value=True),
        f"{done} > as_of or {done} is null and proofs are delivered",
        begins=(Edge(pl.when(pl.col(done).is_null()).then(pl.col(OBSERVABLE))),),
        ends=(Edge(pl.col(done), 0),),
    )

    def folds(window: int) -> dict[str, Fold]:
        return {
            "closed": Fold(
                op=Op.MAX,
                rows=closed,
                value=late_by,
                value_text=f"{done} - {due}",
                ages=ages(window),
            ),
            "waiting": Fold(
                op=Op.MIN,
                rows=waiting,
                value=day_number(due),
                value_text=f"day of {due}",
                ages=ages(window),
            ),
        }

    return Aggregation(
        word="max_days_overdue",
        folds=folds,
        finish=_overdue,
        text=said("max_days_overdue", due, done, base.text),
    )


def run_length(where: Condition, *, among: Condition, year: str) -> Aggregation:
    """Consecutive years up to the latest of `among` that satisfy the condition."""
    base, hits = rows(among), rows(among) & rows(where)
    bit = _bit(pl.col(year) - FIRST_YEAR)

    def folds(window: int) -> dict[str, Fold]:
        return {
            name: Fold(
                op=Op.BITS, rows=chosen, value=bit, value_text=f"bit of {year}", ages=ages(window)
            )
            for name, chosen in (("any", base), ("hit", hits))
        }

    return Aggregation(
        word="run_length",
        folds=folds,
        finish=_run_length,
        text=said("run_length", hits.text, base.text, year),
    )


def count_months(column: str, where: Condition, *, month: str = "month") -> Aggregation:
    """Months with rows, in none of which the column is above zero."""
    base = rows(where)
    active = base & f"{column} > 0"
    number = pl.col(month).dt.year().cast(pl.Int64) * 12 + pl.col(month).dt.month()

    def folds(window: int) -> dict[str, Fold]:
        return {
            name: Fold(
                op=Op.BITS,
                rows=chosen,
                value=_bit(number),
                value_text=f"bit of {month}",
                ages=ages(window),
            )
            for name, chosen in (("any", base), ("active", active))
        }

    return Aggregation(
        word="count_months",
        folds=folds,
        finish=_idle_months,
        text=said("count_months", f"max {column} = 0", base.text),
    )


def day_number(column: str) -> pl.Expr:
    """Days since 1970 of a date."""
    return pl.col(column).cast(pl.Int64)


def _bit(number: pl.Expr) -> pl.Expr:
    return pl.lit(2, dtype=pl.Int64).pow((number % PERIODS).cast(pl.UInt32)).cast(pl.Int64)


def _age(told: Told) -> Floats:
    return told.today - told.value("value")


@cache
def _since(cap: int) -> Finish:
    def finish(told: Told) -> Floats:
        age = told.today - told.value("value")
        return np.where(told.n("value") > 0, np.minimum(age, cap), float(cap))

    return finish


@cache
def _until(cap: int) -> Finish:
    def finish(told: Told) -> Floats:
        days = told.value("value") - told.today
        return np.where(told.n("value") > 0, np.minimum(days, cap), float(cap))

    return finish


def _overdue(told: Told) -> Floats:
    closed_late = np.where(told.n("closed") > 0, told.value("closed"), 0.0)
    still = np.where(told.n("waiting") > 0, told.today - told.value("waiting"), 0.0)
    return np.maximum(0.0, np.maximum(closed_late, still))


def _run_length(told: Told) -> Floats:
    """Years of a hit in a row, down from the last year of any; a year of neither is passed over."""
    any_year, hit = (told.parts[name].value.astype(np.int64) for name in ("any", "hit"))
    return np.asarray(_runs(any_year.ravel(), hit.ravel()).reshape(hit.shape), dtype=np.float64)


def _idle_months(told: Told) -> Floats:
    any_row, in_use = (told.parts[name].value.astype(np.int64) for name in ("any", "active"))
    return np.asarray(np.bitwise_count(any_row & ~in_use), dtype=np.float64)


@njit(cache=True, nogil=True)
def _runs(any_year: Ints, hit: Ints) -> Ints:
    runs = np.zeros(len(hit), dtype=np.int64)
    for i in range(len(hit)):
        for year in range(PERIODS):
            bit = np.int64(1) << np.int64(year)
            if any_year[i] & bit:
                runs[i] = runs[i] + 1 if hit[i] & bit else 0
    return runs
