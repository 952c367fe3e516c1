"""Who is scored at a moment: registered enterprises and branches, never natural persons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from xinheng.features.engine.compute import compute
from xinheng.features.knowledge import Knowledge, newest
from xinheng.features.sectors import membership, sector_members
from xinheng.features.source import Source
from xinheng.records.tables import MOMENT

SCORED_TYPES = ("enterprise", "branch")
"""Individual businesses and cooperatives are not scored (domain specification, section 1)."""
SCORED_PREFIX = "91"
SCORED_STATUS = ("active", "suspended")
TOLD = ("name_zh", "established_on", "region_code")
"""`region_code`: GB/T 2260 code of the registered address."""


def population(source: Source, as_of: datetime, usccs: Sequence[str] | None = None) -> pl.DataFrame:
    """Enterprises on the register at `as_of`: `uscc`, `as_of`, and the columns of `TOLD`."""
    wanted = ("entity_type", "status", "name_zh", "established_on", "registered_region_code")
    register = newest(Knowledge(source, as_of, usccs=usccs).known("entity", wanted))
    registered = register.lazy().filter(
        pl.col("entity_type").is_in(SCORED_TYPES),
        pl.col("status").is_in(SCORED_STATUS),
        pl.col("uscc").str.starts_with(SCORED_PREFIX),
    )
    moment, region = pl.lit(as_of).cast(MOMENT), pl.col("registered_region_code")
    told = registered.with_columns(as_of=moment, region_code=region)
    return told.select("uscc", "as_of", *TOLD).sort("uscc").collect()


def sector_population(source: Source, as_of: datetime, sector: str) -> pl.DataFrame:
    """The enterprises of `population` that are in a sector; all where none is named."""
    everyone = population(source, as_of)
    if not sector or everyone.height == 0:
        return everyone
    columns = membership()
    told = compute([column.indicator for column in columns], everyone, source)
    return everyone.filter(pl.Series(sector_members(told)[sector]))
