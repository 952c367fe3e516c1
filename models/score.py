"""The only place that makes a score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xinheng.domain import RiskClass
from xinheng.models.artifact import RiskModel
from xinheng.models.calibration import Floats

LETTERS = tuple(one.value for one in RiskClass if one is not RiskClass.E)
"""The classes that a score can become, the best first; E comes from hard rules alone."""


def score(model: RiskModel, features: pl.DataFrame) -> pl.DataFrame:
    """Score indicator rows.

    Parameters
    ----------
    features
        As the engine returns them: `uscc`, `as_of` and the model's columns.

    Returns
    -------
    pl.DataFrame
        `uscc`, `as_of`, `log_odds`, `probability` (0 to 1), `score` (0 to 1000), in that order
        of rows.
    """
    log_odds = model.log_odds(features)
    probability = model.calibration.probability(log_odds)
    points = model.scale.score(probability)
    told = {"log_odds": log_odds, "probability": probability, "score": points}
    return pl.DataFrame([
        features["uscc"], features["as_of"],
        *(pl.Series(name, values) for name, values in told.items()),
    ])  # fmt: skip


def class_of(score: Floats, cuts: Sequence[float]) -> NDArray[np.int64]:
    """Place of the class among `LETTERS`: each cut is the score at which the next one begins."""
    return np.searchsorted(cuts, score, side="right").astype(np.int64)
