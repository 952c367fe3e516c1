"""Simple rankers that every report shows: what nobody needs a model for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from xinheng.features.declared import expression
from xinheng.features.engine import compute
from xinheng.features.indicator import Indicator
from xinheng.features.knowledge import Source
from xinheng.features.vocabulary import DAY_US, Aggregation, latest
from xinheng.models.calibration import Floats
from xinheng.training.study import Study

NEVER_DAYS = 3650.0


def simple_rankers(study: Study, asked: pl.DataFrame, source: Source) -> Mapping[str, Floats]:
    """Scores of the test visits by the last result, the time since the last visit, and chance."""
    table = study.cohort.table
    problem = expression(study.label.condition, table, where="label").cast(pl.Int8)
    age = (pl.col("as_of") - pl.col("event_at")).dt.total_microseconds() / DAY_US
    indicators = (
        _plain("last_result", table, latest(problem)),
        _plain("days_since_last", table, latest(age)),
    )
    known = compute(indicators, asked, source)
    return {
        "last result": known["last_result"].fill_null(0).to_numpy(),
        "time since last inspection": known["days_since_last"].fill_null(NEVER_DAYS).to_numpy(),
        "random": np.zeros(asked.height),  # all tied: the mean over random orders
    }


def _plain(name: str, table: str, value: Aggregation) -> Indicator:
    return Indicator(
        id=name,
        name_zh=name,
        name_en=name,
        scope="general",
        group_l1="",
        group_l2="",
        table=table,
        value=value,
        windows_days=(0,),
        unit="",
        direction="none",
        kind="dynamic",
        rationale="baseline",
    )
