"""What a model is made from: rows asked about, their labels, and the numbers known at each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import numpy as np
import polars as pl

from xinheng.config import Home, TrainSettings
from xinheng.domain import ZONE
from xinheng.features.catalogue import feature_columns, version_of
from xinheng.features.declared import Inputs
from xinheng.features.engine.compute import compute
from xinheng.features.indicator import FeatureColumn
from xinheng.records.lake import Lake
from xinheng.training.cohorts.cohort import HONEST, PERIOD, task_cohort
from xinheng.training.cohorts.enough import need_enough
from xinheng.training.cohorts.task import Asked, Task

Step = Callable[[str], None]
"""Told what is being done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Rows asked about, of both periods, and their features in the same order."""

    asked: Asked
    lake: Lake
    visits: pl.DataFrame
    features: pl.DataFrame
    columns: tuple[FeatureColumn, ...]
    inputs: Inputs
    zone: str
    until: datetime
    """Outcomes were read by then."""

    def of(self, period: str, *, honest: bool = False) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Rows and features of one period; with `honest` those of which figures are told."""
        chosen = (self.visits[PERIOD] == period).fill_null(value=False)
        if honest:
            chosen &= self.visits[HONEST]
        return self.visits.filter(chosen), self.features.filter(chosen)


def task_material(
    task: Task,
    lake: Lake,
    kept: Path,
    until: datetime,
    *,
    least: TrainSettings | None = None,
    on_step: Step = lambda _: None,
) -> Material:
    """Rows of a task that had matured by `until`, with what was known at each.

    The features are kept in the folder `kept` under a name made from the state of the lake, the
    catalogue and the question, and read from there the next time.

    Raises
    ------
    NotReady
        If the training period is too thin to learn from.
    """
    on_step("who is asked about, and what became of it")
    visits = task_cohort(task, lake, str(ZONE), until)
    need_enough(visits, task, least or TrainSettings())
    indicators = task.inputs.indicators()
    question = visits.select("uscc", "as_of")
    path = kept / f"{task.name}-{_name(lake, version_of(indicators), question)}.parquet"
    if path.exists():
        on_step(f"indicators of {question.height:,} rows, read from {path.name}")
        features = pl.read_parquet(path, glob=False)
    else:
        told = f"indicators of {question.height:,} rows: "
        features = compute(indicators, question, lake, on_step=lambda s: on_step(told + s))
        kept.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(".new")
        features.write_parquet(scratch)
        scratch.replace(path)
    return Material(
        asked=task,
        lake=lake,
        visits=visits,
        features=features,
        columns=feature_columns(indicators),
        inputs=task.inputs,
        zone=str(ZONE),
        until=until,
    )


def material_of(home: Home, task: Task, until: datetime | None, on_step: Step) -> Material:
    """The rows and features of a task, kept in the home's feature folder."""
    lake = Lake(home.lake)
    kept = home.features / "training"
    return task_material(
        task, lake, kept, until or lake.known_until(), least=home.settings.training,
        on_step=on_step,
    )  # fmt: skip


def _name(lake: Lake, catalogue: str, question: pl.DataFrame) -> str:
    """Sixteen characters that change when any feature could."""
    asked = question.hash_rows(seed=1).to_numpy()
    said = json.dumps([lake.snapshot.number, catalogue, question.height])
    return blake2b(said.encode() + np.ascontiguousarray(asked).tobytes(), digest_size=8).hexdigest()
