"""Which arriving rows are new, which correct a stored record, and which say nothing new."""

from __future__ import annotations

from hashlib import blake2b

import polars as pl

from xinheng.records.tables import Table

KEY = ["source_system", "source_record_no"]
"""A fact, whatever its version."""
CONTENT = "content_hash"
_NOT_CONTENT = {"record_id", "version", "batch_id", "known_at", "quality_status"}


def content_hash(table: Table, rows: pl.DataFrame) -> pl.Series:
    """Hash of what a row says, without when and how it arrived; the same on every machine."""
    said = sorted({c.stored for c in table.columns} & set(rows.columns) - _NOT_CONTENT)
    texts = rows.select(pl.struct(said).struct.json_encode()).to_series()
    digests = [blake2b(text.encode(), digest_size=12).hexdigest() for text in texts]
    return pl.Series(CONTENT, digests, dtype=pl.String)


def number_versions(rows: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Add `version`, `is_duplicate` and `is_back_dated` to arriving rows.

    A row equal to the version before it is a duplicate. A row that claims to have been known
    before a version already stored is back-dated: history is never rewritten.

    Parameters
    ----------
    rows
        Arriving rows with `KEY`, `known_at` and `content_hash`.
    stored
        The newest stored version of each fact: `KEY`, `version`, `known_at`, `content_hash`.
    """
    newest = stored.rename({"version": "_base", "known_at": "_since", CONTENT: "_last"})
    chained = rows.join(newest, on=KEY, how="left").sort(*KEY, "known_at", maintain_order=True)
    back_dated = pl.col("known_at") < pl.col("_since")
    before = pl.col(CONTENT).shift(1).over(KEY).fill_null(pl.col("_last"))
    chained = chained.with_columns(is_back_dated=back_dated.fill_null(value=False))
    kept = chained.filter(~pl.col("is_back_dated")).with_columns(
        is_duplicate=(pl.col(CONTENT) == before).fill_null(value=False)
    )
    numbered = kept.with_columns(
        version=pl.col("_base").fill_null(0) + (~pl.col("is_duplicate")).cum_sum().over(KEY)
    )
    late = chained.filter("is_back_dated").with_columns(is_duplicate=False, version=pl.lit(0))
    return pl.concat([numbered, late], how="diagonal_relaxed").drop("_base", "_since", "_last")
