"""Steps that several commands take: score everyone, draw a list, serve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING

from xinheng.config import Home
from xinheng.errors import NotReady

if TYPE_CHECKING:
    from xinheng.decisions.alerts.run import RunReport
    from xinheng.decisions.lists import InspectionList
    from xinheng.decisions.whole import Office
    from xinheng.models.artifact import RiskModel


def live_model(home: Home, task: str = "") -> RiskModel:
    """The home's live model of a task; by default that of the general class."""
    from xinheng.models.artifact import RISK_CLASS, live_version, load_model

    folder = home.model(task or RISK_CLASS)
    return load_model(folder / live_version(folder))


def live_models(home: Home) -> dict[str, RiskModel]:
    """The live models by task; tasks without a live version are not there."""
    from xinheng.models.artifact import LIVE
    from xinheng.training.cohorts.task import task_files

    tasks = (task for task in task_files(home.tasks) if (home.model(task) / LIVE).exists())
    return {task: live_model(home, task) for task in tasks}


def warn(home: Home, as_of: datetime, *, at: datetime, on_step: Callable[[str], None]) -> RunReport:
    """Run the warning points as of a moment and keep what they raise."""
    from xinheng.decisions.alerts.points import load_points
    from xinheng.decisions.alerts.run import run_alerts
    from xinheng.decisions.alerts.store import AlertStore
    from xinheng.records.lake import Lake

    points, models = load_points(home.warning_points), live_models(home)
    with AlertStore.at(home.database_url) as store:
        return run_alerts(
            store, Lake(home.lake), points, models, home.settings.alerts,
            as_of=as_of, at=at, officer=home.settings.officer, on_step=on_step,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scored:
    """What a run of scores did."""

    as_of: datetime
    counts: Mapping[str, int]
    """Enterprises by class."""
    moves: Mapping[tuple[str, str], int]
    """Class changes by former and present class."""
    causes: Mapping[str, int]
    seconds: float


def office_of(home: Home) -> Office:
    """What the home decides by: live models, hard rules, classes and warning points.

    Raises
    ------
    NotReady
        If no model of the general class is live.
    """
    from xinheng.decisions.alerts.points import load_points
    from xinheng.decisions.hard_rules import load_rules
    from xinheng.decisions.whole import Office
    from xinheng.models.artifact import RISK_CLASS

    models = live_models(home)
    if RISK_CLASS not in models:
        models[RISK_CLASS] = live_model(home)
    points = load_points(home.warning_points)
    return Office(models, load_rules(home.hard_rules), points, home.classes)


def score_everyone(
    home: Home, as_of: datetime, *, at: datetime, on_step: Callable[[str], None]
) -> Scored:
    """Assess everyone on the register, keep the run and what changed since the one before."""
    from xinheng.decisions.changes import class_changes, touched
    from xinheng.decisions.store import DecisionStore
    from xinheng.decisions.whole import assess_whole
    from xinheng.records.freshness import freshness
    from xinheng.records.lake import Lake

    began = perf_counter()
    office, lake = office_of(home), Lake(home.lake)
    store = DecisionStore.at(home.database_url)
    before = store.standings(as_of)
    assessed = assess_whole(office, lake, as_of, before=before, on_step=on_step)
    if not assessed:
        raise NotReady(
            f"no enterprise or branch was on the register at {as_of:%Y-%m-%d %H:%M}",
            hint="is the entity table delivered, and the moment right?",
        )
    on_step("class changes")
    known = touched(lake, store.current_run().as_of, as_of) if before else frozenset()
    changes = class_changes(assessed, before, known)
    on_step("keeping the run")
    store.keep_run(
        assessed, lake_batch=lake.snapshot.number, at=at, changes=changes,
        sources=freshness(lake, as_of),
    )  # fmt: skip
    return Scored(
        as_of=as_of,
        counts=store.class_counts(),
        moves=Counter((one.former, one.present) for one in changes),
        causes=Counter(one.cause for one in changes),
        seconds=perf_counter() - began,
    )


def draw_list(home: Home, *, top: int, officer: str, at: datetime) -> InspectionList:
    """Draw from the current run and keep the list."""
    from xinheng.decisions.lists import draw
    from xinheng.decisions.store import DecisionStore

    store = DecisionStore.at(home.database_url)
    drawn = draw(store.riskiest(top), top=top, officer=officer or home.settings.officer, at=at)
    store.keep_list(drawn)
    return drawn
