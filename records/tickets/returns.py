"""Rejected rows as a file for the department that sent them: to be mended and sent again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from xinheng.records.lake import FINDINGS, REJECTED, Lake

_PLACE = ["batch_id", "record_type", "file", "row"]
ADDED = ("reason", "file", "row")
"""Columns beside those that were sent."""


def rows_to_mend(lake: Lake, department: str, *, batch: str | None = None) -> pl.DataFrame:
    """Rejected rows of a department, in the columns as sent, with reason, file and row.

    Rows of several files have the columns of all. A delivery that was refused for personal data
    has none: nothing of it is kept.
    """
    found = _rejected(lake, department, batch)
    rows: list[Mapping[str, Any]] = [json.loads(text) for text in found["content"].to_list()]
    sent = dict.fromkeys(name for row in rows for name in row)
    columns = [
        pl.Series(name, [_text(row.get(name)) for row in rows], dtype=pl.String) for name in sent
    ]
    own = [found["reasons"], found["file"], found["row"].cast(pl.String)]
    named = [one.alias(_free(name, sent)) for name, one in zip(ADDED, own, strict=True)]
    return pl.DataFrame([*columns, *named])


def _rejected(lake: Lake, department: str, batch: str | None) -> pl.DataFrame:
    """Rejected rows that the department sent: as they say, else as the manifest does."""
    rows = lake.told(REJECTED).filter(pl.col("content").is_not_null())
    if batch is not None:
        rows = rows.filter(pl.col("batch_id") == batch)
    senders = lake.told(FINDINGS).filter(pl.col("row").is_not_null()).group_by(_PLACE)
    manifests = lake.batches(["batch_id", "department"]).lazy()
    named = rows.join(
        senders.agg(pl.col("source_dept").drop_nulls().first()), on=_PLACE, how="left"
    ).join(manifests, on="batch_id", how="left")
    sender = pl.coalesce("source_dept", "department")
    return named.filter(sender == department).sort(_PLACE).collect()


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _free(name: str, sent: Mapping[str, Any]) -> str:
    return f"{name} (xinheng)" if name in sent else name
