"""The working-day calendar, held against two other sources over every delivered year."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import holidays
import numpy as np
import polars as pl
import pytest

from xinheng.errors import BadMapping
from xinheng.records.duties.workdays import workdays, workdays_of
from xinheng.records.frames import days

DELIVERED = range(2004, 2027)
WORKED = {*workdays().days}
NOTICE = """\
source = "a notice"
holidays = [
  { name = "Spring Festival", from = 2027-02-05, to = 2027-02-11 },
  2027-04-05,
]
workdays = [2027-02-20]
"""


@pytest.mark.parametrize("year", DELIVERED)
def test_every_day_is_worked_as_chinesecalendar_says(year: int) -> None:
    every = (date(year, 1, 1) + timedelta(days=n) for n in range(365))
    other = [day for day in every if (day in WORKED) != chinese_calendar.is_workday(day)]
    assert other == []


@pytest.mark.parametrize("year", DELIVERED)
def test_no_public_holiday_of_the_package_holidays_is_worked(year: int) -> None:
    assert [day for day in holidays.country_holidays("CN", years=year) if day in WORKED] == []


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        pytest.param(date(2024, 2, 4), True, id="a Sunday made up for Spring Festival"),
        pytest.param(date(2024, 2, 12), False, id="a Monday in Spring Festival"),
        pytest.param(date(2024, 6, 12), True, id="an ordinary Wednesday"),
        pytest.param(date(2013, 5, 2), True, id="2 May in a year whose notice does not free it"),
        pytest.param(date(2003, 10, 1), False, id="National Day without a notice"),
        pytest.param(date(2027, 1, 1), False, id="New Year's Day without a notice"),
        pytest.param(date(2028, 5, 2), False, id="2 May without a notice"),
        pytest.param(date(2027, 10, 4), True, id="not fixed: a notice may free it"),
    ],
)
def test_holidays_are_known_with_and_without_a_notice(day: date, worked: bool) -> None:
    assert (day in WORKED) == worked


def test_working_days_can_be_counted_and_added() -> None:
    frame = pl.DataFrame({"d": [date(2024, 4, 30), date(2024, 5, 1), None]})
    added = frame.select(third=workdays().after("d", 3), next=workdays().on_or_after("d"))
    assert added["third"].to_list() == [date(2024, 5, 8), date(2024, 5, 8), None]
    assert added["next"].to_list() == [date(2024, 4, 30), date(2024, 5, 6), None]
    span = workdays().between(pl.Series([date(2024, 4, 30)]), pl.Series([date(2024, 5, 8)]))
    assert span.to_list() == [3]


def test_a_file_of_the_deployment_says_what_the_product_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "2027.toml").write_text(NOTICE, encoding="utf-8")
    own = workdays_of(tmp_path)
    worked = {*own.days}
    assert not worked & {date(2027, 2, 5), date(2027, 2, 11), date(2027, 4, 5), date(2027, 1, 1)}
    assert {date(2027, 2, 12), date(2027, 2, 20)} <= worked
    assert (own.certain_until, workdays().certain_until) == (date(2027, 12, 31), date(2026, 12, 31))
    asked = days(pl.Series([date(2003, 5, 5), date(2026, 5, 5), date(2027, 5, 5)]))
    assert own.is_certain(asked).tolist() == [False, True, True]
    assert workdays().is_certain(asked).tolist() == [False, True, False]


def test_a_file_of_the_deployment_replaces_the_delivered_year_and_is_read_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "2026.toml"
    path.write_text("holidays = [2026-06-15]", encoding="utf-8")
    assert date(2026, 6, 15) not in {*workdays_of(tmp_path).days}
    path.write_text("holidays = [2026-06-16, 2026-06-17]", encoding="utf-8")
    worked = {*workdays_of(tmp_path).days}
    assert date(2026, 6, 15) in worked
    assert not worked & {date(2026, 6, 16), date(2026, 10, 1)}
    assert workdays_of(tmp_path / "none") is workdays()


WRONG = [
    ("next.toml", "holidays = []", "named after no year"),
    ("2027.toml", "holidays = [2028-01-01]", "no day of 2027"),
    ("2027.toml", "holidays = [2027-02-30]", "is not TOML"),
    ("2027.toml", "feiertage = []", "feiertage"),
    ("2027.toml", "holidays = [2027-02-06]\nworkdays = [2027-02-06]", "a holiday and a working"),
    ("2027.toml", "holidays = []\nworkdays = [2027-02-01]", "without a notice"),
    ("2027.toml", "holidays = []\nworkdays = [2027-05-01]", "by regulation"),
    ("2027.toml", "holidays = [{ from = 2027-02-09, to = 2027-02-05 }]", "lies after"),
]


@pytest.mark.parametrize(("name", "text", "message"), WRONG)
def test_a_file_that_contradicts_itself_is_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(BadMapping, match=message):
        workdays_of(tmp_path)


def test_days_outside_the_calendar_are_none() -> None:
    assert workdays().next_from(np.array([10**6])).tolist() == [np.iinfo(np.int64).min]


def test_the_days_out_of_the_weekly_order_are_told() -> None:
    own = dict(workdays().exceptions(2026))
    assert own[date(2026, 1, 4)] is True
    assert own[date(2026, 10, 1)] is False
    assert date(2026, 10, 3) not in own, "a Saturday is free anyway"
    assert [*workdays().exceptions(2027)] == [(date(2027, 1, 1), False), (date(2027, 10, 1), False)]
