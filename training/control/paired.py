"""Two versions on the same cases: differences with intervals, and whose class changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from xinheng.models.artifact import RiskModel
from xinheng.models.calibration import Floats
from xinheng.models.reasons.reason import Explanation, explain
from xinheng.models.score import LETTERS, class_of, score
from xinheng.training.judging.evaluate import CONFIDENCE, FIGURES, Figure, Visits

NAMES = (
    "auc", "average_precision", "precision_at_capacity", "recall_at_capacity", "brier", "ece",
    "kappa",
)  # fmt: skip
RESAMPLES = 500
TOP = 3
"""Reasons that people read first."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of two versions on the same cases; the interval is of second less first."""

    first: float
    second: float
    gap: Figure


@dataclass(frozen=True, slots=True)
class Mover:
    """An enterprise whose class or alert another version would change."""

    uscc: str
    first: str
    second: str
    first_score: float
    second_score: float
    reasons_zh: tuple[str, ...]
    reasons_en: tuple[str, ...]
    """What pushed most in the second version."""


@dataclass(frozen=True, slots=True)
class Moves:
    """What changes for a population."""

    asked: int
    moved: int
    table: Mapping[tuple[str, str], int]
    """How many go from which class to which."""
    flips: float
    """Share of the top three reasons of a firm that the other version does not name."""
    movers: tuple[Mover, ...]
    """The widest moves."""

    @property
    def share(self) -> float:
        return self.moved / self.asked if self.asked else 0.0


def differences(
    first: Visits, second: Visits, *, seed: int, resamples: int = RESAMPLES
) -> dict[str, Difference]:
    """Figures of both and of their gap, resampling the same cases for both."""
    both_tell = first.told is not None and second.told is not None
    names = [name for name in NAMES if both_tell or name != "kappa"]
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(resamples):
        rows = rng.integers(0, first.label.size, first.label.size)
        a, b = first.take(rows), second.take(rows)
        if 0 < a.label.sum() < a.label.size:
            for name in names:
                drawn[name].append(FIGURES[name](b, rng) - FIGURES[name](a, rng))
    tail = (1 - CONFIDENCE) / 2
    found = {}
    for name in names:
        one, other = FIGURES[name](first, rng), FIGURES[name](second, rng)
        low, high = np.quantile(drawn[name], [tail, 1 - tail])
        found[name] = Difference(one, other, Figure(other - one, float(low), float(high)))
    return found


def moves(
    first: RiskModel,
    second: RiskModel,
    features: pl.DataFrame,
    cuts: Sequence[float],
    *,
    top: int = 20,
) -> Moves:
    """Who changes class (or alert, for deadline models) from the first version to the second."""
    one, other = score(first, features), score(second, features)
    before, after = (_told(m, s, cuts) for m, s in ((first, one), (second, other)))
    gap = np.abs(one["score"].to_numpy() - other["score"].to_numpy())
    moved = before != after
    widest = np.flatnonzero(moved)[np.argsort(-gap[moved], kind="stable")][:top]
    pairs, counts = np.unique(np.stack([before, after]), axis=1, return_counts=True)
    named = features[widest.tolist()]
    movers = [
        Mover(
            uscc=named["uscc"][n],
            first=str(before[row]),
            second=str(after[row]),
            first_score=float(one["score"][int(row)]),
            second_score=float(other["score"][int(row)]),
            reasons_zh=tuple(r.sentence_zh for r in explanation.reasons[:TOP]),
            reasons_en=tuple(r.sentence_en for r in explanation.reasons[:TOP]),
        )
        for n, (row, explanation) in enumerate(zip(widest, explain(second, named), strict=True))
    ]
    return Moves(
        asked=features.height,
        moved=int(moved.sum()),
        table={(str(a), str(b)): int(n) for (a, b), n in zip(pairs.T, counts, strict=True)},
        flips=flip_rate(explain(first, features), explain(second, features)),
        movers=tuple(movers),
    )


def flip_rate(first: Sequence[Explanation], second: Sequence[Explanation]) -> float:
    """Share of the top three reasons of each firm that the other version does not name."""
    kept = [
        len(_top(a) & _top(b)) / max(1, len(_top(a))) for a, b in zip(first, second, strict=True)
    ]
    return 1.0 - float(np.mean(kept))


def _top(explanation: Explanation) -> set[str]:
    return {reason.indicator for reason in explanation.reasons[:TOP]}


def _told(model: RiskModel, scored: pl.DataFrame, cuts: Sequence[float]) -> Floats:
    """The class, or whether there would be an alert."""
    if model.alert_at is not None:
        flagged = scored["probability"].to_numpy() >= model.alert_at
        return np.where(flagged, "alert", "none")
    return np.array(LETTERS)[class_of(scored["score"].to_numpy(), cuts)]
