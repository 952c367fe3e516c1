from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinheng.training.judging.evaluate import (
    Visits,
    days_earlier,
    expected_calibration_error,
    figures,
    first_half_share,
    reordered_days,
)

RNG = np.random.default_rng(1)


def visits(label: list[int], day: list[int], score: list[float]) -> Visits:
    return Visits(np.array(label, float), np.array(day), np.array(score, float))


def test_the_city_s_protocol_by_hand() -> None:
    """Two visits a day on days 0, 1, 10; problems at the last two visits, ranked first by score."""
    one = visits([0, 0, 0, 0, 1, 1], [0, 0, 1, 1, 10, 10], [1, 2, 3, 4, 5, 6])
    assert reordered_days(one, RNG).tolist() == [10, 10, 1, 1, 0, 0]
    assert days_earlier(one, RNG) == 10.0
    assert first_half_share(one, RNG) == 1.0


def test_the_half_counts_days_whose_running_total_is_below_half() -> None:
    """Day 0 has 2 of 6 visits; day 1 brings the total to 4, which is not below 3."""
    one = visits([1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 2, 2], [6, 5, 4, 3, 2, 1])
    assert first_half_share(one, RNG) == pytest.approx(2 / 3)


def test_the_worst_ranking_is_as_late_as_the_best_is_early() -> None:
    one = visits([1, 0], [0, 9], [0.0, 1.0])
    assert days_earlier(one, RNG) == -9.0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.floats(0, 1)), min_size=2))
def test_reordering_keeps_the_capacity_of_every_day(rows: list[tuple[bool, int, float]]) -> None:
    one = visits(*map(list, zip(*rows, strict=True)))
    assert sorted(reordered_days(one, np.random.default_rng(0))) == sorted(one.day)


def test_calibration_error_is_zero_for_the_truth_and_the_gap_otherwise() -> None:
    label = np.tile([0.0, 1.0], 50)
    assert expected_calibration_error(label, np.full(100, 0.5)) == pytest.approx(0.0)
    assert expected_calibration_error(label, np.full(100, 0.9)) == pytest.approx(0.4)


def test_figures_are_repeatable_and_inside_their_intervals() -> None:
    rng = np.random.default_rng(3)
    score = rng.normal(size=400)
    label = (rng.random(400) < 1 / (1 + np.exp(-score))).astype(float)
    one = Visits(label, rng.integers(0, 60, 400), score, 1 / (1 + np.exp(-score)))
    first, second = (figures(one, seed=9, resamples=200) for _ in range(2))
    assert first == second
    for name in ("auc", "average_precision", "brier", "days_earlier", "first_half_share"):
        assert first[name].low < first[name].value < first[name].high, name


def test_a_ranker_without_probabilities_claims_no_calibration() -> None:
    one = visits([0, 1] * 20, list(range(40)), [0.0] * 40)
    told = figures(one, seed=1, resamples=5)
    assert np.isnan(told["brier"].value)
    assert told["auc"].value == 0.5
