"""Versions of facts: which stands at a moment, what each says, and how they are numbered."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b

import polars as pl

from xinheng.records.tables import Table

KEY = ["source_system", "source_record_no"]
"""A fact, whatever its version."""
SCORABLE = ("passed", "warned", "confirmed_twice")
"""Quality states of versions that may be scored (domain README, section 2)."""
CONTENT = "content_hash"
STATED = "_stated"
"""Whether the source itself says what an operation is."""
ARRIVAL = ["_delivery", "known_at", "_place"]
"""What orders the arriving versions of a fact."""
_NOT_CONTENT = {"record_id", "version", "batch_id", "known_at", "quality_status"}


def standing(versions: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """The newest version of each fact that was known at a moment, unless withdrawn or held.

    What happened, whether or not it is still in force.
    """
    known = versions.filter(pl.col("known_at") <= as_of.astimezone(UTC))
    newest = known.sort(*KEY, "version").group_by(*KEY, "uscc", maintain_order=True).last()
    return newest.filter(
        pl.col("operation") != "withdraw", pl.col("quality_status").is_in(SCORABLE)
    )


def content_hash(table: Table, rows: pl.DataFrame) -> pl.Series:
    """Hash of what a row says, without when and how it arrived; the same on every machine.

    `rows` holds all stored columns of the table; 64 bits are compared within one fact only.
    """
    said = sorted(set(table.schema) - _NOT_CONTENT)
    texts = rows.select(pl.struct(said).struct.json_encode()).to_series()
    digests = [
        int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)
        for text in texts
    ]
    return pl.Series(CONTENT, digests, dtype=pl.Int64)


def numbered(rows: pl.DataFrame, newest: pl.DataFrame) -> pl.DataFrame:
    """Add `version` to rows that are kept.

    The version that leaves a firm (`moved_from`) is followed by a withdrawal there, which takes a
    number too.

    Parameters
    ----------
    rows
        Arriving rows with `KEY` and `moved_from`, and the columns of `ARRIVAL`.
    newest
        The number of the newest stored version of each fact, as `_base`.
    """
    steps = 1 + pl.col("moved_from").is_not_null().cast(pl.Int64)
    return (
        rows.with_row_index("_order")
        .join(newest, on=KEY, how="left")
        .sort(*KEY, *ARRIVAL)
        .with_columns(version=pl.col("_base").fill_null(0) + steps.cum_sum().over(KEY))
        .sort("_order")
        .drop("_order", "_base")
    )
