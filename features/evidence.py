"""The records behind a number: the indicator's own window and condition, with the rows kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import polars as pl

from xinheng.features.engine import Q, inside_window, known_rows
from xinheng.features.indicator import FeatureColumn
from xinheng.features.knowledge import Source

EVIDENCE_LIMIT = 20
"""Newest records quoted for one number."""


def evidence(
    columns: Iterable[FeatureColumn], uscc: str, as_of: datetime, source: Source
) -> dict[str, pl.DataFrame]:
    """Records that made each value: `record_id`, `event_at`, `known_at`, newest first."""
    asked = pl.DataFrame({Q: [0], "uscc": [uscc], "as_of": [as_of]})
    found = _rows_behind(list(columns), asked, source)
    return {name: rows.drop(Q) for name, rows in found.items()}


def evidence_ids(
    columns: Iterable[FeatureColumn], question: pl.DataFrame, source: Source
) -> dict[tuple[str, str], list[str]]:
    """Record ids behind many values at once, by `(uscc, column name)`."""
    asked = question.select("uscc", "as_of").with_row_index(Q)
    usccs = dict(asked.select(Q, "uscc").iter_rows())
    found: dict[tuple[str, str], list[str]] = {}
    for name, rows in _rows_behind(list(columns), asked, source).items():
        grouped = rows.group_by(Q, maintain_order=True).agg(pl.col("record_id"))
        for number, ids in grouped.iter_rows():
            found[usccs[number], name] = ids[:EVIDENCE_LIMIT]
    return found


def _rows_behind(
    columns: list[FeatureColumn], asked: pl.DataFrame, source: Source
) -> dict[str, pl.DataFrame]:
    by_table: dict[str, pl.DataFrame] = {}
    found: dict[str, pl.DataFrame] = {}
    for column in columns:
        table = column.indicator.table
        if table not in by_table:
            by_table[table] = known_rows(asked, table, source).collect()
        aggregation = column.indicator.value
        rows = by_table[table].filter(inside_window(column.reads_days) & aggregation.where)
        rows = rows.sort("event_at", "known_at", "record_id", descending=True)
        if aggregation.picks_last:
            rows = rows.group_by(Q, maintain_order=True).first()
        found[column.name] = rows.select(Q, "record_id", "event_at", "known_at")
    return found
