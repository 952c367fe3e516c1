"""From a booster's log-odds to a probability that means what it says, and on to a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]

MAX_SCORE = 1000.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt scaling: `probability = 1 / (1 + exp(-(slope * log_odds + intercept)))`.

    Strictly rising for a positive slope, so it never changes a ranking.
    """

    slope: float
    intercept: float

    def probability(self, log_odds: Floats) -> Floats:
        return np.asarray(1.0 / (1.0 + np.exp(-(self.slope * log_odds + self.intercept))))


def fit_calibration(log_odds: Floats, label: Floats) -> Calibration:
    """Fit on predictions for rows that the booster had not seen.

    Notes
    -----
    Platt, "Probabilistic outputs for support vector machines" (1999), without regularisation.
    A model that ranks no better than chance there gets slope 0.05, never a negative one.
    """
    fitted = LogisticRegression(C=np.inf).fit(log_odds.reshape(-1, 1), label)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope >= 0.05:
        return Calibration(slope, intercept)
    base = float(np.clip(label.mean(), 1e-6, 1 - 1e-6))
    centre = float(log_odds.mean())
    return Calibration(0.05, float(np.log(base / (1 - base))) - 0.05 * centre)


@dataclass(frozen=True, slots=True)
class ScoreScale:
    """Monotone map from probability to the score 0 to 1000, fixed for a model version.

    `probabilities[i]` gets `scores[i]`; linear between.
    """

    probabilities: tuple[float, ...]
    scores: tuple[float, ...]

    def score(self, probability: Floats) -> Floats:
        return np.interp(probability, self.probabilities, self.scores)


def fit_scale(probability: Floats, cuts: Sequence[float], shares: Sequence[float]) -> ScoreScale:
    """Place the class cuts so that the reference population has the given class shares.

    Parameters
    ----------
    probability
        Of the reference population.
    cuts
        Scores at which a class begins, ascending, without 0, e.g. `(200, 500, 750)`.
    shares
        Share of each class but the last, e.g. `(0.60, 0.27, 0.09)`.

    Notes
    -----
    Domain specification, section 7: chosen once per model version, never re-fitted daily.
    """
    quantiles = np.quantile(probability, np.cumsum(shares))
    knots, scores = [0.0], [0.0]
    for cut, knot in zip(cuts, quantiles, strict=True):
        if knot > knots[-1]:
            knots.append(float(knot))
            scores.append(float(cut))
    if knots[-1] < 1.0:
        knots.append(1.0)
        scores.append(MAX_SCORE)
    return ScoreScale(tuple(knots), tuple(scores))
