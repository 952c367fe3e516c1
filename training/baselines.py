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
from xinheng.records.tables import MOMENT, tables
from xinheng.training.study import Study

NEVER_DAYS = 3650


def simple_rankers(study: Study, asked: pl.DataFrame, source: Source) -> Mapping[str, Floats]:
    """Scores of the test visits by the last result, the time since the last visit, and chance."""
    table = study.cohort.table
    last = [_plain("last_event", table, latest(pl.col("event_at").to_physical()))]
    if _told_by_record(study):
        problem = expression(study.label.problem, table, where="label").cast(pl.Int8)
        last.append(_plain("last_result", table, latest(problem)))
    known = compute(last, asked, source)
    now = asked["as_of"].cast(MOMENT).to_physical()
    age = (now - known["last_event"]).fill_null(NEVER_DAYS * DAY_US)
    since = "inspection" if table == "inspection" else "record"
    found = {
        f"time since last {since}": age.cast(pl.Float64).to_numpy(),
        "random": np.zeros(asked.height),  # all tied: the mean over random orders
    }
    if "last_result" not in known.columns:
        return found
    return {"last result": known["last_result"].fill_null(0).to_numpy()} | found


def _told_by_record(study: Study) -> bool:
    """Whether the label stands in the record itself; one of a listing is not known of others."""
    named = pl.sql_expr(study.label.problem).meta.root_names()
    return set(named) <= set(tables()[study.cohort.table].schema)


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
