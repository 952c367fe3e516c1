"""Figures of rolling origins: where settings and inputs are chosen, and only there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from xinheng.models.calibration import sigmoid
from xinheng.training.fitting.fit import Unseen
from xinheng.training.judging.evaluate import Figure, Visits, figures

NAMES = ("auc", "average_precision", "precision_at_capacity", "recall_at_capacity", "brier")


def origin_figures(
    unseen: Sequence[Unseen],
    *,
    capacity: float,
    seed: int,
    names: Collection[str] = NAMES,
    resamples: int = 100,
) -> list[dict[str, Figure]]:
    """Figures of the honest rows of each stretch, as its booster told them before calibration."""
    return [
        figures(visits, seed=seed, resamples=resamples, names=names)
        for visits in (_visits(one, capacity) for one in unseen)
        if 0 < visits.label.sum() < visits.label.size
    ]


def means(found: Sequence[Mapping[str, Figure]]) -> dict[str, float]:
    """The mean of each figure over the origins."""
    return {name: float(np.mean([one[name].value for one in found])) for name in found[0]}


def _visits(one: Unseen, capacity: float) -> Visits:
    chosen = np.ones(one.rows.size, dtype=bool)
    if one.target.honest is not None:
        chosen = one.target.honest
    raw = one.log_odds[chosen]
    return Visits(
        one.target.label[chosen],
        np.zeros(raw.size, dtype=np.int64),
        raw,
        sigmoid(raw),
        capacity=capacity,
    )
