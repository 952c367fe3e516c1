"""Whose records are in force otherwise than before, by other ways than a receipt.

A confirmation, a repair in a file or the end of a term changes what is in force as much as a record
that is sent: the enterprises wait for their assessment like those of a receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

from xinheng.records.in_force.intervals import PUBLIC_COLUMNS
from xinheng.records.in_force.repairs import REPAIR_TABLE
from xinheng.records.in_force.rules import end_columns
from xinheng.records.lake import Lake
from xinheng.records.tables import tables
from xinheng.records.versions import SCORABLE

AT_ONCE = ("penalty", "abnormal_list", "serious_list", "court_record", REPAIR_TABLE)
"""Tables whose new records are events (domain README, section 7, Update); others wait for a night.

A new version of any record is an event: it may correct, withdraw, confirm or dispute it.
"""
UPKEEP = ("merge:", "compact:")
"""Batches that change no record."""


class Changed(NamedTuple):
    """Enterprises, and since when the first of the changes is known."""

    usccs: list[str]
    known_at: datetime | None


def changed_since(
    lake: Lake, number: int, *, own: Callable[[Sequence[str]], Collection[str]] = lambda _: ()
) -> Changed:
    """Enterprises whose records in force differ by the batches after a number.

    Parameters
    ----------
    own
        Of some batches those that are looked after already.
    """
    batches = lake.batches(["number", "batch_id", "digest"]).filter(
        pl.col("number") > number,
        ~pl.any_horizontal(pl.col("digest").str.starts_with(one) for one in UPKEEP),
    )
    ids = batches["batch_id"].to_list()
    if ids:
        ids = sorted({*ids} - {*own(ids)})
    if not ids:
        return Changed([], None)
    names = [name for name in lake.snapshot.delta_versions if name in tables()]
    found = pl.concat(pl.collect_all([_events(lake, name, ids) for name in names]))
    first = found["known_at"].min()
    usccs = found["uscc"].unique().sort().to_list()
    return Changed(usccs, first if isinstance(first, datetime) else None)


def _events(lake: Lake, name: str, ids: Sequence[str]) -> pl.LazyFrame:
    is_event = pl.col("version") > 1
    if name in AT_ONCE:
        is_event |= pl.col("quality_status").is_in(SCORABLE)
    rows = lake.rows(name).filter(pl.col("batch_id").is_in(list(ids)), is_event)
    return rows.group_by("uscc").agg(pl.col("known_at").min())


def turning(lake: Lake, after: date, until: date) -> list[str]:
    """Enterprises of whom a record comes or ceases to be in force on one of some days."""
    parts = []
    for name in lake.snapshot.delta_versions:
        if name not in tables():
            continue
        columns = [*PUBLIC_COLUMNS, *end_columns(name)]
        columns += ["effective_on"] if name == REPAIR_TABLE else []
        days = (pl.col(column) for column in columns)
        turns = pl.any_horizontal((day > after) & (day <= until) for day in days)
        parts.append(lake.rows(name).filter(turns).select("uscc").unique())
    return sorted({uscc for part in pl.collect_all(parts) for uscc in part["uscc"]})
