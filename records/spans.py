"""When each version of a record may be used: spans `[usable_from, usable_until)` of time.

A version counts from the moment it is known until a newer version of the same fact is known.
With the spans at hand, knowledge at any number of moments is a comparison (domain README, 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from xinheng.records.duties.days import first_moment
from xinheng.records.tables import MOMENT
from xinheng.records.versions import KEY, SCORABLE

FROM, UNTIL = "usable_from", "usable_until"
EVER, NEVER = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
FACT = ["uscc", *KEY]
"""A fact about one enterprise, whatever its version."""
HELD = ("under_review", "upheld")
"""States of a dispute in which a record may not worsen anything (domain README, X7)."""
SPAN_COLUMNS = (*FACT, "version", "known_at", "operation", "quality_status")
PUBLIC_COLUMNS = ("repaired_at", "publicity_until")


def with_spans(versions: pl.DataFrame, *, public: bool = False) -> pl.DataFrame:
    """Scorable versions with the span of each; a span without end ends at `NEVER`.

    Needs all versions of the facts concerned, with `SPAN_COLUMNS`. A higher version supersedes a
    lower one from the moment it is known, in whatever order the two arrived; a withdrawn or
    unconfirmed version has no span, and ends that of the one before.

    Parameters
    ----------
    public
        End the spans on the day that a repair or the end of publicity takes effect, too.
    """
    spans = _superseded(versions).filter(
        pl.col("operation") != "withdraw", pl.col("quality_status").is_in(SCORABLE)
    )
    if public:
        ends = [first_moment(pl.col(c)) for c in PUBLIC_COLUMNS if not _is_empty(spans[c])]
        spans = spans.with_columns(pl.min_horizontal(UNTIL, *ends).alias(UNTIL))
    return spans.filter(pl.col(FROM) < pl.col(UNTIL))


def segments(rows: pl.DataFrame, by: Sequence[str], **told: pl.Expr) -> pl.DataFrame:
    """Cut time where the usable rows of a group change; tell of each stretch what `told` says.

    `rows` carry spans. The stretches of a group follow one another from `EVER` to `NEVER`; in one
    without usable rows everything told is null.
    """
    pieces = stretches(rows.select(*by, FROM, UNTIL), by)
    held = pieces.join(rows.rename({FROM: "_from", UNTIL: "_until"}), on=by).filter(
        pl.col("_from") <= pl.col(FROM), pl.col(FROM) < pl.col("_until")
    )
    found = held.group_by(*by, FROM).agg(**told)
    return pieces.join(found, on=[*by, FROM], how="left")


def stretches(rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The stretches of each group, from `EVER` to `NEVER`, cut at every begin and end of a row."""
    groups = rows.select(by).unique().with_columns(pl.lit(EVER).cast(MOMENT).alias(FROM))
    points = [groups, *(rows.select(*by, pl.col(edge).alias(FROM)) for edge in (FROM, UNTIL))]
    cuts = pl.concat(points).filter(pl.col(FROM) < NEVER).unique().sort(*by, FROM)
    is_last = pl.any_horizontal(pl.col(c) != pl.col(c).shift(-1) for c in by).fill_null(value=True)
    till = pl.when(is_last).then(pl.lit(NEVER)).otherwise(pl.col(FROM).shift(-1))
    return cuts.with_columns(till.cast(MOMENT).alias(UNTIL))


def merged(pieces: pl.DataFrame, by: Sequence[str], told: Sequence[str]) -> pl.DataFrame:
    """Join neighbouring stretches of a group that tell the same."""
    changes = pl.any_horizontal(pl.col(c).ne_missing(pl.col(c).shift(1)) for c in (*by, *told))
    begun = pieces.sort(*by, FROM).with_columns(_run=changes.cum_sum())
    runs = begun.group_by("_run", maintain_order=True).agg(
        pl.col(*by, *told, FROM).first(), pl.col(UNTIL).last()
    )
    return runs.drop("_run")


def overlapping(left: pl.DataFrame, right: pl.DataFrame, on: Sequence[str]) -> pl.DataFrame:
    """Rows of the left beside each stretch of the right in which they are usable.

    The spans are cut to the common time; a left row without a group on the right stays whole.
    """
    beside = left.join(right, on=on, how="left", suffix="_right")
    cut = beside.with_columns(
        pl.max_horizontal(FROM, f"{FROM}_right").alias(FROM),
        pl.min_horizontal(UNTIL, f"{UNTIL}_right").alias(UNTIL),
    )
    return cut.drop(f"{FROM}_right", f"{UNTIL}_right").filter(pl.col(FROM) < pl.col(UNTIL))


def _superseded(versions: pl.DataFrame) -> pl.DataFrame:
    """Add the span of each version among the versions of its fact; most facts have but one."""
    never = pl.lit(NEVER).cast(MOMENT).alias(UNTIL)
    known = versions.with_columns(pl.col("known_at").alias(FROM), never)
    changed = known.filter(pl.col("version") > 1)
    if changed.height == 0:
        return known
    facts = changed.select(FACT).unique()
    once = known.join(facts, on=FACT, how="anti")
    several = known.join(facts, on=FACT, how="semi").sort(*FACT, "version")
    return pl.concat([once, several.with_columns(_ends(several))])


def _ends(versions: pl.DataFrame) -> pl.Series:
    """When a later version of the same fact is first known; `versions` are in their order."""
    changes = pl.any_horizontal(pl.col(c) != pl.col(c).shift(1) for c in FACT)
    fact = versions.select(changes.fill_null(value=True).cum_sum().alias("_fact"))["_fact"]
    ends = pl.Series(UNTIL, [NEVER], dtype=MOMENT).new_from_index(0, versions.height)
    most = fact.rle().struct.field("len").max()
    assert isinstance(most, int)
    for ahead in range(1, most):
        same = fact == fact.shift(-ahead)
        later = versions["known_at"].shift(-ahead)
        ends = ends.zip_with(~(same & (later < ends)).fill_null(value=False), later)
    return ends


def _is_empty(column: pl.Series) -> bool:
    return column.null_count() == column.len()
