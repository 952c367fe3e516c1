"""Who is scored at a moment: registered enterprises and branches, never natural persons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from xinheng.features.engine.compute import compute
from xinheng.features.knowledge import Knowledge, newest
from xinheng.features.sectors import membership, sector_members
from xinheng.features.source import Source
from xinheng.records.codes.subjects import is_scored, reason_not_scored
from xinheng.records.tables import MOMENT

SCORED_STATUS = ("active", "suspended")
ENTRY = ("entity_type", "status", "name_zh", "established_on", "registered_region_code")
"""What is read of an entry of the register."""
TOLD = ("name_zh", "established_on", "region_code")
"""`region_code`: GB/T 2260 code of the registered address."""


def population(source: Source, as_of: datetime, usccs: Sequence[str] | None = None) -> pl.DataFrame:
    """Enterprises on the register at `as_of`: `uscc`, `as_of`, and the columns of `TOLD`."""
    register = newest(Knowledge(source, as_of, usccs=usccs).known("entity", ENTRY))
    registered = register.lazy().filter(is_scored(), pl.col("status").is_in(SCORED_STATUS))
    moment, region = pl.lit(as_of).cast(MOMENT), pl.col("registered_region_code")
    told = registered.with_columns(as_of=moment, region_code=region)
    return told.select("uscc", "as_of", *TOLD).sort("uscc").collect()


def why_not_scored(source: Source, as_of: datetime, uscc: str) -> tuple[str, str] | None:
    """Why a code has no place in `population`, in English and Chinese; None where it has one."""
    entries = newest(Knowledge(source, as_of, usccs=[uscc]).known("entity", ENTRY))
    kind, status = entries.select("entity_type", "status").row(0) if entries.height else ("", "")
    reason = reason_not_scored(uscc, kind)
    if reason is not None:
        return reason
    if not status:
        return "it is not on the register", "登记库中查无此主体"
    if status not in SCORED_STATUS:
        return f"its registration is {status}", f"登记状态为{status}"
    return None


def sector_population(source: Source, as_of: datetime, sector: str) -> pl.DataFrame:
    """The enterprises of `population` that are in a sector; all where none is named."""
    everyone = population(source, as_of)
    if not sector or everyone.height == 0:
        return everyone
    columns = membership()
    told = compute([column.indicator for column in columns], everyone, source)
    return everyone.filter(pl.Series(sector_members(told)[sector]))
