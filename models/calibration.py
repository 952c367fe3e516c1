"""From a booster's log-odds to a probability that means what it says, and on to a score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

Floats = NDArray[np.float64]

MAX_SCORE = 1000.0
LEAST_SLOPE = 0.05
"""A model that ranks no better than chance is flattened, never turned round."""
LEAST_CHANCE = 1e-6
LEAST_FOR_STEPS = 1_000
"""Rows from which on the steps of isotonic regression mean something."""


def sigmoid(value: Floats) -> Floats:
    """`1 / (1 + exp(-value))`, for large negative values too."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * value)))


@dataclass(frozen=True, slots=True)
class Platt:
    """Platt scaling: `probability = 1 / (1 + exp(-(slope * log_odds + intercept)))`.

    Strictly rising for a positive slope, so it never changes a ranking.
    """

    kind: ClassVar[str] = "platt"
    slope: float
    intercept: float

    def probability(self, log_odds: Floats) -> Floats:
        return sigmoid(self.slope * log_odds + self.intercept)


@dataclass(frozen=True, slots=True)
class Beta:
    """Beta calibration: other slopes where a problem is likely than where it is not.

    With `p` the booster's own probability: `log-odds = low * ln p - high * ln(1 - p) + intercept`.
    """

    kind: ClassVar[str] = "beta"
    low: float
    high: float
    intercept: float

    def probability(self, log_odds: Floats) -> Floats:
        shape = _beta_shape(log_odds)
        return sigmoid(shape @ np.array([self.low, self.high]) + self.intercept)


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Centred isotonic regression: linear between the middles of the steps."""

    kind: ClassVar[str] = "isotonic"
    log_odds: tuple[float, ...]
    chances: tuple[float, ...]

    def probability(self, log_odds: Floats) -> Floats:
        return np.interp(log_odds, self.log_odds, self.chances)


Calibration = Platt | Beta | Isotonic
KINDS: Mapping[str, type[Calibration]] = {one.kind: one for one in (Platt, Beta, Isotonic)}


def as_told(calibration: Calibration) -> dict[str, Any]:
    """As a model's folder keeps it."""
    return {"kind": calibration.kind, **asdict(calibration)}


def from_told(told: Mapping[str, Any]) -> Calibration:
    """What `as_told` gave; lists become tuples."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in told.items()
        if name != "kind"
    }
    return KINDS[told["kind"]](**values)


def fit_platt(log_odds: Floats, label: Floats, weight: Floats | None = None) -> Platt:
    """Fit on predictions for rows that the booster had not seen.

    Notes
    -----
    Platt, "Probabilistic outputs for support vector machines" (1999), without regularisation.
    """
    fitted = LogisticRegression(C=np.inf).fit(log_odds.reshape(-1, 1), label, weight)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope >= LEAST_SLOPE:
        return Platt(slope, intercept)
    base = float(np.clip(np.average(label, weights=weight), LEAST_CHANCE, 1 - LEAST_CHANCE))
    centre = float(np.average(log_odds, weights=weight))
    return Platt(LEAST_SLOPE, float(np.log(base / (1 - base))) - LEAST_SLOPE * centre)


def fit_beta(log_odds: Floats, label: Floats, weight: Floats | None = None) -> Calibration:
    """Fit on predictions for rows that the booster had not seen; Platt where a side would fall.

    Notes
    -----
    Kull, Silva Filho and Flach, "Beta calibration" (2017).
    """
    fitted = LogisticRegression(C=np.inf, max_iter=1_000).fit(_beta_shape(log_odds), label, weight)
    low, high = (float(slope) for slope in fitted.coef_[0])
    if min(low, high) <= 0:
        return fit_platt(log_odds, label, weight)
    return Beta(low, high, float(fitted.intercept_[0]))


def fit_isotonic(log_odds: Floats, label: Floats, weight: Floats | None = None) -> Calibration:
    """Fit on predictions for rows that the booster had not seen; Platt where there is one step.

    Notes
    -----
    Oron and Flournoy, "Centered isotonic regression" (2017): a step stands at its middle, so the
    ranking inside a step is kept.
    """
    fitted = IsotonicRegression(y_min=LEAST_CHANCE, y_max=1 - LEAST_CHANCE)
    told = fitted.fit(log_odds, label, weight).predict(log_odds)
    chances, step = np.unique(told, return_inverse=True)
    if chances.size == 1:
        return fit_platt(log_odds, label, weight)
    share = np.ones_like(label) if weight is None else weight
    middles = np.bincount(step, share * log_odds) / np.bincount(step, share)
    return Isotonic(tuple(middles.tolist()), tuple(chances.tolist()))


FITS: Mapping[str, Callable[[Floats, Floats, Floats | None], Calibration]] = {
    "platt": fit_platt,
    "beta": fit_beta,
    "isotonic": fit_isotonic,
}


def choose_calibration(
    earlier: tuple[Floats, Floats, Floats], later: tuple[Floats, Floats, Floats]
) -> tuple[Calibration, dict[str, float]]:
    """The kind that is best on the later stretch, fitted on both; and the log loss of each there.

    A stretch is log-odds, labels and weights; each must hold both labels.
    """
    losses = {
        name: _loss(fit(*earlier).probability(later[0]), later[1], later[2])
        for name, fit in FITS.items()
        if fit is not fit_isotonic or earlier[1].size >= LEAST_FOR_STEPS
    }
    best = min(losses, key=lambda name: losses[name])
    both = [np.concatenate([a, b]) for a, b in zip(earlier, later, strict=True)]
    return FITS[best](both[0], both[1], both[2]), losses


def _loss(probability: Floats, label: Floats, weight: Floats) -> float:
    clipped = np.clip(probability, LEAST_CHANCE, 1 - LEAST_CHANCE)
    return float(log_loss(label, clipped, sample_weight=weight))


def _beta_shape(log_odds: Floats) -> Floats:
    """`ln p` and `-ln(1 - p)` of the booster's own probability: (rows, 2)."""
    return np.column_stack([-np.logaddexp(0.0, -log_odds), np.logaddexp(0.0, log_odds)])


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
