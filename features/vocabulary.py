"""The words indicators are made of: small typed aggregations over known rows of one record table.

An aggregation never filters on time. The engine hands it `inside`, true for the rows in the
window; the aggregation answers with named parts, computed per question, and a final expression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from xinheng.records.duties.days import legal_day

DAY_US = 86_400_000_000
FIXED_POINT = 2**32
Parts = Mapping[str, pl.Expr]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRate:
    """A rate over other enterprises, as known at `as_of`: the prior of a share, or a value."""

    by: str | None
    """Attribute of `entity` that makes the groups; none: all enterprises."""
    hits: pl.Expr
    base: pl.Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation:
    """How rows become one number."""

    word: str
    parts: Callable[[pl.Expr], dict[str, pl.Expr]]
    """From `inside` to the parts, each an aggregation over the rows of one question."""
    finish: Callable[[Parts], pl.Expr]
    """From the parts (and `prior`, `group_hits`, `group_base` of a rate) to the value."""
    where: pl.Expr
    """Rows that take part; with the window, they are the evidence."""
    empty: float | None
    """Value where the source is covered and no row takes part."""
    picks_last: bool = False
    reads_days: int | None = None
    """Days of records it reads, where that is more than the window in its name."""
    rate: GroupRate | None = None
    text: str = ""
    """All that decides the value, for the catalogue's version."""


def _all_rows() -> pl.Expr:
    return pl.lit(value=True)


def _only(parts: Parts) -> pl.Expr:
    return parts["value"]


def _text(word: str, *parts: object) -> str:
    return f"{word}({'; '.join(map(str, parts))})"


def count(*, where: pl.Expr | None = None) -> Aggregation:
    """Rows in the window."""
    rows = _all_rows() if where is None else where
    return Aggregation(
        word="count",
        parts=lambda inside: {"value": (inside & rows).sum()},
        finish=_only,
        where=rows,
        empty=0.0,
        text=_text("count", rows),
    )


def total(column: pl.Expr, *, where: pl.Expr | None = None, per: int = 1) -> Aggregation:
    """Sum of whole numbers, exact; money comes in fen with `per=100` and leaves in yuan."""
    rows = _all_rows() if where is None else where
    return Aggregation(
        word="total",
        parts=lambda inside: {"value": pl.when(inside & rows).then(column).sum()},
        finish=lambda p: _divided(p["value"], per),
        where=rows,
        empty=0.0,
        text=_text("total", column, rows, per),
    )


def flag(where: pl.Expr) -> Aggregation:
    """1 if any row satisfies the condition, else 0."""
    return Aggregation(
        word="flag",
        parts=lambda inside: {"value": (inside & where).any()},
        finish=_only,
        where=where,
        empty=0.0,
        text=_text("flag", where),
    )


def latest(column: pl.Expr, *, where: pl.Expr | None = None) -> Aggregation:
    """Value of the row with the latest event; null where there is none."""
    rows = _all_rows() if where is None else where
    return Aggregation(
        word="latest",
        parts=lambda inside: {"value": _last(column, inside & rows)},
        finish=_only,
        where=rows,
        empty=None,
        picks_last=True,
        text=_text("latest", column, rows),
    )


def ordinal(column: str, codes: Mapping[str, int], *, where: pl.Expr) -> Aggregation:
    """Code of the latest row's value; other values are null."""
    coded = pl.col(column).replace_strict(dict(codes), default=None, return_dtype=pl.Int64)
    found = latest(coded, where=where)
    return _renamed(found, "ordinal", _text("ordinal", column, dict(codes), where))


def ratio(a: str, b: str) -> Aggregation:
    """`a / b` of the latest row, clipped to [0, 10]; null if b is 0 or null."""
    quotient = pl.when(pl.col(b) != 0).then((pl.col(a) / pl.col(b)).clip(0, 10))
    return _renamed(latest(quotient), "ratio", _text("ratio", a, b))


def age_days(column: str) -> Aggregation:
    """Days from a date of the latest row to `as_of`."""
    age = (legal_day(pl.col("as_of")) - pl.col(column)).dt.total_days()
    return _renamed(latest(age), "age_days", _text("age_days", column))


def days_since_last(column: str, *, cap: int, where: pl.Expr | None = None) -> Aggregation:
    """Days from the latest date to `as_of`, at most the cap; the cap when there is none."""
    rows = _all_rows() if where is None else where
    age = (legal_day(pl.col("as_of")) - pl.col(column)).dt.total_days()
    return Aggregation(
        word="days_since_last",
        parts=lambda inside: {"value": pl.when(inside & rows).then(age).min()},
        finish=lambda p: p["value"].fill_null(cap).clip(upper_bound=cap),
        where=rows,
        empty=float(cap),
        picks_last=True,
        text=_text("days_since_last", column, cap, rows),
    )


def days_until_next(column: str, *, cap: int = 3650, where: pl.Expr) -> Aggregation:
    """Days to the nearest date on or after `as_of`, at most the cap; the cap when none."""
    ahead = (pl.col(column) - legal_day(pl.col("as_of"))).dt.total_days()
    rows = where & (ahead >= 0)
    return Aggregation(
        word="days_until_next",
        parts=lambda inside: {"value": pl.when(inside & rows).then(ahead).min()},
        finish=lambda p: p["value"].fill_null(cap).clip(upper_bound=cap),
        where=rows,
        empty=float(cap),
        text=_text("days_until_next", column, cap, where),
    )


def ratio_sum(a: str, b: str, *, where: pl.Expr) -> Aggregation:
    """Sum of a over sum of b of the rows that have both; clipped to [0, 10]; null without b."""
    rows = where & pl.col(a).is_not_null() & pl.col(b).is_not_null()
    return Aggregation(
        word="ratio_sum",
        parts=lambda inside: {
            "a": pl.when(inside & rows).then(pl.col(a)).sum(),
            "b": pl.when(inside & rows).then(pl.col(b)).sum(),
        },
        finish=lambda p: pl.when(p["b"] > 0).then((p["a"] / p["b"]).clip(0, 10)),
        where=rows,
        empty=None,
        text=_text("ratio_sum", a, b, where),
    )


def share(
    hits: pl.Expr, *, base: pl.Expr | None = None, prior: int, by: Literal["industry"] | None = None
) -> Aggregation:
    """Rows with a hit over rows of the base, shrunk: `(k + prior * m) / (n + prior)`.

    `m` is the same share over all enterprises of the group as known at `as_of`, this one left
    out; over all groups where this one is empty.
    """
    rows = _all_rows() if base is None else base
    return Aggregation(
        word="share",
        parts=lambda inside: {
            "k": (inside & rows & hits).sum(),
            "n": (inside & rows).sum(),
        },
        finish=lambda p: (p["k"] + prior * p["prior"]) / (p["n"] + prior),
        where=rows,
        empty=None,
        rate=GroupRate(by=by and "industry_division", hits=rows & hits, base=rows),
        text=_text("share", hits, rows, prior, by),
    )


def group_rate(hits: pl.Expr, *, by: str, base: pl.Expr, prior: int) -> Aggregation:
    """Smoothed rate of the group that an attribute of `entity` makes, its own rows left out."""
    return Aggregation(
        word="group_rate",
        parts=lambda inside: {"k": (inside & base & hits).sum(), "n": (inside & base).sum()},
        finish=lambda p: (p["group_hits"] + prior * p["prior"]) / (p["group_base"] + prior),
        where=pl.lit(value=False),
        empty=None,
        rate=GroupRate(by=by, hits=base & hits, base=base),
        text=_text("group_rate", hits, by, base, prior),
    )


def max_group_count(column: str, *, less: int = 0) -> Aggregation:
    """Largest number of rows that share one value; `less` is taken off, never below 0."""
    return Aggregation(
        word="max_group_count",
        parts=lambda inside: {
            "value": pl.col(column)
            .filter(inside)
            .drop_nulls()
            .value_counts()
            .struct.field("count")
            .max()
        },
        finish=lambda p: (p["value"].cast(pl.Int64).fill_null(0) - less).clip(0),
        where=pl.col(column).is_not_null(),
        empty=0.0,
        text=_text("max_group_count", column, less),
    )


def decayed_points(column: str, points: Mapping[str, int], *, half_life_days: int) -> Aggregation:
    """Sum of mapped points times `0.5 ** (age / half_life)`, age from `event_at`.

    Summed as whole multiples of 2**-32, so that the order of rows cannot change a bit.
    """
    mapped = pl.col(column).replace_strict(dict(points), default=0, return_dtype=pl.Int64)
    half_lives = _divided(
        (pl.col("as_of") - pl.col("event_at")).dt.total_microseconds(), half_life_days * DAY_US
    )
    value = (mapped * (0.5**half_lives) * FIXED_POINT).round().cast(pl.Int64)
    return Aggregation(
        word="decayed_points",
        parts=lambda inside: {"value": pl.when(inside).then(value).sum()},
        finish=lambda p: p["value"] / FIXED_POINT,
        where=mapped > 0,
        empty=0.0,
        text=_text("decayed_points", column, dict(points), half_life_days),
    )


def surge(a_days: int, b_days: int, *, where: pl.Expr) -> Aggregation:
    """Daily rate of the last a days over that of the b days before, 0.5 added to both counts.

    Read over a window of a + b days; clipped to [0, 10].
    """
    recent = (pl.col("as_of") - pl.col("event_at")).dt.total_microseconds() < a_days * DAY_US
    return Aggregation(
        word="surge",
        parts=lambda inside: {
            "a": (inside & where & recent).sum(),
            "b": (inside & where & ~recent).sum(),
        },
        finish=lambda p: (((p["a"] + 0.5) * b_days) / ((p["b"] + 0.5) * a_days)).clip(0, 10),
        where=where,
        empty=min(10.0, b_days / a_days),
        reads_days=a_days + b_days,
        text=_text("surge", a_days, b_days, where),
    )


def _divided(whole: pl.Expr, by: int) -> pl.Expr:
    """Division whose last bit does not depend on how many rows there are.

    By a literal, Polars multiplies long columns by the reciprocal but divides a single row.
    """
    return whole / (whole * 0 + by)


def _last(column: pl.Expr, inside: pl.Expr) -> pl.Expr:
    return (
        column.filter(inside)
        .sort_by(*(pl.col(c).filter(inside) for c in ("event_at", "known_at", "record_id")))
        .last()
    )


def _renamed(aggregation: Aggregation, word: str, text: str) -> Aggregation:
    return replace(aggregation, word=word, text=text)
