"""The versions of a task on disk: the model, what it foretold, its reference, its evaluation."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from xinheng.config import Home
from xinheng.errors import NotReady, Refused, UnknownName
from xinheng.models.artifact import DESCRIBED, RiskModel, load_model, save_model
from xinheng.training.cohorts.task import Task, load_task, task_files
from xinheng.training.fitting.train import Trained

EVALUATION, REFERENCE = "evaluation.json", "reference.parquet"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a task's model, as its folder tells it without loading the booster."""

    name: str
    folder: Path
    facts: Mapping[str, Any]
    is_evaluated: bool

    @property
    def task(self) -> str:
        return task_of(self.name)


def task_of(version: str) -> str:
    """The task of a version, from its name `TASK-DIGEST`."""
    return version.rsplit("-", 1)[0]


def definition_of(home: Home, name: str) -> Task:
    """The task of a version.

    Raises
    ------
    Refused
        If the home has no such task: a study's version was tested as the study ran.
    """
    task = task_of(name)
    if task not in task_files(home.tasks):
        raise Refused(
            f"{name} is of {task}, which is no task of this home",
            hint="a study reads its test period as it runs; `xinheng study run` prints it",
        )
    return load_task(task, home.tasks)


def keep(trained: Trained, home: Home) -> Path:
    """Save a trained version with its reference population; the version's folder."""
    folder = save_model(trained.model, home.model(task_of(trained.model.version)))
    scratch = folder / f".{REFERENCE}"
    trained.reference.write_parquet(scratch)
    scratch.replace(folder / REFERENCE)
    return folder


def versions(home: Home, task: str = "") -> list[Version]:
    """The versions of a task, or of all, by task and by name."""
    found = [_version(path.parent) for path in sorted(home.models.glob(f"*/*/{DESCRIBED}"))]
    return [one for one in found if not task or one.task == task]


def version(home: Home, name: str) -> Version:
    """One version by its name.

    Raises
    ------
    UnknownName
        If there is no such version.
    """
    known = {one.name: one for one in versions(home)}
    if name not in known:
        raise UnknownName("model version", name, known)
    return known[name]


def model_of(home: Home, name: str) -> RiskModel:
    """The model of a version."""
    return load_model(version(home, name).folder)


def reference_of(one: Version) -> pl.DataFrame:
    """Scores and features of everyone on the register on the version's reference date.

    Raises
    ------
    NotReady
        If it was not kept: the version comes from a study.
    """
    path = one.folder / REFERENCE
    if not path.exists():
        raise NotReady(
            f"{one.name} has no reference population", hint="train it with `xinheng models train`"
        )
    return pl.read_parquet(path, glob=False)


def keep_evaluation(one: Version, told: Mapping[str, Any], *, at: datetime) -> None:
    """Write down what the test period said; it is not read again."""
    whole = plain({**told, "read_at": at.isoformat()})
    text = json.dumps(whole, ensure_ascii=False, indent=2, allow_nan=False)
    scratch = one.folder / f".{EVALUATION}"
    scratch.write_text(text + "\n", encoding="utf-8")
    scratch.replace(one.folder / EVALUATION)


def plain(told: Any) -> Any:
    """What JSON can say: a number that does not exist is null, a moment its ISO text."""
    if isinstance(told, Mapping):
        return {str(key): plain(value) for key, value in told.items()}
    if isinstance(told, list | tuple):
        return [plain(value) for value in told]
    if isinstance(told, datetime):
        return told.isoformat()
    return None if isinstance(told, float) and math.isnan(told) else told


def evaluation_of(one: Version) -> dict[str, Any]:
    """What the test period said of a version.

    Raises
    ------
    NotReady
        If it has not been evaluated.
    """
    path = one.folder / EVALUATION
    if not path.exists():
        raise NotReady(
            f"{one.name} has not been evaluated", hint=f"xinheng models evaluate {one.name}"
        )
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told


def _version(folder: Path) -> Version:
    told = json.loads((folder / DESCRIBED).read_text(encoding="utf-8"))
    return Version(told["version"], folder, told["facts"], (folder / EVALUATION).exists())
