"""Whom a batch or a day concerns that no receipt brought."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.decisions.handmade import FIRM, OTHER, rows
from xinheng.features.memory import Memory
from xinheng.records.asked import stored_schema
from xinheng.records.inbox.changes import Changed, changed_since, turning
from xinheng.records.lake import Lake
from xinheng.records.manifest import Batch

AT = datetime(2025, 6, 1, tzinfo=UTC)
COMMON = {"event_at": AT, "known_at": AT}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.at(tmp_path / "lake")


def put(lake: Lake, batch_id: str, name: str, *told: dict[str, object], digest: str = "d") -> None:
    """Write records as a batch of their own."""
    one = Memory({name: rows(name, *(COMMON | own for own in told))}).all_of(name)
    frame = one.with_columns(
        batch_id=pl.lit(batch_id),
        bucket=pl.lit(0),
    ).cast({"bucket": stored_schema(name)["bucket"]})
    with lake.writing():
        version = lake.append(name, frame)
        lake.publish([Batch(batch_id, digest + batch_id, "{}", AT)], {name: version}, at=AT)


@pytest.mark.parametrize(
    ("name", "told", "concerned"),
    [
        ("penalty", {}, True),
        ("credit_repair", {}, True),
        ("utility_usage", {}, False),
        ("utility_usage", {"version": 2, "operation": "withdraw"}, True),
        ("inspection", {"version": 2, "dispute_status": "under_review"}, True),
        ("penalty", {"quality_status": "quarantined"}, False),
        ("penalty", {"version": 2, "quality_status": "confirmed_twice"}, True),
    ],
    ids=str,
)
def test_events_and_new_versions_concern_at_once(
    lake: Lake, name: str, told: dict[str, object], concerned: bool
) -> None:
    put(lake, "first", "penalty", {"uscc": OTHER})
    number = lake.snapshot.number
    put(lake, "second", name, told)
    assert changed_since(lake, number) == (Changed([FIRM], AT) if concerned else Changed([], None))


def test_own_batches_and_upkeep_concern_nobody(lake: Lake) -> None:
    put(lake, "first", "penalty", {})
    assert changed_since(lake, 0, own=lambda ids: {*ids}).usccs == []
    assert changed_since(lake, 0).usccs == [FIRM]
    assert changed_since(lake, lake.snapshot.number).usccs == []
    number = lake.snapshot.number
    put(lake, "m2", "penalty", {"uscc": OTHER}, digest="merge:")
    assert changed_since(lake, number).usccs == []


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("penalty", "repaired_at"), ("penalty", "publicity_until"),
        ("serious_list", "term_until"), ("credit_repair", "effective_on"),
    ],
)  # fmt: skip
def test_a_day_concerns_those_whose_record_turns_on_it(lake: Lake, name: str, column: str) -> None:
    put(lake, "first", name, {column: date(2025, 7, 2)}, {"uscc": OTHER})
    assert turning(lake, date(2025, 7, 1), date(2025, 7, 2)) == [FIRM]
    assert turning(lake, date(2025, 7, 2), date(2025, 7, 9)) == []
    assert turning(lake, date(2025, 6, 1), date(2025, 7, 1)) == []
