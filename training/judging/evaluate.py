"""Figures of a ranking: discrimination, calibration, and the City of Chicago's visit protocol."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    cohen_kappa_score,
    roc_auc_score,
)

from xinheng.models.calibration import Floats

Days = NDArray[np.int64]
BINS = 10
RESAMPLES = 1_000
MOST_DRAWN = 10_000_000
"""Rows that all resamples hold together, at most; of so many rows a hundred resamples will do."""
LEAST_RESAMPLES = 100
CONFIDENCE = 0.95
TIE_BREAKS = 200


@dataclass(frozen=True, slots=True)
class Visits:
    """Test visits: the label, the day of each (whole days) and a ranking score; all `(n,)`."""

    label: Floats
    day: Days
    score: Floats
    probability: Floats | None = None
    """None for rankers that claim no probability."""
    grade: Days | None = None
    """How grave the outcome was, where the label has grades."""
    told: Days | None = None
    """The grade that was told; None for rankers that tell none."""
    capacity: float = 0.05
    """Share of the cases that an office can act on."""

    def take(self, rows: NDArray[np.int64]) -> Visits:
        return Visits(
            self.label[rows],
            self.day[rows],
            self.score[rows],
            None if self.probability is None else self.probability[rows],
            None if self.grade is None else self.grade[rows],
            None if self.told is None else self.told[rows],
            self.capacity,
        )


def expected_calibration_error(label: Floats, probability: Floats) -> float:
    """Mean gap between told and found share over ten bins of equal size, weighted by size."""
    bins = np.array_split(np.argsort(probability, kind="stable"), BINS)
    gaps = [abs(probability[b].mean() - label[b].mean()) * b.size for b in bins if b.size]
    return float(np.sum(gaps) / label.size)


def reordered_days(visits: Visits, rng: np.random.Generator) -> Days:
    """New day of each visit when the same daily capacity goes to the riskiest first.

    Ties are broken at random. City of Chicago, `simulated_date_diff_mean.R`.
    """
    order = np.lexsort((rng.random(visits.score.size), -visits.score))
    moved = np.empty_like(visits.day)
    moved[order] = np.sort(visits.day)
    return moved


def days_earlier(visits: Visits, rng: np.random.Generator) -> float:
    """Mean days by which visits with a problem come earlier."""
    found = visits.label == 1
    return float(np.mean((visits.day - reordered_days(visits, rng))[found]))


def first_half_share(visits: Visits, rng: np.random.Generator) -> float:
    """Share of problems found on days whose running total of visits is below half.

    City of Chicago, `simulated_bin_summary.R`.
    """
    days, counts = np.unique(visits.day, return_counts=True)
    early = days[np.cumsum(counts) < visits.day.size / 2]
    moved = reordered_days(visits, rng)[visits.label == 1]
    return float(np.isin(moved, early).mean())


def at_capacity(visits: Visits, rng: np.random.Generator) -> tuple[float, float]:
    """Problems among the riskiest cases that can be acted on, and how many those are."""
    taken = max(1, round(visits.capacity * visits.score.size))
    order = np.lexsort((rng.random(visits.score.size), -visits.score))
    return float(visits.label[order[:taken]].sum()), float(taken)


def precision_at_capacity(visits: Visits, rng: np.random.Generator) -> float:
    """Share of the riskiest cases that have a problem; ties are broken at random."""
    found, taken = at_capacity(visits, rng)
    return found / taken


def recall_at_capacity(visits: Visits, rng: np.random.Generator) -> float:
    """Share of all problems that are among the riskiest cases."""
    return at_capacity(visits, rng)[0] / float(visits.label.sum())


def lift_at_capacity(visits: Visits, rng: np.random.Generator) -> float:
    """How many times as many problems as among cases taken at random."""
    return precision_at_capacity(visits, rng) / float(visits.label.mean())


def _with_probability(
    figure: Callable[[Floats, Floats], float],
) -> Callable[[Visits, np.random.Generator], float]:
    def told(visits: Visits, _: np.random.Generator) -> float:
        if visits.probability is None:
            return float("nan")
        return float(figure(visits.label, visits.probability))

    return told


def _with_grades(
    figure: Callable[[Days, Days], float],
) -> Callable[[Visits, np.random.Generator], float]:
    def told(visits: Visits, _: np.random.Generator) -> float:
        if visits.grade is None or visits.told is None:
            return float("nan")
        return float(figure(visits.grade, visits.told))

    return told


def quadratic_kappa(grade: Days, told: Days) -> float:
    """Cohen's kappa, a difference of two grades four times as bad as one of one."""
    return float(cohen_kappa_score(grade, told, weights="quadratic"))


def class_error(grade: Days, told: Days) -> float:
    """Share of rows that were told another grade than was found."""
    return float(np.mean(grade != told))


FIGURES: Mapping[str, Callable[[Visits, np.random.Generator], float]] = {
    "auc": lambda v, _: float(roc_auc_score(v.label, v.score)),
    "average_precision": lambda v, _: float(average_precision_score(v.label, v.score)),
    "brier": _with_probability(brier_score_loss),
    "ece": _with_probability(expected_calibration_error),
    "days_earlier": days_earlier,
    "first_half_share": first_half_share,
    "precision_at_capacity": precision_at_capacity,
    "recall_at_capacity": recall_at_capacity,
    "lift_at_capacity": lift_at_capacity,
    "kappa": _with_grades(quadratic_kappa),
    "class_error": _with_grades(class_error),
}


ORDERED = ("kappa", "class_error")
"""Figures of grades."""
OF_ORDER = (
    "days_earlier", "first_half_share", "precision_at_capacity", "recall_at_capacity",
    "lift_at_capacity",
)  # fmt: skip
"""Figures of one order of the cases, which ties leave to chance."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def figures(
    visits: Visits,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    names: Collection[str] = tuple(FIGURES),
) -> dict[str, Figure]:
    """The named figures, each with an interval from resampled visits; same seed, same numbers.

    Figures of grades only where the visits have grades.
    Order-based figures of scores with ties are the mean over tie-breaks.
    """
    rng = np.random.default_rng(seed)
    fair = max(LEAST_RESAMPLES, MOST_DRAWN // visits.label.size)
    wanted = {
        name: figure
        for name, figure in FIGURES.items()
        if name in names and (visits.grade is not None or name not in ORDERED)
    }
    ties = min(TIE_BREAKS, fair) if np.unique(visits.score).size < visits.score.size else 1
    drawn: dict[str, list[float]] = {name: [] for name in wanted}
    with config_context(assume_finite=True, skip_parameter_validation=True):
        told = {
            name: float(
                np.mean([figure(visits, rng) for _ in range(ties if name in OF_ORDER else 1)])
            )
            for name, figure in wanted.items()
        }
        for _ in range(min(resamples, fair)):
            sample = visits.take(rng.integers(0, visits.label.size, visits.label.size))
            if 0 < sample.label.sum() < sample.label.size:
                for name, figure in wanted.items():
                    drawn[name].append(figure(sample, rng))
    tail = (1 - CONFIDENCE) / 2
    return {
        name: Figure(value, *(float(q) for q in np.quantile(drawn[name], [tail, 1 - tail])))
        for name, value in told.items()
    }
