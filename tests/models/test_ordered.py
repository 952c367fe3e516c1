from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from tests.conftest import TownRun
from xinheng.models.artifact import load_model, save_model
from xinheng.models.calibration import Floats, Platt, sigmoid
from xinheng.models.ordered import (
    Grades,
    Ordered,
    balanced_thresholds,
    fit_ordered,
    grade_probabilities,
    objective,
    shares_at_least,
    slopes,
)

NAMES = ("A", "B", "C", "D", "E")
RISING = st.lists(st.floats(-5, 5), min_size=2, max_size=4, unique=True).map(sorted)
BOOSTER = {
    "learning_rate": 0.05, "num_leaves": 15, "seed": 1, "deterministic": True, "verbosity": -1,
}  # fmt: skip


def made_up(rows: int, seed: int) -> tuple[Floats, Grades]:
    """Ordered outcomes of a latent value with logistic noise; the last input is pure noise."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, 4))
    latent = inputs[:, 0] + 0.5 * inputs[:, 1] ** 2 - 0.5 * inputs[:, 2] + rng.logistic(size=rows)
    return inputs, np.searchsorted([0.5, 1.5, 3.0, 4.5], latent).astype(np.int64)


def likelihood(value: float, grade: int, thresholds: list[float]) -> float:
    at_least = sigmoid(np.array([[value - one for one in thresholds]]))
    return float(-np.log(grade_probabilities(at_least)[0, grade]))


@given(st.floats(-4, 4), RISING, st.data())
def test_the_slopes_are_those_of_the_likelihood(
    value: float, thresholds: list[float], data: st.DataObject
) -> None:
    assume(min(np.diff(thresholds)) >= 1e-2)
    grade = data.draw(st.integers(0, len(thresholds)))
    step, edges, grades = 1e-5, np.array(thresholds), np.array([grade])
    first, second = slopes(np.array([value]), grades, edges)
    before, after = (slopes(np.array([value + d]), grades, edges)[0] for d in (-step, step))
    low, high = (likelihood(value + d, grade, thresholds) for d in (-step, step))
    assert first[0] == pytest.approx((high - low) / (2 * step), abs=1e-5)
    assert second[0] == pytest.approx((after[0] - before[0]) / (2 * step), abs=1e-6)
    assert second[0] >= 0


@given(st.lists(st.floats(-6, 6), min_size=5, max_size=40), st.data())
def test_each_grade_is_expected_as_often_as_it_was_found(
    values: list[float], data: st.DataObject
) -> None:
    extra = data.draw(st.lists(st.integers(0, 3), min_size=len(values) - 4, max_size=len(values)))
    grade = np.array([0, 1, 2, 3, *extra][: len(values)])
    shares, log_odds = shares_at_least(grade, 4), np.array(values[: len(grade)])
    thresholds = balanced_thresholds(log_odds, shares)
    assert sigmoid(log_odds[:, None] - thresholds).mean(axis=0) == pytest.approx(shares, abs=1e-9)
    assert (np.diff(thresholds) > 0).all()


def test_a_grade_that_does_not_occur_is_refused() -> None:
    with pytest.raises(ValueError, match=r"each of the 3 grades must occur, found \[2, 0, 1\]"):
        shares_at_least(np.array([0, 2, 0]), 3)


def test_one_booster_beats_multiclass_on_ordered_outcomes() -> None:
    inputs, grade = made_up(6_000, seed=1)
    fit, look, test = slice(0, 2_500), slice(2_500, 4_000), slice(4_000, None)
    data = lgb.Dataset(inputs[fit], grade[fit])
    booster = lgb.train(BOOSTER | {"objective": objective(grade[fit], 5)}, data, 80)
    ordered = fit_ordered(booster.predict(inputs[look], raw_score=True), grade[look], NAMES)
    ours = ordered.grade(np.asarray(booster.predict(inputs[test], raw_score=True)))
    data = lgb.Dataset(inputs[:4_000], grade[:4_000])
    several = lgb.train(BOOSTER | {"objective": "multiclass", "num_class": 5}, data, 80)
    theirs = np.asarray(several.predict(inputs[test])).argmax(axis=1)
    kappas = [cohen_kappa_score(grade[test], told, weights="quadratic") for told in (ours, theirs)]
    assert kappas[0] > kappas[1] + 0.02
    assert kappas[0] > 0.45


def test_the_same_seed_gives_the_same_booster() -> None:
    inputs, grade = made_up(800, seed=2)
    texts = {
        lgb.train(
            BOOSTER | {"objective": objective(grade, 5)}, lgb.Dataset(inputs, grade), 20
        ).model_to_string()
        for _ in range(2)
    }
    assert len(texts) == 1


def test_a_higher_value_never_tells_a_better_grade() -> None:
    ordered = Ordered(0.7, (-1.0, 0.5, 2.0), (-0.5, 0.5, 1.5), ("A", "B", "C", "D"))
    values = np.linspace(-6, 6, 200)
    assert (np.diff(ordered.grade(values)) >= 0).all()
    told = ordered.probabilities(values)
    assert told.sum(axis=1) == pytest.approx(1.0)
    assert (told >= 0).all()
    assert (np.diff(ordered.at_least(values), axis=0) > 0).all()


def test_a_ranking_worse_than_chance_is_flattened_not_turned_round() -> None:
    grade = np.array([0, 0, 1, 2] * 20)
    ordered = fit_ordered(-grade.astype(np.float64), grade, ("A", "B", "C"))
    assert ordered.slope == pytest.approx(0.05)


def test_a_model_of_grades_is_kept_whole(town: TownRun, tmp_path: Path) -> None:
    ordered = Ordered(0.9, (-0.25, 1.0), (0.1, 0.2), ("A", "B", "C"))
    model = replace(town.outcome.model, version="x", ordered=ordered, calibration=Platt(0.9, 0.25))
    again = load_model(save_model(model, tmp_path))
    assert again.ordered == ordered
    assert load_model(save_model(town.outcome.model, tmp_path)).ordered is None
    log_odds = np.array([-1.0, 0.0, 3.0])
    problem = again.calibration.probability(log_odds)
    assert ordered.at_least(log_odds)[:, 0] == pytest.approx(problem), "one threshold, one meaning"
