"""Simple rankers that every report shows: what nobody needs a model for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from xinheng.features.declared import expression
from xinheng.features.engine.compute import compute
from xinheng.features.indicator import Indicator
from xinheng.features.source import Source
from xinheng.features.vocabulary import latest
from xinheng.features.vocabulary.fold import Aggregation
from xinheng.models.calibration import Floats
from xinheng.records.frames import DAY_US
from xinheng.records.tables import MOMENT
from xinheng.training.study import Study

NEVER_DAYS = 3650


def simple_rankers(study: Study, asked: pl.DataFrame, source: Source) -> Mapping[str, Floats]:
    """Scores of the test visits by the last result, the time since the last visit, and chance."""
    table = study.cohort.table
    problem = expression(study.label.problem, table, where="label").cast(pl.Int8)
    indicators = (
        _plain("last_result", table, latest(problem)),
        _plain("last_event", table, latest(pl.col("event_at").to_physical())),
    )
    known = compute(indicators, asked, source)
    now = asked["as_of"].cast(MOMENT).to_physical()
    age = (now - known["last_event"]).fill_null(NEVER_DAYS * DAY_US)
    return {
        "last result": known["last_result"].fill_null(0).to_numpy(),
        "time since last inspection": age.cast(pl.Float64).to_numpy(),
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
