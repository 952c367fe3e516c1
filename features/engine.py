"""The one engine: indicators and a question of `(uscc, as_of)` pairs in, rows of numbers out.

Training, the nightly run, the score of one enterprise and the what-if all call `compute`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import polars as pl

from xinheng.features.indicator import STATE, FeatureColumn, Indicator, columns_of
from xinheng.features.knowledge import Source, known
from xinheng.features.rates import with_rates
from xinheng.features.sectors import with_sectors
from xinheng.features.vocabulary import DAY_US
from xinheng.records.tables import MOMENT

Q = "q"
"""Number of a question's row."""
SMALL_QUESTION = 5_000
"""Up to so many enterprises, only their rows are read."""


def compute(
    indicators: Iterable[Indicator],
    question: pl.DataFrame,
    source: Source,
    *,
    on_step: Callable[[str], None] = lambda _: None,
) -> pl.DataFrame:
    """Indicator values as known at each question's moment.

    Parameters
    ----------
    indicators
        What to compute.
    question
        Columns `uscc` and `as_of` (UTC moments), any number of moments an enterprise.
    source
        The lake, or the records of one request.
    on_step
        Told which table is being read.

    Returns
    -------
    pl.DataFrame
        `uscc`, `as_of`, one float column per indicator and window, in the question's order.
        Null: not known, because the source is not covered, the sector does not apply or the
        value does not exist.
    """
    wanted = tuple(indicators)
    asked = question.select("uscc", pl.col("as_of").cast(MOMENT)).with_row_index(Q)
    asked = with_sectors(asked, source)
    result = asked
    by_table = sorted(wanted, key=lambda indicator: indicator.table)
    for table, group in groupby(by_table, key=lambda indicator: indicator.table):
        on_step(table)
        values = _of_table(table, tuple(group), asked, source)
        result = result.join(values, on=Q, how="left", maintain_order="left")
    names = [column.name for column in columns_of(wanted)]
    return result.sort(Q).select("uscc", "as_of", *names)


def inside_window(days: int) -> pl.Expr:
    """Row lies in `(as_of - days, as_of]` on `event_at`; 0: any time up to `as_of`."""
    age_us = (pl.col("as_of") - pl.col("event_at")).dt.total_microseconds()
    inside = age_us >= 0
    return inside if days == STATE else inside & (age_us < days * DAY_US)


def known_rows(asked: pl.DataFrame, table: str, source: Source) -> pl.LazyFrame:
    """Rows of a table known at each question, with `q` and `as_of`."""
    unique = asked["uscc"].unique()
    few = unique.to_list() if len(unique) <= SMALL_QUESTION else None
    return known(asked.lazy().select(Q, "uscc", "as_of"), source.rows(table, few))


def _of_table(
    table: str, indicators: Sequence[Indicator], asked: pl.DataFrame, source: Source
) -> pl.DataFrame:
    columns = tuple(columns_of(tuple(indicators)))
    parts = [
        expression.alias(f"{column.name}:{part}")
        for column in columns
        for part, expression in column.indicator.value.parts(
            inside_window(column.reads_days)
        ).items()
    ]
    rows = known_rows(asked, table, source)
    found = rows.group_by(Q).agg(pl.len().alias("_rows"), *parts).collect()
    joined = asked.join(found, on=Q, how="left", maintain_order="left")
    joined = with_rates(joined, table, columns, source)
    since = source.covered_from(table)
    covered = pl.lit(value=False) if since is None else pl.col("as_of") >= since
    return joined.select(
        Q, *(_value(column, joined.columns, covered).alias(column.name) for column in columns)
    )


def _value(column: FeatureColumn, present: Sequence[str], covered: pl.Expr) -> pl.Expr:
    """Finish one column: empty where covered and without rows, null where neither."""
    aggregation, scope = column.indicator.value, column.indicator.scope
    prefix = f"{column.name}:"
    parts = {name.removeprefix(prefix): pl.col(name) for name in present if name.startswith(prefix)}
    if aggregation.rate is not None:  # no own rows: nothing to add to the group's rate
        own = {part: pl.col(f"{prefix}{part}").fill_null(0) for part in ("k", "n")}
        value: pl.Expr = pl.when(covered).then(aggregation.finish(parts | own))
    else:
        empty = pl.when(covered).then(pl.lit(aggregation.empty, dtype=pl.Float64))
        value = (
            pl.when(pl.col("_rows").is_null())
            .then(empty)
            .otherwise(aggregation.finish(parts).cast(pl.Float64))
        )
    value = value.cast(pl.Float64)
    if column.indicator.logarithmic:
        value = value.log1p()
    return value if scope == "general" else pl.when(pl.col(f"in_{scope}")).then(value)
