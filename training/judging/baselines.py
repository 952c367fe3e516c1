"""Simple rankers that every report shows: what nobody needs a model for."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from xinheng.features.declared import expression
from xinheng.features.engine.compute import compute
from xinheng.features.indicator import Indicator
from xinheng.features.source import Source
from xinheng.features.vocabulary import latest
from xinheng.features.vocabulary.fold import Aggregation
from xinheng.models.calibration import Floats
from xinheng.records.frames import DAY_US
from xinheng.records.tables import MOMENT, tables
from xinheng.training.cohorts.task import Asked

NEVER_DAYS = 3650


def simple_rankers(study: Asked, asked: pl.DataFrame, source: Source) -> Mapping[str, Floats]:
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


def _told_by_record(study: Asked) -> bool:
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


class ScoreItem(BaseModel):
    """Points of one column: those of the highest value of `at` that is reached."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    at: tuple[float, ...]
    points: tuple[float, ...]


@cache
def scorecard() -> tuple[ScoreItem, ...]:
    """The expert scorecard, `scorecard.toml`: weighted points as cities use them today."""
    text = files("xinheng.training.judging").joinpath("scorecard.toml").read_text(encoding="utf-8")
    return tuple(ScoreItem.model_validate(one) for one in tomllib.loads(text)["item"])


def scorecard_points(features: pl.DataFrame) -> Floats:
    """Points of the items whose columns are there; what is not known gives none."""
    there = [item for item in scorecard() if item.column in features.columns]
    total = np.zeros(features.height)
    for item in there:
        steps = np.searchsorted(item.at, features[item.column].fill_null(-np.inf), side="right")
        total += np.array([0.0, *item.points])[steps]
    return total


def fit_logistic(numbers: Floats, label: Floats, weight: Floats, *, seed: int) -> Pipeline:
    """Regularised logistic regression; what is not known is the median, and marked."""
    model = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
        LogisticRegression(C=0.01, max_iter=2_000, random_state=seed),
    )
    return model.fit(numbers, label, logisticregression__sample_weight=weight)
