"""The complete archive of one firm: every version of every record under all its codes."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from xinheng.records.lake import Lake
from xinheng.records.tables import tables

FOREVER = datetime(9998, 1, 1, tzinfo=UTC)
"""After all that is known by now."""


def archive(lake: Lake, uscc: str, as_of: datetime | None = None) -> dict[str, pl.DataFrame]:
    """Versions by table, by event and version; with `as_of` only those that were known then.

    Records of codes that the firm bore before stand under these. With `as_of` only the codes
    that were known to be its own then count. Tables without a record of the firm are left out.
    """
    names = [name for name in tables() if name in lake.snapshot.delta_versions]
    scans = [lake.rows(name, codes_of(lake, uscc, as_of)) for name in names]
    if as_of is not None:
        as_of = as_of.astimezone(UTC)
        scans = [rows.filter(pl.col("known_at") <= as_of) for rows in scans]
    found = pl.collect_all([rows.sort("event_at", "source_record_no", "version") for rows in scans])
    return {name: rows for name, rows in zip(names, found, strict=True) if rows.height}


def codes_of(lake: Lake, uscc: str, as_of: datetime | None = None) -> list[str]:
    """All codes of the firm that a code belongs to, the present one first."""
    codes = lake.successions()
    if not codes.pieces:
        return [uscc]
    present = codes.present(uscc, as_of or FOREVER)
    return [present, *(one.uscc for one in codes.former(present, as_of or FOREVER))]
