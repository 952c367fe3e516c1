"""From a task's name to a kept and recorded version: what `xinheng models train` does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl

from xinheng.config import Home
from xinheng.features.store.work import dask_client
from xinheng.training.cohorts.cohort import DAY, PERIOD
from xinheng.training.cohorts.material import Material, Step, material_of
from xinheng.training.cohorts.task import Settings, Task, load_task
from xinheng.training.control.tracking import record_run, record_trial
from xinheng.training.control.versions import keep
from xinheng.training.fitting.cluster import on_cluster
from xinheng.training.fitting.fit import Boost, fit_booster
from xinheng.training.fitting.origins import NAMES, means, origin_figures
from xinheng.training.fitting.train import Trained, train
from xinheng.training.fitting.tune import GOAL, Tuned, tune, tuned_settings
from xinheng.training.judging.evaluate import Figure


@dataclass(frozen=True, slots=True)
class Wish:
    """How a version is trained."""

    until: datetime | None = None
    days: int | None = None
    """Only the last days of the training period."""
    trials: int | None = None
    engine: str = "local"
    scheduler: str = ""
    own_settings: bool = False
    """The task's own, although a search found others."""


@dataclass(frozen=True, slots=True)
class Done:
    """A version that is kept, and what is told of its training."""

    trained: Trained
    folder: Path
    run_id: str
    text: str


def train_task(
    home: Home, name: str, wish: Wish, *, at: datetime, on_step: Step = lambda _: None
) -> Done:
    """Train, keep and record a version; nothing goes live and the test period is not read."""
    task = load_task(name, home.tasks)
    if wish.trials:
        search(home, name, wish.trials, wish.until, on_step=on_step)
    found = None if wish.own_settings else tuned_settings(home.tuned, task)
    settings = found or task.settings
    material = _shortened(material_of(home, task, wish.until, on_step), wish.days)
    facts = {
        "trained_at": at.isoformat(),
        "engine": wish.engine,
        "settings_from": "a search" if found else "the task",
    }
    with _boost(wish, on_step) as boost:
        trained = train(
            material, home.classes, facts=facts, settings=settings, boost=boost, on_step=on_step
        )
    on_step("keeping the version")
    folder = keep(trained, home)
    told = origin_figures(trained.unseen, capacity=task.capacity, seed=settings.seed)
    run_id = record_run(
        home.mlruns,
        experiment=task.name,
        model=trained.model,
        model_folder=folder,
        parameters=settings.model_dump() | {"engine": wish.engine},
        figures={f"origins_{key}": value for key, value in means(told).items()},
    )
    return Done(trained, folder, run_id, _text(trained, task, told, folder))


def search(
    home: Home, name: str, trials: int, until: datetime | None, *, on_step: Step = lambda _: None
) -> Tuned:
    """Search settings for a task; each trial is an MLflow run of the task's own experiment."""
    task = load_task(name, home.tasks)
    material = material_of(home, task, until, on_step)

    def on_trial(number: int, settings: Settings, value: float | None) -> None:
        record_trial(
            home.mlruns,
            experiment=f"{task.name} tuning",
            number=number,
            parameters=settings.model_dump(),
            figures={} if value is None else {f"origins_{GOAL}": value},
        )

    return tune(material, home.tuned, trials=trials, on_trial=on_trial, on_step=on_step)


def _shortened(material: Material, days: int | None) -> Material:
    """Without the training rows before the last days of the training period."""
    if days is None:
        return material
    last = material.of("train")[0][DAY].max()
    first = pl.lit(last) - timedelta(days=days - 1)
    early = (pl.col(PERIOD) == "train") & (pl.col(DAY) < first)
    cut = pl.when(early).then(None).otherwise(PERIOD).alias(PERIOD)
    return replace(material, visits=material.visits.with_columns(cut))


@contextmanager
def _boost(wish: Wish, on_step: Step) -> Iterator[Boost]:
    """How boosters are fitted."""
    if wish.engine == "local":
        yield partial(fit_booster, on_step=on_step)
        return
    with dask_client(wish.scheduler) as client:
        yield on_cluster(client)


def _text(trained: Trained, task: Task, told: Sequence[dict[str, Figure]], folder: Path) -> str:
    facts, calibration = trained.model.facts, trained.model.calibration
    lines = [
        f"{task.title_zh}  {task.title_en}",
        (
            f"{facts['rows']:,} rows of {facts['data_window']}, {facts['problems']:,} problems; "
            f"settings of {facts['settings_from']}; calibration: {calibration.kind}"
        ),
        "rolling origins " + "".join(f"{name:>24}" for name in NAMES),
    ]
    for number, one in enumerate(told, start=1):
        lines.append(f"{number:<16}" + "".join(f"{one[name].value:>24.3f}" for name in NAMES))
    mean = means(told)
    lines.append(f"{'mean':<16}" + "".join(f"{mean[name]:>24.3f}" for name in NAMES))
    return "\n".join([*lines, f"version {trained.model.version}  {folder}"])
