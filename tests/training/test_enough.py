"""Thin data are refused in one line that says what is there, what is wanted and what helps."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from xinheng.config import TrainSettings
from xinheng.errors import NotReady
from xinheng.training.cohorts.cohort import DAY, LABEL, PERIOD
from xinheng.training.cohorts.enough import need_enough
from xinheng.training.cohorts.task import load_task

LEAST = TrainSettings(least_rows=100, least_problems=10)


def visits(train: int, problems: int, test: int = 50) -> pl.DataFrame:
    labels = [1.0] * problems + [0.0] * (train - problems) + [1.0] * test
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(train + test)]
    return pl.DataFrame({LABEL: labels, DAY: days, PERIOD: ["train"] * train + ["test"] * test})


@pytest.mark.parametrize(
    ("train", "problems"),
    [
        pytest.param(99, 50, id="rows"),
        pytest.param(200, 9, id="problems"),
        pytest.param(200, 191, id="rows without a problem"),
        pytest.param(0, 0, id="nothing; the test period does not help"),
    ],
)
def test_too_little_is_refused(train: int, problems: int) -> None:
    with pytest.raises(NotReady) as told:
        need_enough(visits(train, problems), load_task("risk_class"), LEAST)
    assert f"{train:,} rows" in told.value.message
    assert f"with {problems} problems are too few" in told.value.message
    assert "at least 100 rows are wanted, 10 of them with a problem and 10" in told.value.message
    assert "\n" not in told.value.message


@pytest.mark.parametrize("problems", [10, 90])
def test_just_enough_is_enough(problems: int) -> None:
    need_enough(visits(100, problems), load_task("risk_class"), LEAST)


@pytest.mark.parametrize(("task", "is_told"), [("drugs", True), ("risk_class", False)])
def test_a_sector_is_told_of_the_general_class(task: str, *, is_told: bool) -> None:
    with pytest.raises(NotReady) as told:
        need_enough(visits(20, 5), load_task(task), LEAST)
    assert ("general class (risk_class), which pools" in str(told.value.hint)) is is_told
