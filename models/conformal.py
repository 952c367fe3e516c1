"""Which grades cannot be ruled out: sets that hold the true grade nine times in ten.

The promise is kept for each grade by itself (Vovk, "Conditional validity of inductive conformal
predictors", 2012), so that a rare grave outcome is not paid for by the many firms without one. It
holds for outcomes like those of the stretch it was fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xinheng.models.calibration import Floats

Bools = NDArray[np.bool_]
Grades = NDArray[np.int64]
COVERAGE = 0.9


@dataclass(frozen=True, slots=True)
class GradeSets:
    """The strangeness up to which a grade is kept in the set, by grade."""

    coverage: float
    limits: tuple[float, ...]

    def holds(self, at_least: Floats) -> Bools:
        """Which grades are in the set of each row: (rows, grades), always one stretch of them."""
        kept = strangeness(at_least) <= np.array(self.limits)
        likeliest = np.argmin(strangeness(at_least), axis=1)
        kept[np.arange(len(kept)), likeliest] = True
        below = np.maximum.accumulate(kept, axis=1)
        above = np.maximum.accumulate(kept[:, ::-1], axis=1)[:, ::-1]
        return below & above


def strangeness(at_least: Floats) -> Floats:
    """How far out each grade would lie: (rows, grades).

    The larger of the chances of a graver and of a lighter outcome.
    """
    rows = len(at_least)
    graver = np.hstack([at_least, np.zeros((rows, 1))])
    lighter = 1.0 - np.hstack([np.ones((rows, 1)), at_least])
    return np.maximum(graver, lighter)


def fit_sets(at_least: Floats, grade: Grades, coverage: float = COVERAGE) -> GradeSets:
    """Limits from predictions for rows that the booster had not seen.

    Of `n` rows of a grade the limit is the `ceil((n + 1) * coverage)`-th smallest strangeness; a
    grade with too few rows is never ruled out.
    """
    own = strangeness(at_least)[np.arange(len(grade)), grade]
    limits = []
    for one in range(at_least.shape[1] + 1):
        sorted_own = np.sort(own[grade == one])
        place = int(np.ceil((sorted_own.size + 1) * coverage))
        limits.append(float(sorted_own[place - 1]) if place <= sorted_own.size else 1.0)
    return GradeSets(coverage, tuple(limits))
