"""Groups that an enterprise can belong to, from its latest `entity` row."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from xinheng.features.vocabulary.fold import Fold, Op, rows
from xinheng.records.spans import segments

ATTRIBUTES: Mapping[str, pl.Expr] = {
    "industry_division": pl.col("industry_code").str.slice(0, 3),
    "region": pl.col("registered_region_code"),
    "address": pl.col("address_key"),
    "contact": pl.col("contact_key"),
}


def attribute_fold(name: str) -> Fold:
    """The fold that picks an attribute's latest value."""
    return Fold(op=Op.LAST, rows=rows(""), kept=ATTRIBUTES[name], kept_text=name)


def category_fold() -> Fold:
    """The fold that picks the category of the product that was sampled last."""
    kept = pl.col("product_category")
    return Fold(op=Op.LAST, rows=rows(""), kept=kept, kept_text="category")


def memberships(entities: pl.DataFrame, name: str) -> pl.DataFrame:
    """Which group each enterprise belonged to when: `uscc`, `group` and the span."""
    latest = ATTRIBUTES[name].sort_by("event_at", "known_at", "record_id").last()
    pieces = segments(entities.lazy(), ["uscc"], group=latest)
    return pieces.with_columns(pl.col("group").fill_null("")).collect()
