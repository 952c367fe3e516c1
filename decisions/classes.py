"""Classes A to D by the fixed cuts, and the mark for thin data (domain README, section 7)."""

from __future__ import annotations

import polars as pl

from xinheng.config import ClassSettings
from xinheng.domain import RiskClass
from xinheng.records.duties.days import legal_day

CLASS_ZH = {"A": "信用风险低", "B": "信用风险一般", "C": "信用风险较高", "D": "信用风险高"}
CLASS_EN = {"A": "low risk", "B": "general risk", "C": "higher risk", "D": "high risk"}


def with_classes(scored: pl.DataFrame, settings: ClassSettings) -> pl.DataFrame:
    """Add `model_class`, `risk_class` and `low_confidence`.

    Parameters
    ----------
    scored
        `score` (0 to 1000), `as_of`, `established_on` (null: unknown).

    Notes
    -----
    A firm under one year old, or whose founding day is unknown, is marked `low_confidence` and
    never better than B; in its first year (X1, observation period) the model alone does not
    make it D.
    """
    first, second, third = settings.cuts
    by_score = (
        pl.when(pl.col("score") < first)
        .then(pl.lit(RiskClass.A.value))
        .when(pl.col("score") < second)
        .then(pl.lit(RiskClass.B.value))
        .when(pl.col("score") < third)
        .then(pl.lit(RiskClass.C.value))
        .otherwise(pl.lit(RiskClass.D.value))
    )
    age = (legal_day(pl.col("as_of")) - pl.col("established_on")).dt.total_days()
    young = (age <= settings.young_days).fill_null(value=False)
    thin = young | age.is_null()
    held = (
        pl.when(thin & (pl.col("model_class") == RiskClass.A.value))
        .then(pl.lit(RiskClass.B.value))
        .when(young & (pl.col("model_class") == RiskClass.D.value))
        .then(pl.lit(RiskClass.C.value))
        .otherwise(pl.col("model_class"))
    )
    return scored.with_columns(model_class=by_score, low_confidence=thin).with_columns(
        risk_class=held
    )
