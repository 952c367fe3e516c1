"""The test period of a version: its earlier looks, and that it lies after the training."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.cities import NOW, CityHome
from tests.conftest import TownRun
from xinheng.errors import Refused
from xinheng.training.control.evaluating import evaluated
from xinheng.training.control.versions import evaluation_of, version
from xinheng.training.judging.tell import evaluation_text


def test_the_earlier_looks_of_a_deadline_model_have_figures_of_their_own(city: CityHome) -> None:
    told = evaluation_of(version(city.home, city.reports))
    assert [*told["looks"]] == ["168", "720"]
    for look in told["looks"].values():
        assert look["cases"] >= told["cases"] > 0
        assert 0 <= look["figures"]["auc"]["low"] <= look["figures"]["auc"]["high"] <= 1
    assert "30 days before: " in evaluation_text(told)
    assert evaluation_of(version(city.home, city.classes))["looks"] == {}


def test_a_test_period_that_the_version_was_trained_on_is_not_read(city: CityHome) -> None:
    early = NOW - timedelta(days=400)
    with pytest.raises(Refused, match=r"was trained on rows up to .*, the test period begins"):
        evaluated(city.home, city.reports, at=NOW, until=early, again=True, resamples=20)


def test_a_version_of_a_study_is_told_from_one_of_a_task(town: TownRun) -> None:
    name = town.outcome.model.version
    with pytest.raises(Refused, match=f"{name} is of town, which is no task of this home") as told:
        evaluated(town.home, name, at=NOW)
    assert "xinheng study run" in told.value.hint


def test_an_evaluation_shows_baselines_classes_groups_and_the_ceiling(city: CityHome) -> None:
    told = evaluation_of(version(city.home, city.classes))
    text = evaluation_text(told)
    for name in ("Xinheng", "expert scorecard", "logistic regression", "last result", "oracle"):
        assert name in told["rankers"]
        assert name in text
    assert set(told["classes"]) == set("ABCD")
    assert sum(one["cases"] for one in told["classes"].values()) == told["cases"]
    assert set(told["set_coverage"]) == {"none", "minor", "general", "serious"}
    assert {group["kind"] for group in told["groups"]} >= {"size", "age"}
    assert "class contract" in text
    assert told["rankers"]["oracle"]["auc"]["value"] > told["rankers"]["Xinheng"]["auc"]["value"]
    assert told["suspects"] == []
    assert told["rows_after_event"] == 0
