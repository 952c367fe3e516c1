"""Small frames are looked at one by one and large ones by a query plan: both say the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinheng.domain import ZONE
from xinheng.records import frames
from xinheng.records.duties.days import first_moment
from xinheng.records.frames import (
    DAY_US,
    NONE,
    as_days,
    as_moments,
    as_recent_moments,
    as_rows,
    days,
    first_moments,
    is_in,
    microseconds,
    ranks,
    truths,
    wholes,
)

WHOLE = st.integers(-(2**62), 2**62)
DAYS = st.dates(date(1992, 1, 1), date(2100, 1, 1))


def both(monkeypatch: pytest.MonkeyPatch, told: Callable[[], object]) -> tuple[object, object]:
    """What is told of a small frame, and of the same frame taken for a large one."""
    small = told()
    monkeypatch.setattr(frames, "FEW", -1)
    return small, told()


@given(st.lists(st.none() | st.booleans(), min_size=1))
def test_conditions_hold_alike(values: list[bool | None]) -> None:
    column = pl.Series(values, dtype=pl.Boolean)
    with pytest.MonkeyPatch.context() as patch:
        small, large = both(patch, lambda: truths(column).tolist())
    assert small == large == [one is True for one in values]


@given(st.lists(st.none() | WHOLE, min_size=1))
def test_whole_numbers_are_exact(values: list[int | None]) -> None:
    column = pl.Series(values, dtype=pl.Int64)
    with pytest.MonkeyPatch.context() as patch:
        small, large = both(patch, lambda: wholes(column, -1).tolist())
    assert small == large == [-1 if one is None else one for one in values]


@given(st.lists(st.none() | st.sampled_from("abcd"), min_size=1))
def test_a_null_is_in_no_list(values: list[str | None]) -> None:
    column = pl.Series(values, dtype=pl.String)
    with pytest.MonkeyPatch.context() as patch:
        small, large = both(patch, lambda: is_in(column, ("a", "c")).tolist())
    assert small == large == [one in {"a", "c"} for one in values]


@given(st.lists(st.text(min_size=1), min_size=1, unique=True))
def test_texts_have_one_order(values: list[str]) -> None:
    column = pl.Series(values)
    with pytest.MonkeyPatch.context() as patch:
        small, large = both(patch, lambda: ranks(column).argsort().tolist())
    assert small == large == column.arg_sort().to_list()


@given(st.lists(st.none() | st.integers(0, 2**31), min_size=1))
def test_no_row_is_null(values: list[int | None]) -> None:
    told = np.array([NONE if one is None else one for one in values], dtype=np.int64)
    with pytest.MonkeyPatch.context() as patch:
        small, large = both(patch, lambda: as_rows(told).to_list())
    assert small == large == values


@given(st.lists(st.none() | DAYS, min_size=1))
def test_days_and_their_first_moments_come_back(values: list[date | None]) -> None:
    whole = days(pl.Series(values, dtype=pl.Date))
    assert as_days(whole).to_list() == values
    begun = as_moments(first_moments(whole))
    local = [one and one.astimezone(ZONE) for one in begun.to_list()]
    assert [one and one.date() for one in local] == values
    assert {one.time().isoformat() for one in local if one} <= {"00:00:00"}
    known = begun.drop_nulls()
    assert (microseconds(known) % DAY_US == DAY_US - frames.SHANGHAI_US).all()


ANY_DAYS = st.dates(date(1980, 1, 1), date(2100, 1, 1))
ANY_TIMES = st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001  (wall clocks)


@given(st.lists(st.none() | ANY_DAYS) | st.lists(st.none() | ANY_TIMES))
def test_recent_moments_are_those_of_the_time_zone(told: list[date | None]) -> None:
    kind = pl.Datetime("us") if any(isinstance(one, datetime) for one in told) else pl.Date()
    wall_clock = pl.Series("at", told, dtype=kind)
    found = as_recent_moments(wall_clock)
    if any(one is not None and one.year < 1992 for one in told):
        assert found is None
        return
    assert found is not None
    expected = wall_clock.to_frame().select(first_moment(pl.col("at"))).to_series()
    assert found.to_list() == expected.to_list()
