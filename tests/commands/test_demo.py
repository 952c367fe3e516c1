"""The demo's own parts: its days, its settings, what it prints. `.ci/run` runs the whole of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from xinheng.commands.demo.city import CityPlan, day_before, with_settings
from xinheng.commands.demo.told import Standing, city_lines
from xinheng.config import Home
from xinheng.models.promotions import Entry

FIGURE = {"value": 0.661, "low": 0.636, "high": 0.688}


def plan(until: date) -> CityPlan:
    return CityPlan(500, 1, until, Path("made-up"))


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        pytest.param(datetime(2026, 11, 28, 15, 59, tzinfo=UTC), date(2026, 11, 27), id="evening"),
        pytest.param(datetime(2026, 11, 28, 16, 0, tzinfo=UTC), date(2026, 11, 28), id="midnight"),
    ],
)
def test_the_city_ends_on_the_last_whole_day_in_china(moment: datetime, day: date) -> None:
    assert day_before(moment) == day


@pytest.mark.parametrize(
    ("until", "june"),
    [
        pytest.param(date(2026, 11, 28), date(2026, 6, 27), id="after June"),
        pytest.param(date(2026, 2, 3), date(2025, 6, 27), id="before June"),
    ],
)
def test_the_nights_are_that_of_the_last_reporting_days_and_the_last(
    until: date, june: date
) -> None:
    nights = list(plan(until).nights())
    assert [night.date() for night in nights] == [june, until]
    assert {(night.hour, str(night.tzinfo)) for night in nights} == {(23, "Asia/Shanghai")}


def test_a_city_that_ends_in_the_reporting_days_has_one_night_for_both() -> None:
    assert len(list(plan(date(2026, 6, 27)).nights())) == 1


def test_settings_are_written_once_and_an_officers_own_stay(tmp_path: Path) -> None:
    made = with_settings(Home(tmp_path), "甲")
    assert (made.settings.officer, made.classes.scheme) == ("甲", "A-E")
    (tmp_path / "xinheng.toml").write_text('officer = "乙"\n', encoding="utf-8")
    assert with_settings(Home(tmp_path), "甲").settings.officer == "乙"


def evaluation(**told: Any) -> dict[str, Any]:
    rankers = {name: {"auc": FIGURE} for name in ("Xinheng", "oracle", "expert scorecard")}
    whole = {"cases": 2042, "problems": 444, "rankers": rankers, "classes": {}}
    return whole | {"contract_broken_at": []} | told


def test_ten_lines_say_whether_the_models_mean_anything() -> None:
    trial = Entry(
        1, "risk_class", "trial", "risk_class-1", "", datetime(2026, 1, 1, tzinfo=UTC), "甲", "",
        "demo", {"fairness": {"is_passed": False}, "window": {"is_passed": True}},
    )  # fmt: skip
    classes = {"A": {"problems": 1, "cases": 20}, "B": {"problems": 4, "cases": 20}}
    table = SimpleNamespace(offered=9, accepted=5, quarantined=2, rejected=1, duplicate=1)
    report: Any = SimpleNamespace(tables=[table])
    standings = [
        Standing("risk_class", evaluation(classes=classes), trial),
        Standing("unpaid_fine", evaluation(), None),
    ]
    told = list(city_lines([report], 3, standings))
    assert told[0] == (
        "records: 9 offered, 5 accepted, 2 quarantined, 1 rejected, 1 duplicate; 3 tickets"
    )
    assert told[2].endswith("on trial: fairness not held")
    assert "0.661 (0.636 to 0.688)" in told[2]
    assert told[3].endswith("promoted")
    assert told[4] == (
        "problems found at visits drawn by lot, by class: A 1 of 20, B 4 of 20; "
        "rises from class to class"
    )


def test_a_class_contract_that_is_broken_is_told_as_broken() -> None:
    classes = {"A": {"problems": 4, "cases": 20}, "B": {"problems": 1, "cases": 20}}
    told = evaluation(classes=classes, contract_broken_at=["A>B"])
    assert list(city_lines([], 0, [Standing("risk_class", told, None)]))[-1].endswith(
        "falls at A>B"
    )


def test_a_task_that_a_small_city_cannot_teach_is_said_to_be_untrained() -> None:
    told = list(city_lines([], 0, [Standing("risk_class", evaluation(), None), "fines: too few"]))
    assert told[-1] == "not trained: fines: too few"
