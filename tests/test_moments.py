"""Moments as callers write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinheng.domain import ZONE
from xinheng.moments import FORM, read_moment

days = st.dates(min_value=date(1992, 1, 1), max_value=date(2099, 12, 31))
zones = st.integers(-23 * 60, 23 * 60).map(lambda n: timezone(timedelta(minutes=n)))
moments = st.datetimes(min_value=datetime(1992, 1, 1), max_value=datetime(2099, 1, 1))  # noqa: DTZ001


@given(days)
def test_a_day_is_its_last_moment_in_shanghai_in_both_forms(day: date) -> None:
    last = datetime.combine(day + timedelta(days=1), time(), ZONE) - timedelta(microseconds=1)
    assert read_moment(day.isoformat()) == last
    assert read_moment(f"{day:%Y%m%d}") == last


@given(moments, zones)
def test_a_moment_is_itself_with_a_plus_or_the_blank_that_a_browser_makes_of_it(
    moment: datetime, zone: timezone
) -> None:
    written = moment.replace(tzinfo=zone)
    for text in (
        written.isoformat(),
        written.isoformat(" "),
        written.isoformat().replace("+", " "),
    ):
        assert read_moment(text, needs_zone=True) == written
    assert read_moment(moment.isoformat()) == moment.replace(tzinfo=ZONE)


def test_z_is_utc() -> None:
    assert read_moment("2025-06-30T00:00:00Z") == datetime(2025, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["1751241600", "1751241600.5", "", "soon", "2025-02-29", "20250230", "2025-W26-1", "2025-6-3",
     "2025-06-30T25:00:00+08:00", "2025-06-30T00:00:00 CST", "1751241600000"],
)  # fmt: skip
def test_what_is_no_moment_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date or time") as caught:
        read_moment(text)
    assert FORM in str(caught.value)


def test_a_time_may_have_to_name_its_zone() -> None:
    with pytest.raises(ValueError, match="is not a date or time"):
        read_moment("2025-06-30T00:00:00", needs_zone=True)
