"""The unit of a night's work: the enterprises of one bucket, assessed wherever the part runs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from xinheng.config import Home
from xinheng.decisions.assess import Assessment
from xinheng.decisions.causes.explain import World, class_changes
from xinheng.decisions.causes.news import news_of
from xinheng.decisions.causes.shares import ClassChange
from xinheng.decisions.changes import inherited
from xinheng.decisions.gathered import indicators_of
from xinheng.decisions.kept.rows import ASSESSED, kept_row
from xinheng.decisions.night.plan import Plan, read_plan, standings_of
from xinheng.decisions.office import Office, office_of
from xinheng.decisions.whole import assess_part
from xinheng.errors import NotReady
from xinheng.features.catalogue import feature_columns
from xinheng.features.indicator import FeatureColumn
from xinheng.features.others.others import Others
from xinheng.features.source import Bucket
from xinheng.records.lake import Lake

CHANGED: dict[str, pl.DataType] = {
    "former": pl.String(), "cause": pl.String(), "change": pl.String(),
}  # fmt: skip
"""Of enterprises whose class is another than before, the last as JSON; null for all others."""
TOLD: dict[str, pl.DataType] = {"low_confidence": pl.Boolean(), "known_duties": pl.Int64()}
"""For the report."""


@dataclass(frozen=True, slots=True)
class PartTask:
    """One bucket of a plan, and where its assessments go."""

    home: Path
    folder: Path
    """Of the plan."""
    bucket: int
    to: Path


def assess_bucket(task: PartTask) -> int:
    """Assess the enterprises of one bucket, whole or not at all; how many they are."""
    plan = read_plan(task.folder)
    assert plan is not None
    office, lake, around = _surroundings(task.home, task.folder, plan)
    source = Bucket(lake, task.bucket)
    before = inherited(standings_of(task.folder, plan), lake.successions(), plan.as_of)
    assessed = assess_part(office, source, plan.as_of, around, before=before)
    changes = class_changes(_world(task.folder, plan, office, lake, around[0]), assessed, before)
    scratch = task.to.with_suffix(f".{os.getpid()}.new")
    _frame(assessed, changes).write_parquet(scratch)
    scratch.replace(task.to)
    return len(assessed)


def columns_by_group(office: Office) -> list[tuple[FeatureColumn, ...]]:
    """What each group of models that agree reads."""
    return [feature_columns(indicators_of(group)) for group in office.groups]


def others_at(folder: Path, number: int) -> Path:
    """Where lies what is known of all others, for a group of models."""
    return folder / f"others-{number}"


def news_at(folder: Path) -> Path:
    """Where lies who had news since the run before."""
    return folder / "news.parquet"


def _world(folder: Path, plan: Plan, office: Office, lake: Lake, others: Others) -> World:
    """What class changes are explained by; the general model is of the first group."""
    path = news_at(folder)
    news = news_of(pl.read_parquet(path, glob=False)) if path.exists() else {}
    return World(
        office=office, lake=lake, as_of=plan.as_of, others=others, until=plan.as_of, news=news
    )


@lru_cache(maxsize=1)
def _surroundings(home: Path, folder: Path, plan: Plan) -> tuple[Office, Lake, list[Others]]:
    """What all parts of a process share."""
    own = Home.at(home)
    office = office_of(own)
    if office.meaning != plan.decides:
        raise NotReady("models or rules changed during the run", hint="run it again")
    lake = Lake(own.lake).at_batch(plan.lake_batch)
    around = [
        Others.load(others_at(folder, number), lake, columns)
        for number, columns in enumerate(columns_by_group(office))
    ]
    return office, lake, around


def _frame(assessed: Sequence[Assessment], changes: Sequence[ClassChange]) -> pl.DataFrame:
    by_uscc = {one.uscc: one for one in changes}
    rows = []
    for one in assessed:
        change = by_uscc.get(one.uscc)
        rows.append(
            kept_row(one)
            | {"former": change and change.former, "cause": change and change.cause}
            | {"change": change and json.dumps(change.as_json())}
            | {"low_confidence": one.low_confidence, "known_duties": len(one.obligations)}
        )
    return pl.DataFrame(rows, schema={**ASSESSED, **CHANGED, **TOLD})
