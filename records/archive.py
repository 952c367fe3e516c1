"""The complete archive of one enterprise: every version of every record, table by table."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from xinheng.records.lake import Lake
from xinheng.records.tables import tables


def archive(lake: Lake, uscc: str, as_of: datetime | None = None) -> dict[str, pl.DataFrame]:
    """Versions by table, by event and version; with `as_of` only those that were known then.

    Tables without a record of the enterprise are left out.
    """
    names = [name for name in tables() if name in lake.snapshot.delta_versions]
    scans = [lake.rows(name, [uscc]) for name in names]
    if as_of is not None:
        as_of = as_of.astimezone(UTC)
        scans = [rows.filter(pl.col("known_at") <= as_of) for rows in scans]
    found = pl.collect_all([rows.sort("event_at", "source_record_no", "version") for rows in scans])
    return {name: rows for name, rows in zip(names, found, strict=True) if rows.height}
