"""Probabilities that mean what they say, and sets that hold what they promise."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinheng.models.calibration import (
    FITS,
    LEAST_FOR_STEPS,
    Beta,
    Calibration,
    Isotonic,
    Platt,
    as_told,
    choose_calibration,
    fit_beta,
    fit_isotonic,
    from_told,
    sigmoid,
)
from xinheng.models.conformal import COVERAGE, GradeSets, fit_sets, strangeness


def drawn(rows: int, seed: int, bend: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-odds, labels drawn from `sigmoid(bend * log-odds)`, and weights of one."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(-1.0, 1.5, rows)
    return raw, (rng.random(rows) < sigmoid(bend * raw)).astype(float), np.ones(rows)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from(sorted(FITS)))
def test_every_kind_keeps_the_order_and_is_a_probability(seed: int, kind: str) -> None:
    raw, label, weight = drawn(400, seed)
    found = FITS[kind](raw, label, weight)
    told = found.probability(np.sort(raw))
    assert (np.diff(told) >= 0).all()
    assert told.min() >= 0
    assert told.max() <= 1


@pytest.mark.parametrize("kind", sorted(FITS))
def test_every_kind_tells_the_mean_it_was_fitted_on(kind: str) -> None:
    raw, label, weight = drawn(20_000, 3, bend=0.6)
    told = FITS[kind](raw, label, weight).probability(raw)
    assert told.mean() == pytest.approx(label.mean(), abs=0.005)


def test_beta_mends_what_platt_cannot() -> None:
    """Log-odds bent on one side only."""
    rng = np.random.default_rng(4)
    raw = rng.normal(0, 2, 60_000)
    true = sigmoid(np.where(raw > 0, 0.3 * raw, 1.5 * raw))
    label = (rng.random(raw.size) < true).astype(float)
    beta, platt = fit_beta(raw, label), FITS["platt"](raw, label, None)
    assert isinstance(beta, Beta)
    assert (
        np.abs(beta.probability(raw) - true).mean() < np.abs(platt.probability(raw) - true).mean()
    )


def test_weights_count_as_copies() -> None:
    raw, label, _ = drawn(300, 5)
    twice = np.where(label == 1, 2.0, 1.0)
    copied = np.repeat(raw, twice.astype(int)), np.repeat(label, twice.astype(int))
    for kind in FITS.values():
        weighed, whole = kind(raw, label, twice), kind(*copied, None)
        assert weighed.probability(raw) == pytest.approx(whole.probability(raw), abs=1e-3)


@pytest.mark.parametrize(
    "one", [Platt(0.9, -0.1), Beta(0.5, 1.5, 0.2), Isotonic((-1.0, 0.0, 2.0), (0.1, 0.3, 0.8))]
)
def test_a_calibration_is_kept_to_the_last_bit(one: Calibration) -> None:
    assert from_told(json.loads(json.dumps(as_told(one)))) == one


def test_the_best_on_the_later_stretch_is_taken_and_steps_want_many_rows() -> None:
    few = drawn(LEAST_FOR_STEPS - 1, 6), drawn(400, 7)
    many = drawn(LEAST_FOR_STEPS, 6), drawn(400, 7)
    assert set(choose_calibration(*few)[1]) == {"platt", "beta"}
    chosen, losses = choose_calibration(*many)
    assert set(losses) == {"platt", "beta", "isotonic"}
    assert chosen.kind == min(losses, key=lambda name: losses[name])


def test_labels_against_the_order_give_no_falling_probability() -> None:
    raw, label, weight = drawn(2_000, 8, bend=-1.0)
    for fit in (fit_beta, fit_isotonic, FITS["platt"]):
        told = fit(raw, label, weight).probability(np.sort(raw))
        assert (np.diff(told) >= 0).all()


def graded(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Chances of at least each higher grade, and grades drawn from them."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(0, 1.5, rows)
    at_least = sigmoid(latent[:, None] - np.array([1.0, 2.0, 3.0]))
    grade = (rng.random(rows)[:, None] < at_least).sum(axis=1)
    return at_least, grade


def test_sets_hold_each_grade_as_often_as_promised() -> None:
    fitted, told = graded(20_000, 1), graded(20_000, 2)
    sets = fit_sets(*fitted)
    holds = sets.holds(told[0])
    for grade in range(4):
        own = told[1] == grade
        assert holds[own, grade].mean() == pytest.approx(COVERAGE, abs=0.03)


@given(st.integers(0, 10**6))
def test_a_set_is_never_empty_and_has_no_gap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    at_least = np.sort(rng.random((20, 4)), axis=1)[:, ::-1]
    holds = GradeSets(COVERAGE, tuple(rng.random(5).tolist())).holds(at_least)
    assert holds.any(axis=1).all()
    for row in holds:
        places = np.flatnonzero(row)
        assert (np.diff(places) == 1).all()


def test_a_grade_with_too_few_rows_is_never_ruled_out() -> None:
    at_least, grade = graded(500, 3)
    few = np.concatenate([np.flatnonzero(grade < 3), np.flatnonzero(grade == 3)[:5]])
    assert fit_sets(at_least[few], grade[few]).limits[3] == 1.0


def test_strangeness_is_the_larger_chance_of_something_else() -> None:
    told = strangeness(np.array([[0.7, 0.2]]))
    assert told == pytest.approx(np.array([[0.7, 0.3, 0.8]]))
