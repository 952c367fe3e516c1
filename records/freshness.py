"""How fresh each source is: when its newest record became known."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import polars as pl

from xinheng.records.lake import Lake
from xinheng.records.tables import tables


def freshness(lake: Lake, as_of: datetime, wanted: Collection[str] | None = None) -> dict[str, str]:
    """By table that was delivered by then the moment its newest record became known, ISO 8601.

    Parameters
    ----------
    wanted
        Only of these tables.
    """
    until = as_of.astimezone(UTC)
    there = lake.snapshot.delta_versions if wanted is None else wanted
    names = [name for name in tables() if name in there]
    asked = [
        lake.rows(name).filter(pl.col("known_at") <= until).select(pl.col("known_at").max())
        for name in names
    ]
    newest = [frame.item() for frame in pl.collect_all(asked)]
    return {
        name: moment.isoformat()
        for name, moment in zip(names, newest, strict=True)
        if isinstance(moment, datetime)
    }
