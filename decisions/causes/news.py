"""Of whom something became known since an assessment, and what of it was the last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

from xinheng.decisions.causes.past import Cut
from xinheng.records.frames import microsecond
from xinheng.records.lake import Lake
from xinheng.records.tables import tables


class Last(NamedTuple):
    """When the newest version of a firm's records became known, and with which batch one came."""

    known_at: int
    """Microseconds."""
    batch: int

    def is_after(self, cut: Cut) -> bool:
        """Whether an assessment may not have known all of it."""
        return self.known_at > microsecond(cut.as_of) or self.batch > cut.lake_batch


News = Mapping[str, Last]
"""By the present code; who is not there has none."""
SCHEMA: dict[str, pl.DataType] = {
    "uscc": pl.String(), "known_at": pl.Int64(), "batch": pl.Int64(),
}  # fmt: skip


def numbers_after(lake: Lake, number: int) -> dict[str, int]:
    """Ids of the batches after a number, with theirs."""
    found = lake.batches(["number", "batch_id"]).filter(pl.col("number") > number)
    return dict(found.select("batch_id", "number").iter_rows())


def news_since(lake: Lake, cut: Cut, until: datetime, names: Collection[str]) -> pl.DataFrame:
    """Who has news of some tables after a cut, known until a moment: `SCHEMA`."""
    batches = numbers_after(lake, cut.lake_batch)
    first, last = cut.as_of.astimezone(UTC), until.astimezone(UTC)
    recent = (pl.col("known_at") > first) | pl.col("batch_id").is_in(list(batches))
    number = pl.col("batch_id").replace_strict(batches, default=0, return_dtype=pl.Int64)
    known = pl.col("known_at").cast(pl.Datetime("us", "UTC")).to_physical()
    asked = [
        lake.rows(name)
        .filter(recent, pl.col("known_at") <= last)
        .group_by("uscc")
        .agg(known_at=known.max(), batch=number.max())
        for name in lake.snapshot.delta_versions
        if name in tables() and name in names
    ]
    if not asked:
        return pl.DataFrame(schema=SCHEMA)
    codes = lake.successions()
    found = pl.concat(pl.collect_all(asked))
    named = found.with_columns(
        pl.Series("uscc", [codes.present(uscc, until) for uscc in found["uscc"]], pl.String())
    )
    told = named.group_by("uscc").agg(pl.col("known_at", "batch").max())
    return told.select(pl.col(n).cast(d) for n, d in SCHEMA.items())


def news_of(rows: pl.DataFrame) -> dict[str, Last]:
    """Rows of `SCHEMA` by code."""
    return {uscc: Last(known_at, batch) for uscc, known_at, batch in rows.iter_rows()}


def later(news: dict[str, Last], usccs: Iterable[str], last: Last) -> None:
    """Note that something more became known of some."""
    for uscc in usccs:
        former = news.get(uscc, last)
        news[uscc] = Last(max(former.known_at, last.known_at), max(former.batch, last.batch))
