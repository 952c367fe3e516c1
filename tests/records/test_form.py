"""Dates that can be: not before the republic, and at most a day after they were known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.records.test_identity import Town, record
from xinheng.features.knowledge import Knowledge

AT_TEN = [
    pytest.param("2024-06-20", True, id="the day of arrival"),
    pytest.param("2024-06-21", True, id="the day after, within twenty-four hours"),
    pytest.param("2024-06-22", False, id="two days after"),
    pytest.param("2030-01-01", False, id="years after"),
    pytest.param("1949-10-01", True, id="the first day"),
    pytest.param("1949-09-30", False, id="the day before the first"),
    pytest.param("2024-02-29", True, id="a leap day"),
    pytest.param("2023-02-29", False, id="no leap year"),
]


@pytest.mark.parametrize(("day", "is_taken"), AT_TEN)
def test_a_record_may_run_a_day_ahead_of_its_arrival(
    tmp_path: Path, day: str, is_taken: bool
) -> None:
    """The deliveries arrive at ten in the morning, Asia/Shanghai."""
    town = Town(tmp_path)
    taken = town.take(record("complaint", "C1", received_on=day))
    assert taken == [(1, 0, 0) if is_taken else (0, 0, 1)]
    assert len(town.findings("QC10")) == (not is_taken)


@pytest.mark.parametrize(
    ("moment", "is_taken"),
    [("2024-06-21T10:00:00+08:00", True), ("2024-06-21T10:00:01+08:00", False)],
    ids=["a day to the second", "a second more"],
)
def test_of_a_moment_a_day_is_twenty_four_hours(
    tmp_path: Path, moment: str, is_taken: bool
) -> None:
    town = Town(tmp_path)
    taken = town.take(record("product_event", "X1", occurred_at=moment))
    assert taken == [(1, 0, 0) if is_taken else (0, 0, 1)]


def test_what_runs_ahead_counts_from_its_own_day_on(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.take(record("complaint", "C1", received_on="2024-06-21"))
    midnight = datetime(2024, 6, 20, 16, tzinfo=UTC)
    for at, seen in ((midnight - timedelta(seconds=1), 0), (midnight, 1)):
        assert Knowledge(town.lake, at).known("complaint", ()).height == seen
