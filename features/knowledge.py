"""The only place that turns records into "what was known at `as_of`" (domain README, section 2).

Every version of a record is usable during one span of time, `[usable_from, usable_until)`:
from the moment it is known until a newer version is known, or its repair or publicity end
takes effect. A withdrawn, unconfirmed or disputed version has no span, and ends that of the one
before.
With the spans at hand, knowledge at any number of moments is a comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import polars as pl

from xinheng.records.duties.days import first_moment
from xinheng.records.tables import MOMENT
from xinheng.records.versions import KEY, SCORABLE

FROM, UNTIL = "usable_from", "usable_until"
HELD = ("under_review", "upheld")
"""States of a dispute in which a record may not worsen anything (domain README, X7)."""


class Source(Protocol):
    """Where records come from: the lake, or the records of one request."""

    def rows(self, name: str, usccs: Sequence[str] | None = None) -> pl.LazyFrame: ...
    def covered_from(self, name: str) -> datetime | None: ...


def with_spans(versions: pl.LazyFrame) -> pl.LazyFrame:
    """Usable versions with the span `[usable_from, usable_until)` of each; null end: open.

    Needs all versions of the facts concerned. A higher version supersedes a lower one from the
    moment it is known, in whatever order the two arrived.
    """
    superseded = pl.col("known_at").cum_min(reverse=True).shift(-1)
    ends = [
        pl.col("_superseded"),
        first_moment(pl.col("repaired_at")),
        first_moment(pl.col("publicity_until")),
    ]
    return (
        versions.sort(*KEY, "version")
        .with_columns(_superseded=superseded.over(KEY))
        .filter(
            pl.col("operation") != "withdraw",
            pl.col("quality_status").is_in(SCORABLE),
            ~pl.col("dispute_status").is_in(HELD).fill_null(value=False),
        )
        .with_columns(pl.col("known_at").alias(FROM), pl.min_horizontal(ends).alias(UNTIL))
        .filter(pl.col(UNTIL).is_null() | (pl.col(FROM) < pl.col(UNTIL)))
        .drop("_superseded")
    )


def known(question: pl.LazyFrame, versions: pl.LazyFrame) -> pl.LazyFrame:
    """Rows usable at the moment of each question, with the question's `q` and `as_of`."""
    asked = question.with_columns(pl.col("as_of").cast(MOMENT))
    return asked.join(with_spans(versions), on="uscc", how="inner").filter(usable_at())


def latest(rows: pl.LazyFrame, by: str) -> pl.LazyFrame:
    """The row with the latest event of each group; of several, the one that arrived last."""
    return rows.sort("event_at", "known_at", "record_id").group_by(by).last()


def usable_at() -> pl.Expr:
    """The rule of rules: known by `as_of`, newest version, not repaired, expired or withdrawn."""
    as_of, until = pl.col("as_of"), pl.col(UNTIL)
    return (pl.col(FROM) <= as_of) & (until.is_null() | (as_of < until))
