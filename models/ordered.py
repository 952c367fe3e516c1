"""An ordered outcome from one booster: cumulative logits around fitted thresholds.

Grades are 0 (best) to K - 1. One latent value serves all of them: the log-odds of "at least grade
k" are the booster's value less the k-th threshold (McCullagh, "Regression models for ordinal
data", 1980). One booster, one explanation, and directions that hold for every grade at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from xinheng.models.calibration import LEAST_SLOPE, Floats, sigmoid

Grades = NDArray[np.int64]
NEWTON_STEPS = 50
EXACT = 1e-12


@dataclass(frozen=True, slots=True)
class Ordered:
    """From log-odds of the booster to the probability of each grade, and to a grade.

    `P(at least grade k) = 1 / (1 + exp(-(slope * log_odds - thresholds[k - 1])))`.
    """

    slope: float
    thresholds: tuple[float, ...]
    """Ascending, one a grade but the lowest."""
    cuts: tuple[float, ...]
    """Log-odds from which on each higher grade is told; ascending."""
    names: tuple[str, ...]
    """Of the grades, the best first."""

    def at_least(self, log_odds: Floats) -> Floats:
        """Probability of at least each higher grade: (rows, grades - 1), falling along a row."""
        return sigmoid(self.slope * log_odds[:, None] - np.array(self.thresholds))

    def probabilities(self, log_odds: Floats) -> Floats:
        """Probability of each grade: (rows, grades)."""
        return grade_probabilities(self.at_least(log_odds))

    def grade(self, log_odds: Floats) -> Grades:
        """The grade that is told."""
        return np.searchsorted(self.cuts, log_odds, side="right").astype(np.int64)


def grade_probabilities(at_least: Floats) -> Floats:
    """From "at least grade k" to each grade: (rows, grades)."""
    rows = len(at_least)
    edges = np.hstack([np.ones((rows, 1)), at_least, np.zeros((rows, 1))])
    return edges[:, :-1] - edges[:, 1:]


def slopes(log_odds: Floats, grade: Grades, thresholds: Floats) -> tuple[Floats, Floats]:
    """First and second derivative of the negative log-likelihood by the booster's value.

    With `a = P(at least the grade)` and `b = P(at least the next)` the likelihood is `a - b`, and
    its derivatives come down to `a + b - 1` and `a (1 - a) + b (1 - b)`, which is never negative.
    """
    edges = np.concatenate([[-np.inf], thresholds, [np.inf]])
    a, b = sigmoid(log_odds - edges[grade]), sigmoid(log_odds - edges[grade + 1])
    return a + b - 1.0, a * (1.0 - a) + b * (1.0 - b)


def shares_at_least(grade: Grades, grades: int, weight: Floats | None = None) -> Floats:
    """Share of the rows' weight of at least each higher grade: (grades - 1,).

    Raises
    ------
    ValueError
        If a grade does not occur.
    """
    found = np.bincount(grade, minlength=grades)
    if not found.all():
        raise ValueError(f"each of the {grades} grades must occur, found {found.tolist()} rows")
    weighed = np.bincount(grade, weight, minlength=grades)
    return np.asarray(1.0 - np.cumsum(weighed)[:-1] / weighed.sum())


def balanced_thresholds(
    log_odds: Floats,
    shares: Floats,
    start: Floats | None = None,
    weight: Floats | None = None,
) -> Floats:
    """Thresholds at which the told share of "at least grade k" is the one given, for each k.

    Newton's method, from `start` on; the told share falls with the threshold, so there is one
    answer.
    """
    if start is None:
        start = log_odds.mean() - np.log(shares / (1.0 - shares))
    thresholds = np.asarray(start)
    for _ in range(NEWTON_STEPS):
        told = sigmoid(log_odds[:, None] - thresholds)
        gap = np.average(told, axis=0, weights=weight) - shares
        steepness = np.average(told * (1.0 - told), axis=0, weights=weight)
        thresholds = thresholds + np.clip(gap / np.maximum(steepness, EXACT), -1.0, 1.0)
        if np.abs(gap).max() < EXACT:
            break
    return thresholds


def even_cuts(log_odds: Floats, shares: Floats, weight: Floats | None = None) -> Floats:
    """Log-odds from which on each higher grade is told, so that it is told as often as given."""
    if weight is None:
        return np.quantile(log_odds, 1.0 - shares)
    return np.quantile(log_odds, 1.0 - shares, weights=weight, method="inverted_cdf")


def objective(
    grade: Grades, grades: int, weight: Floats | None = None
) -> Callable[[Floats, lgb.Dataset], tuple[Floats, Floats]]:
    """The cumulative-logit objective for LightGBM; its thresholds follow the booster."""
    shares, thresholds = shares_at_least(grade, grades, weight), None

    def derivatives(log_odds: Floats, _: lgb.Dataset) -> tuple[Floats, Floats]:
        nonlocal thresholds
        thresholds = balanced_thresholds(log_odds, shares, thresholds, weight)
        first, second = slopes(log_odds, grade, thresholds)
        return (first, second) if weight is None else (first * weight, second * weight)

    return derivatives


def fit_ordered(
    log_odds: Floats, grade: Grades, names: tuple[str, ...], weight: Floats | None = None
) -> Ordered:
    """Slope, thresholds and cuts from predictions for rows that the booster had not seen.

    Slope and thresholds are one logistic regression over the questions "at least grade k?", with a
    threshold each. The cuts give each grade the share that it had among these rows.
    """
    grades, asked = len(names), np.arange(1, len(names))
    answers = (grade[:, None] >= asked).astype(np.float64).ravel()
    value = np.repeat(log_odds, grades - 1)
    which = np.tile(np.eye(grades - 1), (len(log_odds), 1))
    fitted = LogisticRegression(C=np.inf, fit_intercept=False, max_iter=1_000).fit(
        np.column_stack([value, which]),
        answers,
        None if weight is None else np.repeat(weight, grades - 1),
    )
    slope = max(float(fitted.coef_[0, 0]), LEAST_SLOPE)
    shares = shares_at_least(grade, grades, weight)
    thresholds = balanced_thresholds(slope * log_odds, shares, weight=weight)
    cuts = even_cuts(log_odds, shares, weight)
    return Ordered(slope, tuple(thresholds.tolist()), tuple(cuts.tolist()), names)
