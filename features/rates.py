"""Rates over other enterprises as known at each moment: a sweep over starts and ends of rows.

A row counts from `max(usable_from, event_at)` until it leaves the window or stops being usable.
Running sums of those starts and ends, read at `as_of`, are exact whole numbers and never look
past it; the enterprise's own rows are taken off afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from xinheng.features.indicator import STATE, FeatureColumn
from xinheng.features.knowledge import FROM, UNTIL, Source, known, latest, with_spans
from xinheng.features.vocabulary import GroupRate
from xinheng.records.tables import MOMENT

GROUPS: dict[str, pl.Expr] = {
    "industry_division": pl.col("industry_code").str.slice(0, 3),
    "region": pl.col("registered_region_code"),
    "address": pl.col("address_key"),
}
"""Groups that an enterprise can belong to, from its latest `entity` row."""
EVER, NEVER = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
UNINFORMED = 0.5
"""Prior mean while nobody has been looked at."""


def with_rates(
    joined: pl.DataFrame, table: str, columns: Sequence[FeatureColumn], source: Source
) -> pl.DataFrame:
    """Add `prior`, `group_hits` and `group_base` to the parts of every column that needs them."""
    for column in columns:
        rate = column.indicator.value.rate
        if rate is not None:
            joined = _with_rate(joined, table, column, rate, source)
    return joined


def _with_rate(
    joined: pl.DataFrame, table: str, column: FeatureColumn, rate: GroupRate, source: Source
) -> pl.DataFrame:
    name = column.name
    own_k, own_n = (pl.col(f"{name}:{part}").fill_null(0) for part in ("k", "n"))
    steps = _steps(table, column, rate, source)
    groups = _grouped(joined, rate, source)
    asked = joined.select("q", "as_of").with_columns(groups)
    everyone = _read(steps, asked, by=None)
    group = _read(steps, asked, by="group") if rate.by else everyone
    counted = joined.with_columns(
        everyone["hits"].alias("_hits"),
        everyone["base"].alias("_base"),
        group["hits"].alias("_group_hits"),
        group["base"].alias("_group_base"),
    )
    hits, base = pl.col("_group_hits") - own_k, pl.col("_group_base") - own_n
    all_hits, all_base = pl.col("_hits") - own_k, pl.col("_base") - own_n
    mean = pl.when(all_base > 0).then(all_hits / all_base).otherwise(UNINFORMED)
    is_share = column.indicator.value.word == "share"
    prior = pl.when(base > 0).then(hits / base).otherwise(mean) if is_share else mean
    return counted.with_columns(
        hits.alias(f"{name}:group_hits"),
        base.alias(f"{name}:group_base"),
        prior.alias(f"{name}:prior"),
    ).drop("_hits", "_base", "_group_hits", "_group_base")


def _steps(table: str, column: FeatureColumn, rate: GroupRate, source: Source) -> pl.DataFrame:
    """Moments at which a row begins or ceases to count: `at`, `group`, `hits`, `base` (+1, -1)."""
    rows = with_spans(source.rows(table)).filter(rate.base)
    start = pl.max_horizontal(FROM, "event_at")
    leaves = pl.col("event_at") + pl.duration(days=column.reads_days)
    end = pl.col(UNTIL) if column.reads_days == STATE else pl.min_horizontal(UNTIL, leaves)
    hit = rate.hits.fill_null(value=False).cast(pl.Int64)
    counting = rows.select(
        "uscc",
        start.alias("start"),
        end.fill_null(NEVER).alias("end"),
        hit.alias("hits"),
        base=pl.lit(1, pl.Int64),
    )
    spans = _split(counting, rate, source).filter(pl.col("start") < pl.col("end"))
    begun = spans.select(pl.col("start").alias("at"), "group", "hits", "base")
    ended = spans.filter(pl.col("end") < NEVER).select(
        pl.col("end").alias("at"), "group", -pl.col("hits"), -pl.col("base")
    )
    return pl.concat([begun, ended]).collect().sort("at")


def _split(counting: pl.LazyFrame, rate: GroupRate, source: Source) -> pl.LazyFrame:
    """Cut each row's span where its enterprise changes group; add `group`."""
    if rate.by is None:
        return counting.with_columns(group=pl.lit(""))
    pieces = _memberships(rate, source).lazy()
    return (
        counting.join(pieces, on="uscc", how="left")
        .with_columns(
            pl.max_horizontal("start", "since").alias("start"),
            pl.min_horizontal("end", "till").alias("end"),
            pl.col("group").fill_null(""),
        )
        .drop("since", "till")
    )


def _memberships(rate: GroupRate, source: Source) -> pl.DataFrame:
    """Which group each registered enterprise belonged to when: `uscc`, `since`, `till`, `group`."""
    spans = with_spans(source.rows("entity"))
    ends = [spans.select("uscc", as_of=pl.col(edge)) for edge in (FROM, UNTIL)]
    changes = pl.concat(ends).filter(pl.col("as_of").is_not_null()).unique()
    first = spans.select("uscc").unique().with_columns(as_of=pl.lit(EVER).cast(MOMENT))
    points = pl.concat([first, changes]).sort("uscc", "as_of").collect().with_row_index("q")
    till = pl.col("as_of").shift(-1).over("uscc").fill_null(NEVER)
    return points.select(
        "uscc",
        pl.col("as_of").alias("since"),
        till.alias("till"),
        _grouped(points, rate, source).alias("group"),
    )


def _grouped(asked: pl.DataFrame, rate: GroupRate, source: Source) -> pl.Series:
    """Group of each `(q, uscc, as_of)`, by the latest `entity` row known then."""
    if rate.by is None:
        return pl.Series("group", [""]).new_from_index(0, asked.height).alias("group")
    entities = known(asked.lazy().select("q", "uscc", "as_of"), source.rows("entity"))
    groups = latest(entities, "q").select("q", GROUPS[rate.by].alias("group")).collect()
    return asked.join(groups, on="q", how="left", maintain_order="left")["group"].fill_null("")


def _read(steps: pl.DataFrame, asked: pl.DataFrame, *, by: str | None) -> pl.DataFrame:
    """Running `hits` and `base` at each `as_of`, in the order asked."""
    keys = [by] if by else []
    sums = (steps.group_by(*keys, "at").agg(pl.col("hits", "base").sum()).sort("at")).with_columns(
        pl.col(c).cum_sum().over(keys) if keys else pl.col(c).cum_sum() for c in ("hits", "base")
    )
    read = (
        asked.with_row_index("_order")
        .sort("as_of")
        .join_asof(
            sums, left_on="as_of", right_on="at", by=by, strategy="backward", check_sortedness=False
        )
    )
    return read.sort("_order").select(pl.col("hits", "base").fill_null(0))
