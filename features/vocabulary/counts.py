"""How many, how much, whether, which one: the plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl

from xinheng.features.vocabulary.fold import (
    Aggregation,
    Condition,
    Finish,
    Floats,
    Fold,
    Op,
    Told,
    ages,
    expression,
    one_fold,
    rows,
    said,
)

LOWEST, HIGHEST = 0.0, 10.0
"""Ratios are clipped to this range (domain specification, section 3)."""


def count(where: Condition = "") -> Aggregation:
    """Rows in the window."""
    chosen = rows(where)
    fold = Fold(op=Op.SUM, rows=chosen)
    return one_fold("count", fold, plain, said("count", chosen.text))


def total(column: str, where: Condition = "", *, per: int = 1) -> Aggregation:
    """Sum of whole numbers, exact; money comes in fen with `per=100` and leaves in yuan."""
    chosen, (value, text) = rows(where), expression(column)
    fold = Fold(op=Op.SUM, rows=chosen, value=value, value_text=text)
    return one_fold("sum", fold, per_so_many(per), said("sum", text, chosen.text, per))


def mean(column: str, where: Condition = "", *, decimals: int = 0) -> Aggregation:
    """Mean over the rows that have a value, kept to so many decimals; null without any."""
    chosen, scale = rows(where), 10**decimals
    value = (pl.sql_expr(column) * scale).round().cast(pl.Int64)
    fold = Fold(op=Op.SUM, rows=chosen, value=value, value_text=f"{column} * {scale}")
    return one_fold(
        "mean",
        fold,
        _mean(scale),
        said("mean", column, chosen.text, decimals or ""),
    )


def flag(where: Condition) -> Aggregation:
    """1 if any row satisfies the condition, else 0."""
    chosen = rows(where)
    fold = Fold(op=Op.SUM, rows=chosen)
    return one_fold(
        "flag",
        fold,
        _flag,
        said("flag", chosen.text),
    )


def distinct(column: str, values: Sequence[str]) -> Aggregation:
    """How many of a closed list of values occur."""
    named = {value: rows(pl.col(column) == value) for value in values}
    return Aggregation(
        word="distinct",
        folds=lambda window: {
            value: Fold(op=Op.SUM, rows=chosen, ages=ages(window))
            for value, chosen in named.items()
        },
        finish=lambda told: sum(
            ((told.value(value) > 0).astype(np.float64) for value in named),
            start=np.zeros(1),
        ),
        text=said("distinct", column, *values),
    )


def max_group_count(column: str, *, less: int = 0) -> Aggregation:
    """Largest number of rows that share one value; `less` is taken off, never below 0."""
    chosen = rows(pl.col(column).is_not_null())
    codes = pl.col(column).cast(pl.Categorical).to_physical().cast(pl.Int64)
    fold = Fold(op=Op.LARGEST, rows=chosen, value=codes, value_text=f"code of {column}")
    return one_fold(
        "max_group_count",
        fold,
        _less(less),
        said("max_group_count", column, less or ""),
    )


def latest(column: str | pl.Expr, where: Condition = "") -> Aggregation:
    """Value of the row with the latest event; null where there is none."""
    chosen, (kept, text) = rows(where), expression(column)
    fold = Fold(op=Op.LAST, rows=chosen, kept=kept, kept_text=text)
    return one_fold("value", fold, plain, said("value", text, chosen.text))


def latest_flag(where: Condition, *, among: Condition = "") -> Aggregation:
    """1 if the row with the latest event satisfies the condition; 0 if not, or without rows."""
    condition = rows(where)
    found = latest(condition.where.fill_null(value=False).cast(pl.Int8), among)
    return replace(
        found,
        word="flag",
        finish=_zero_without,
        text=said("flag", condition.text, rows(among).text, "pick=last"),
    )


def ordinal(column: str, codes: Mapping[str, int], where: Condition) -> Aggregation:
    """Code of the latest row's value; other values are null."""
    chosen, text = rows(where), f"{column} as {dict(codes)}"
    fold = Fold(op=Op.LAST, rows=chosen, kept=coded(column, codes), kept_text=text)
    return one_fold("ordinal", fold, plain, said("ordinal", column, dict(codes), chosen.text))


def coded(column: str, codes: Mapping[str, int]) -> pl.Expr:
    """The number that stands for a value; null for one without."""
    one = pl.col(column)
    return pl.coalesce(
        pl.when(one == value).then(pl.lit(code, pl.Int64)) for value, code in codes.items()
    )


def ratio(a: str, b: str) -> Aggregation:
    """`a / b` of the latest row, clipped to [0, 10]; null if b is 0 or null."""
    quotient = pl.when(pl.col(b) != 0).then((pl.col(a) / pl.col(b)).clip(LOWEST, HIGHEST))
    return replace(latest(quotient), word="ratio", text=said("ratio", a, b))


def ratio_sum(a: str, b: str, where: Condition = "") -> Aggregation:
    """Sum of a over sum of b of the rows that have both; clipped to [0, 10]; null without b."""
    chosen = rows(where) & f"{a} is not null and {b} is not null"

    def folds(window: int) -> dict[str, Fold]:
        return {
            name: Fold(
                op=Op.SUM, rows=chosen, value=pl.col(name), value_text=name, ages=ages(window)
            )
            for name in (a, b)
        }

    return Aggregation(
        word="ratio_sum",
        folds=folds,
        finish=lambda told: clipped(divided(told.value(a), told.value(b))),
        text=said("ratio_sum", a, b, chosen.text),
    )


def ratio_to(column: str, where: Condition, *, table: str, to: str) -> Aggregation:
    """Sum of a over the latest value of another table's column; clipped; null if that is 0."""
    chosen = rows(where)

    def folds(window: int) -> dict[str, Fold]:
        return {
            "sum": Fold(
                op=Op.SUM, rows=chosen, value=pl.col(column), value_text=column, ages=ages(window)
            ),
            "to": Fold(op=Op.LAST, rows=rows(""), kept=pl.col(to), kept_text=to, table=table),
        }

    return Aggregation(
        word="ratio_to",
        folds=folds,
        finish=lambda told: clipped(divided(told.value("sum"), told.value("to"))),
        text=said("ratio_to", f"sum {column}", chosen.text, f"{table}.{to}"),
    )


def latest_of_both(where: Condition, *, table: str, column: str, at_least: int) -> Aggregation:
    """1 if the latest row satisfies the condition and another table's latest value is as large."""
    condition = rows(where).where.fill_null(value=False).cast(pl.Int8)

    def folds(_: int) -> dict[str, Fold]:
        return {
            "own": Fold(op=Op.LAST, rows=rows(""), kept=condition, kept_text=rows(where).text),
            "other": Fold(
                op=Op.LAST, rows=rows(""), kept=pl.col(column), kept_text=column, table=table
            ),
        }

    return Aggregation(
        word="flag",
        folds=folds,
        finish=lambda told: ((told.value("own") > 0) & (told.value("other") >= at_least)).astype(
            np.float64
        ),
        text=said("flag", rows(where).text, f"{table}.{column} >= {at_least}", "pick=last"),
    )


def shortfall(a: str, b: str) -> Aggregation:
    """`max(0, 1 - a/b)` of two attributes of the sector profile, by their latest values."""

    def folds(_: int) -> dict[str, Fold]:
        return {
            name: Fold(
                op=Op.LAST,
                rows=rows(pl.col("attribute") == name),
                kept=pl.col("value_num"),
                kept_text="value_num",
            )
            for name in (a, b)
        }

    return Aggregation(
        word="shortfall",
        folds=folds,
        finish=lambda told: np.maximum(0.0, 1.0 - divided(told.value(a), told.value(b))),
        text=said("shortfall", a, b),
    )


def told_by(value: Aggregation, text: str, **known: Fold) -> Aggregation:
    """The value where one of some folds has a row, else null: nothing tells it.

    Parameters
    ----------
    text
        What these folds are, for the reader.
    """

    def folds(window: int) -> Mapping[str, Fold]:
        return {**value.folds(window), **known}

    return replace(
        value,
        folds=folds,
        finish=_where_told(value.finish, tuple(known)),
        text=f"{value.text}, as far as told by {text}",
    )


def plain(told: Told) -> Floats:
    """The outcome of the fold as it is."""
    return told.value("value")


@cache
def per_so_many(per: int) -> Finish:
    """The outcome of the fold in a greater unit."""
    return lambda told: told.value("value") / per


@cache
def _mean(scale: int) -> Finish:
    return lambda told: divided(told.value("value"), told.n("value") * scale)


def _flag(told: Told) -> Floats:
    return (told.value("value") > 0).astype(np.float64)


@cache
def _where_told(finish: Finish, names: tuple[str, ...]) -> Finish:
    def told_or_null(told: Told) -> Floats:
        is_told = sum((told.n(name) for name in names), start=np.zeros(1)) > 0
        return np.where(is_told, finish(told), np.nan)

    return told_or_null


@cache
def _less(less: int) -> Finish:
    return lambda told: np.maximum(told.value("value") - less, 0)


def _zero_without(told: Told) -> Floats:
    return np.nan_to_num(told.value("value"))


def divided(a: Floats, b: Floats) -> Floats:
    """`a / b`; NaN where b is 0."""
    found = np.full(a.shape, np.nan)
    np.divide(a, b, out=found, where=b != 0)
    return found


def clipped(values: Floats) -> Floats:
    return np.clip(values, LOWEST, HIGHEST)
