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


def warn(home: Home, as_of: datetime, *, at: datetime, on_step: Callable[[str], None]) -> RunReport:
    """Run the warning points as of a moment and keep what they raise."""
    from xinheng.decisions.alerts.points import load_points
    from xinheng.decisions.alerts.run import run_alerts
    from xinheng.decisions.alerts.store import AlertStore
    from xinheng.decisions.office import live_models
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


def score_everyone(
    home: Home, as_of: datetime, *, at: datetime, on_step: Callable[[str], None]
) -> Scored:
    """Assess everyone on the register, keep the run and what changed since the one before."""
    from xinheng.decisions.changes import class_changes, touched
    from xinheng.decisions.kept.store import DecisionStore
    from xinheng.decisions.office import office_of
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
    from xinheng.decisions.kept.store import DecisionStore
    from xinheng.decisions.lists import draw

    store = DecisionStore.at(home.database_url)
    drawn = draw(store.riskiest(top), top=top, officer=officer or home.settings.officer, at=at)
    store.keep_list(drawn)
    return drawn
