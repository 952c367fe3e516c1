"""Leak probes: a column that knows too much, a broken order of time, and labels dealt anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score

from xinheng.models.artifact import matrix
from xinheng.models.calibration import Floats
from xinheng.training.cohorts.cohort import LABEL
from xinheng.training.cohorts.material import Material
from xinheng.training.fitting.fit import Target, fit_booster, usable_columns

SUSPICIOUS_AUC = 0.9
"""No single indicator ranks that well of itself; one that does has probably seen the outcome."""
OUTSTANDING_AUC, OUTSTANDING_BY = 0.75, 0.1
"""Nor does one by that much better than every other indicator."""
LEAST_KNOWN = 50
VALUES, PRESENCE = "its values rank the outcome", "whether it is known ranks the outcome"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A column that looks as if it knew the outcome."""

    column: str
    auc: float
    why: str


@dataclass(frozen=True, slots=True)
class Shuffled:
    """AUC of a model of labels dealt anew, with the interval in which chance alone puts it."""

    auc: float
    low: float
    high: float

    @property
    def is_chance(self) -> bool:
        return self.low <= self.auc <= self.high


def suspects(
    features: pl.DataFrame, label: Floats, indicator_of: Mapping[str, str]
) -> list[Suspect]:
    """Columns that alone rank better than an indicator should, whichever way round.

    The mere presence of a value is looked at too: a field that is filled in after the outcome
    gives it away by being there.
    """
    told = [_told(features[name], label, name) for name in indicator_of]
    found = []
    for one in told:
        own = indicator_of[one.column]
        others = max((o.auc for o in told if indicator_of[o.column] != own), default=0.5)
        stands_out = one.auc >= OUTSTANDING_AUC and one.auc >= others + OUTSTANDING_BY
        if one.auc >= SUSPICIOUS_AUC or stands_out:
            found.append(one)
    return sorted(found, key=lambda one: -one.auc)


def looked_for(material: Material) -> dict[str, str]:
    """Columns that the probe looks at, with their indicators: all that nobody has looked at yet."""
    known = material.asked.looked_at
    return {c.name: c.indicator.id for c in material.columns if c.name not in known}


def _told(column: pl.Series, label: Floats, name: str) -> Suspect:
    """How well one column ranks, by its values or by their presence."""
    is_known = column.is_not_null().to_numpy()
    by_value = _auc(column.cast(pl.Float64).to_numpy()[is_known], label[is_known])
    by_presence = _auc(is_known.astype(np.float64), label)
    why = VALUES if by_value >= by_presence else PRESENCE
    return Suspect(name, max(by_value, by_presence), why)


def late_rows(material: Material) -> int:
    """Rows asked about after their own event: there the order of time is broken.

    A cohort that asks when a record is known takes its label from elsewhere and is not counted.
    """
    if material.asked.cohort.cut_off == "known":
        return 0
    return int((material.visits["as_of"] > material.visits["event_at"]).sum())


def shuffled(material: Material) -> Shuffled:
    """Train on labels dealt anew and look at the last quarter of the training period.

    Such a model knows nothing; more than chance is a fault of the evaluation. The interval is
    that of the Mann-Whitney statistic without a difference.
    """
    rows, features = material.of("train")
    used = usable_columns(material.columns, features)
    numbers = matrix(features, [column.name for column in used])
    settings = material.asked.settings
    dealt = Target(np.random.default_rng(settings.seed).permutation(rows[LABEL].to_numpy()))
    cut = np.arange(int(0.75 * rows.height))
    booster = fit_booster(numbers[cut], dealt.take(cut), used, settings)
    label = dealt.label[cut.size :]
    foretold = np.asarray(booster.predict(numbers[cut.size :], raw_score=True))
    problems, others = float(label.sum()), float(label.size - label.sum())
    spread = 1.96 * float(np.sqrt((problems + others + 1) / (12 * problems * others)))
    return Shuffled(float(roc_auc_score(label, foretold)), 0.5 - spread, 0.5 + spread)


def _auc(values: Floats, label: Floats) -> float:
    """Of the better direction; 0.5 where there is too little to say."""
    if values.size < LEAST_KNOWN or np.unique(label).size < 2 or np.unique(values).size < 2:
        return 0.5
    found = float(roc_auc_score(label, values))
    return max(found, 1.0 - found)
