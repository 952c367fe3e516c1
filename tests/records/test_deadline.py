"""Last days: told or computed, on a holiday or not, fixed or not, without an end."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records.plain_law import is_worked, settled
from xinheng.records.duties.deadline import NO_END, LastDayRule
from xinheng.records.duties.workdays import workdays
from xinheng.records.frames import NONE, as_days, days

MOVING, STILL = LastDayRule(workdays(), shifts=True), LastDayRule(workdays(), shifts=False)


def bound(rule: LastDayRule, *last: date | None, fixed: bool = False) -> list[date | None]:
    asked = days(pl.Series(last, dtype=pl.Date))
    is_fixed = pl.Series([fixed] * len(last)).to_numpy()
    return as_days(rule.last_days(asked, is_fixed)).to_list()


def test_a_last_day_on_a_holiday_moves_unless_it_is_fixed_or_the_clock_does_not_shift() -> None:
    day = date(2025, 5, 1)
    assert bound(MOVING, day) == [date(2025, 5, 6)]
    assert bound(MOVING, day, fixed=True) == bound(STILL, day) == [day]


@pytest.mark.parametrize(
    ("last", "moved"),
    [
        pytest.param(date(2003, 10, 1), date(2003, 10, 6), id="a year without a notice"),
        pytest.param(date(2027, 1, 1), date(2027, 1, 4), id="beyond the last notice"),
        pytest.param(date(1985, 5, 5), date(1985, 5, 5), id="before the calendar"),
        pytest.param(None, None, id="none"),
    ],
)
def test_days_that_no_notice_covers(last: date | None, moved: date | None) -> None:
    assert bound(MOVING, last) == [moved]


def test_the_year_2099_means_no_end() -> None:
    far = [date(2099, 12, 31), date(2222, 2, 2)]
    asked = days(pl.Series(far))
    assert MOVING.last_days(asked).tolist() == STILL.last_days(asked).tolist() == [NO_END, NO_END]
    assert MOVING.is_certain(MOVING.last_days(asked)).all()


def test_a_day_beyond_the_known_calendar_is_not_certain_where_it_could_move() -> None:
    asked = days(pl.Series([date(2026, 12, 31), date(2027, 6, 9)]))
    assert MOVING.is_certain(asked).tolist() == [True, False]
    assert MOVING.is_certain(asked, asked != NONE).all()
    assert STILL.is_certain(asked).all()


@given(st.dates(date(1991, 1, 1), date(2099, 11, 30)))
def test_a_last_day_is_the_first_working_day_from_the_told_one_on(day: date) -> None:
    (moved,) = bound(MOVING, day)
    assert moved == settled(day)
    assert moved is not None
    between = range((moved - day).days)
    assert not any(is_worked(day + timedelta(days=n)) for n in between)
