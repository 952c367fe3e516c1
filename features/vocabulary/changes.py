"""How things change: against the window before, against last year, in bursts, with fading."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import polars as pl

from xinheng.features.vocabulary.counts import HIGHEST, LOWEST, coded, divided, per_so_many
from xinheng.features.vocabulary.fold import (
    Aggregation,
    Condition,
    Finish,
    Floats,
    Fold,
    Op,
    Rows,
    Told,
    one_fold,
    rows,
    said,
)

FIXED_POINT = 2**32
LEAST_PCT, MOST_PCT = -100.0, 500.0
"""Changes are clipped to this range (domain specification, section 3)."""
YEAR_DAYS = 365


def pct_change(column: str, where: Condition = "", *, decimals: int = 0) -> Aggregation:
    """Mean of the window against the window before it, in percent."""
    chosen = rows(where)
    return Aggregation(
        word="pct_change",
        folds=lambda window: {
            "now": _scaled(column, chosen, decimals, (0, window)),
            "before": _scaled(column, chosen, decimals, (window, 2 * window)),
        },
        finish=_change,
        text=said("pct_change", column, chosen.text),
    )


def yoy_pct(column: str, where: Condition = "", *, decimals: int = 0) -> Aggregation:
    """Mean of the window against the same window one year earlier, in percent."""
    chosen = rows(where)
    return Aggregation(
        word="yoy_pct",
        folds=lambda window: {
            "now": _scaled(column, chosen, decimals, (0, window)),
            "before": _scaled(column, chosen, decimals, (YEAR_DAYS, YEAR_DAYS + window)),
        },
        finish=_change,
        text=said("yoy_pct", column, chosen.text),
    )


def yoy_of_reports(column: str, *, year: str) -> Aggregation:
    """The latest year's value against that of the year before, in percent; null without both."""

    def fold(op: Op) -> Fold:
        value, kept = pl.col(year), pl.col(column)
        return Fold(op=op, rows=rows(""), value=value, value_text=year, kept=kept, kept_text=column)

    return Aggregation(
        word="yoy_pct",
        folds=lambda _: {"now": fold(Op.LAST), "before": fold(Op.BEFORE)},
        finish=_against_before,
        text=said("yoy_pct", column, year),
    )


def surge(a_days: int, b_days: int, where: Condition) -> Aggregation:
    """Daily rate of the last a days over that of the b days before, 0.5 added to both counts.

    Read over a window of a + b days; clipped to [0, 10].
    """
    chosen = rows(where)

    return Aggregation(
        word="surge",
        folds=lambda _: {
            "a": Fold(op=Op.SUM, rows=chosen, ages=(0, a_days)),
            "b": Fold(op=Op.SUM, rows=chosen, ages=(a_days, a_days + b_days)),
        },
        finish=_surge(a_days, b_days),
        text=said("surge", a_days, b_days, chosen.text),
    )


def decayed_points(
    column: str,
    points: Mapping[str, int],
    *,
    half_life_days: int,
    where: Condition = "",
    halved: str = "false",
) -> Aggregation:
    """Sum of mapped points times `0.5 ** (age / half_life)`, age from `event_at`.

    Rows that satisfy `halved` count half. Summed as whole multiples of 2**-32, so that the order
    of rows cannot change a bit.
    """
    mapped = coded(column, points)
    factor = pl.when(pl.sql_expr(halved).fill_null(value=False)).then(1).otherwise(2)
    chosen = rows(where) & pl.col(column).is_in(list(points))
    fold = Fold(
        op=Op.DECAY,
        rows=chosen,
        value=mapped * factor,
        value_text=f"2 * {column} as {dict(points)}, half if {halved}",
        half_life_days=half_life_days,
    )
    return one_fold(
        "decayed_points",
        fold,
        per_so_many(2 * FIXED_POINT),
        said("decayed_points", column, dict(points), half_life_days, chosen.text, halved),
    )


def _scaled(column: str, chosen: Rows, decimals: int, between: tuple[int, int]) -> Fold:
    value = (pl.col(column) * 10**decimals).round().cast(pl.Int64)
    return Fold(
        op=Op.SUM, rows=chosen, value=value, value_text=f"{column} * {10**decimals}", ages=between
    )


def _change(told: Told) -> Floats:
    """From the sums and numbers of both windows; null without rows or with nothing before."""
    now, before = told.value("now") * told.n("before"), told.value("before") * told.n("now")
    change = _percent(divided(now - before, before))
    return np.where((told.n("now") > 0) & (told.n("before") > 0), change, np.nan)


def _against_before(told: Told) -> Floats:
    now, before = told.value("now"), told.value("before")
    return _percent(divided(now - before, np.abs(before)))


@cache
def _surge(a_days: int, b_days: int) -> Finish:
    def finish(told: Told) -> Floats:
        recent, former = (told.value("a") + 0.5) * b_days, (told.value("b") + 0.5) * a_days
        return np.clip(recent / former, LOWEST, HIGHEST)

    return finish


def _percent(change: Floats) -> Floats:
    return np.clip(change * 100, LEAST_PCT, MOST_PCT)
