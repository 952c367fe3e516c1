"""Settings by search: Optuna over rolling origins inside the training period, never the test."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.trial import Trial, TrialState

from xinheng.errors import NotReady
from xinheng.models.artifact import matrix
from xinheng.training.cohorts.material import Material
from xinheng.training.cohorts.task import Settings, Task
from xinheng.training.fitting.fit import (
    Target,
    Unseen,
    folds_of,
    out_of_time,
    usable_columns,
)
from xinheng.training.fitting.origins import origin_figures

GOAL = "average_precision"
"""What a search makes large: the mean over the origins."""
WARM_UP = 5
"""Trials before any is given up early."""
OnTrial = Callable[[int, Settings, float | None], None]


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a search found."""

    settings: Settings
    value: float
    trials: int
    pruned: int


def tune(
    material: Material,
    folder: Path,
    *,
    trials: int,
    on_trial: OnTrial = lambda *_: None,
    on_step: Callable[[str], None] = lambda _: None,
) -> Tuned:
    """Search until so many trials are done; a search that was broken off goes on.

    Trials are kept in `folder`. The first trial is the task's own settings, so the outcome is
    never worse than those on the same origins. A trial that falls behind the median of the
    others at an origin is given up.

    Parameters
    ----------
    on_trial
        Told of each finished trial: number, settings and goal, None if it was given up.

    Raises
    ------
    NotReady
        If the goal could be computed in no trial.
    """
    task = material.asked
    assert isinstance(task, Task)
    logging.getLogger("optuna").setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=f"sqlite:///{(folder / f'{task.name}.db').resolve()}",
        study_name=_name(material, task),
        direction="maximize",
        sampler=TPESampler(seed=task.settings.seed, n_startup_trials=8),
        pruner=MedianPruner(n_startup_trials=WARM_UP),
        load_if_exists=True,
    )
    ended = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    if not study.get_trials(states=(*ended, TrialState.WAITING)):
        study.enqueue_trial(_as_asked(task.settings))
    search = _Search(material, task)
    while len(study.get_trials(states=ended)) < trials:
        number = len(study.get_trials(states=ended)) + 1
        on_step(f"trial {number} of {trials}")
        study.optimize(search, n_trials=1)
        last = study.trials[-1]
        done = last.state == TrialState.COMPLETE
        on_trial(last.number, _settings(task.settings, last.params), last.value if done else None)
    if not study.get_trials(states=(TrialState.COMPLETE,)):
        raise NotReady(
            f"{task.name}: too few problems to search with: in none of {trials} trials was there "
            "a stretch of the training period with both outcomes",
            hint="train with the task's own settings, or once more records are there",
        )
    pruned = len(study.get_trials(states=(TrialState.PRUNED,)))
    best = _settings(task.settings, study.best_params)
    found = Tuned(best, float(study.best_value), len(study.get_trials(states=ended)), pruned)
    _keep(folder, task, found)
    return found


def tuned_settings(folder: Path, task: Task) -> Settings | None:
    """What a search found for a task; None: there was none."""
    path = folder / f"{task.name}.json"
    if not path.exists():
        return None
    return Settings.model_validate(json.loads(path.read_text(encoding="utf-8"))["settings"])


class _Search:
    """One trial after another on the same rows."""

    def __init__(self, material: Material, task: Task) -> None:
        rows, features = material.of("train")
        self._task = task
        self._folds = folds_of(task, rows, task.settings)
        self._used = usable_columns(material.columns, features)
        self._numbers = matrix(features, [column.name for column in self._used])
        self._target = Target.of(rows, task)

    def __call__(self, trial: Trial) -> float:
        settings = _settings(self._task.settings, _suggested(trial))
        values: list[float] = []
        stretches = out_of_time(self._numbers, self._target, self._folds, self._used, settings)
        for rows, raw in stretches:
            one = Unseen(rows, self._target.take(rows), raw)
            told = origin_figures(
                [one], capacity=self._task.capacity, seed=settings.seed, names=(GOAL,), resamples=1
            )
            values += [figures[GOAL].value for figures in told]
            if not values:
                continue
            trial.report(float(np.mean(values)), len(values))
            if trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(values)) if values else float("nan")


def _suggested(trial: Trial) -> dict[str, int | float]:
    return {
        "trees": trial.suggest_int("trees", 100, 600, step=50),
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.1, log=True),
        "leaves": trial.suggest_int("leaves", 4, 32),
        "min_rows_in_leaf": trial.suggest_int("min_rows_in_leaf", 10, 200, log=True),
        "feature_share": trial.suggest_float("feature_share", 0.2, 1.0),
        "row_share": trial.suggest_float("row_share", 0.5, 1.0),
        "l2": trial.suggest_float("l2", 0.1, 100.0, log=True),
    }


def _as_asked(settings: Settings) -> dict[str, int | float]:
    names = (
        "trees",
        "learning_rate",
        "leaves",
        "min_rows_in_leaf",
        "feature_share",
        "row_share",
        "l2",
    )
    return {name: getattr(settings, name) for name in names}


def _settings(own: Settings, chosen: dict[str, int | float]) -> Settings:
    return Settings.model_validate(own.model_dump() | chosen)


def _name(material: Material, task: Task) -> str:
    """Trials on other records or rows are another search."""
    rows, _ = material.of("train")
    return f"{task.name}, lake batch {material.lake.snapshot.number}, {rows.height} rows"


def _keep(folder: Path, task: Task, found: Tuned) -> None:
    told = {
        "settings": found.settings.model_dump(),
        "goal": GOAL,
        "value": found.value,
        "trials": found.trials,
        "given_up": found.pruned,
    }
    scratch = folder / f".{task.name}.json"
    scratch.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    scratch.replace(folder / f"{task.name}.json")
