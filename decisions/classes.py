"""Classes by the fixed cuts, before hard rules, and the mark for thin data (README, section 7)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from xinheng.config import ClassSettings
from xinheng.decisions.changes import Standing, settled
from xinheng.domain import RiskClass
from xinheng.models.artifact import RiskModel, matrix
from xinheng.models.score import LETTERS, class_of
from xinheng.records.frames import NONE, days, legal_days, microseconds

CLASS_ZH = {
    "A": "信用风险低",
    "B": "信用风险一般",
    "C": "信用风险较高",
    "D": "信用风险高",
    "E": "信用风险最高",
}
CLASS_EN = {
    "A": "low risk",
    "B": "general risk",
    "C": "higher risk",
    "D": "high risk",
    "E": "gravest risk",
}


def known_share(model: RiskModel, features: pl.DataFrame) -> pl.Series:
    """Share of the general tables that a model reads of which something is known of each row.

    A sector's tables say nothing about firms outside of it, so they are not counted.
    """
    tables = model.general_columns.values()
    if not tables:
        return pl.Series([1.0]).new_from_index(0, features.height)
    is_known = ~np.isnan(matrix(features, model.names))
    known = [is_known[:, places].any(axis=1) for places in tables]
    return pl.Series(np.sum(known, axis=0) / len(known))


def with_classes(
    scored: pl.DataFrame, settings: ClassSettings, before: Mapping[str, Standing] | None = None
) -> pl.DataFrame:
    """Add `model_class`, `settled_class`, `risk_class` and `low_confidence`.

    Parameters
    ----------
    scored
        `score` (0 to 1000), `as_of`, `established_on` (null: unknown) and `known_share` (0 to 1);
        `uscc` too where there is a run before.
    before
        How each enterprise stood at the run before, by the same model version.

    Notes
    -----
    A firm under one year old, whose founding day is unknown, or with less than half of its sources
    covered is marked `low_confidence` and never better than B; in its first year (X1, observation
    period) the model alone does not make it D (domain README, section 7).
    """
    places = class_of(scored["score"].to_numpy(), settings.cuts)
    by_score = pl.Series(LETTERS)[pl.Series(places)]
    calm = _settled(scored, by_score, settings, before) if before else by_score
    founded = days(scored["established_on"])
    age = legal_days(microseconds(scored["as_of"])) - founded
    is_unknown = founded == NONE
    young = ~is_unknown & (age <= settings.young_days)
    thin = young | is_unknown | (scored["known_share"].to_numpy() < settings.least_known)
    held = calm.to_numpy()
    held = np.where(thin & (held == RiskClass.A.value), RiskClass.B.value, held)
    held = np.where(young & (held == RiskClass.D.value), RiskClass.C.value, held)
    told = {
        "model_class": by_score, "settled_class": calm,
        "low_confidence": pl.Series(thin), "risk_class": pl.Series(held, dtype=pl.String()),
    }  # fmt: skip
    return scored.hstack([one.alias(name) for name, one in told.items()])


def _settled(
    scored: pl.DataFrame,
    by_score: pl.Series,
    settings: ClassSettings,
    before: Mapping[str, Standing],
) -> pl.Series:
    told = zip(scored["uscc"], by_score, scored["score"], strict=True)
    return pl.Series(
        [settled(one, score, before.get(uscc), settings) for uscc, one, score in told],
        dtype=pl.String(),
    )
