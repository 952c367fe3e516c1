"""Scores have an age, and beyond a limit they are stale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinheng.decisions.age import Age, days_between, source_days

MOMENT = datetime(2025, 12, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "days", "is_stale"),
    [(0, 0.0, False), (36, 1.5, False), (48, 2.0, False), (48.001, 2.0, True), (-5, 0.0, False)],
)
def test_scores_are_stale_beyond_the_limit(hours: float, days: float, is_stale: bool) -> None:
    age = Age(MOMENT, MOMENT + timedelta(hours=hours), 2)
    assert (age.days, age.is_stale) == (days, is_stale)


@given(st.timedeltas(timedelta(0), timedelta(days=4_000)), st.floats(0.1, 1_000))
def test_what_is_stale_stays_so(passed: timedelta, limit: float) -> None:
    now, later = (Age(MOMENT, MOMENT + passed + more, limit) for more in
                  (timedelta(0), timedelta(seconds=1)))  # fmt: skip
    assert later.is_stale or not now.is_stale
    assert later.days >= now.days >= 0


def test_each_source_has_an_age() -> None:
    sources = {"penalty": "2025-12-30T16:00:00+00:00", "complaint": "2025-12-31T13:36:00+00:00"}
    assert source_days(sources, MOMENT) == {"penalty": 1.0, "complaint": 0.1}
    assert days_between(MOMENT, MOMENT - timedelta(days=1)) == 0.0
