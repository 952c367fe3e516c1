"""A night: plan, what is known of others, the parts, one run of everyone, the alerts, a report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from xinheng.config import Home
from xinheng.decisions.alerts.run import RunReport, run_alerts
from xinheng.decisions.alerts.store import AlertStore
from xinheng.decisions.causes.news import news_since
from xinheng.decisions.causes.past import Cut
from xinheng.decisions.causes.shares import ClassChange
from xinheng.decisions.kept.everyone import keep_everyone
from xinheng.decisions.kept.keeping import RunHead
from xinheng.decisions.kept.store import DecisionStore
from xinheng.decisions.night.part import (
    PartTask,
    assess_bucket,
    columns_by_group,
    news_at,
    others_at,
)
from xinheng.decisions.night.plan import FOLDER, Plan, begun
from xinheng.decisions.night.report import NightReport, counted, silent
from xinheng.decisions.office import Office, office_of
from xinheng.errors import Busy, NotReady
from xinheng.features.others.others import Others
from xinheng.features.others.traces import Needs
from xinheng.features.store.work import Steps, Where, run_tasks
from xinheng.records.freshness import freshness
from xinheng.records.lake import Lake

On = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which night, and how."""

    as_of: datetime | None = None
    """What was known by then; by default now, or what an unfinished run of this day began with."""
    engine: Where = "local"
    scheduler: str = ""
    processes: int = 1
    fresh: bool = False
    """Forget an unfinished run."""
    alerts: bool = True


def run_night(
    home: Home,
    wish: Wish,
    *,
    at: datetime,
    stopwatch: Callable[[], float],
    on_step: On = lambda _: None,
) -> NightReport:
    """Assess everyone on the register by all live models, and raise what is to be raised.

    Broken off anywhere, the next run of the same day, or of the same moment, goes on with it.

    Parameters
    ----------
    stopwatch
        Seconds since any moment, for the report.

    Raises
    ------
    Busy
        If another run is going on.
    NotReady
        If no model of the general class is live, or nobody is on the register.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.root / f"{FOLDER}.lock", timeout=0)
    try:
        with lock, closing(DecisionStore.at(home.database_url)) as store:
            laps = _Laps(stopwatch)
            return _night(home, wish, store, at=at, laps=laps, on_step=on_step)
    except Timeout:
        raise Busy("another run of everyone is going on", hint="wait for its end") from None


def _night(
    home: Home, wish: Wish, store: DecisionStore, *, at: datetime, laps: _Laps, on_step: On
) -> NightReport:
    office, lake = office_of(home), Lake(home.lake)
    folder = home.root / FOLDER
    if wish.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    plan, lake = begun(folder, office, lake, store, as_of=wish.as_of, at=at)
    parts = plan.parts(folder, lake.buckets)
    done = sum(path.exists() for path in parts)
    if done:
        on_step(f"{done:,} of {len(parts):,} parts are there already")
    _others(folder, office, lake, plan, on_step)
    laps.end("others")
    _assess(home, folder, parts, wish, on_step)
    laps.end("assessments")
    on_step("keeping the run")
    sources = freshness(lake, plan.as_of)
    run_id = _keep(store, plan, parts, office, sources, at)
    laps.end("keeping")
    alerts, why_not = None, "not wanted"
    if wish.alerts:
        alerts, why_not = _alerts(home, office, lake, plan, at=at, on_step=on_step)
    laps.end("alerts")
    report = NightReport(
        run_id=run_id, as_of=plan.as_of, lake_batch=plan.lake_batch,
        models={task: model.version for task, model in office.models.items()},
        **counted(parts), sources=sources, silent=silent(office, lake, plan.as_of),
        parts=len(parts), gone_on_with=done, seconds=laps.seconds, alerts=alerts, no_alerts=why_not,
    )  # fmt: skip
    store.report(run_id, report.as_json())
    shutil.rmtree(folder)
    return report


class _Laps:
    """How long each step took."""

    def __init__(self, stopwatch: Callable[[], float]) -> None:
        self.seconds: dict[str, float] = {}
        self._stopwatch, self._last = stopwatch, stopwatch()

    def end(self, name: str) -> None:
        now = self._stopwatch()
        self.seconds[name] = round(now - self._last, 1)
        self._last = now


def _others(folder: Path, office: Office, lake: Lake, plan: Plan, on_step: On) -> None:
    """Keep what is known of all others, and who had news, where every process finds it."""
    for number, columns in enumerate(columns_by_group(office)):
        own = others_at(folder, number)
        if not own.exists():
            Others.of(lake, columns, plan.as_of, on_step=on_step).save(own)
    path = news_at(folder)
    if plan.since is not None and not path.exists():
        tied_by = Needs.of(columns_by_group(office)[0]).sought.tied_by
        since = Cut(plan.since, plan.former_batch)
        news_since(lake, since, plan.as_of, tied_by).write_parquet(path)


def _assess(home: Home, folder: Path, parts: Sequence[Path], wish: Wish, on_step: On) -> None:
    tasks = [
        PartTask(home.root.resolve(), folder.resolve(), bucket, path.resolve())
        for bucket, path in enumerate(parts)
        if not path.exists()
    ]
    run_tasks(
        assess_bucket, tasks, engine=wish.engine, scheduler=wish.scheduler,
        processes=wish.processes, on_done=Steps(on_step, len(tasks), "enterprises, part"),
    )  # fmt: skip


def _keep(
    store: DecisionStore,
    plan: Plan,
    parts: Sequence[Path],
    office: Office,
    sources: Mapping[str, str],
    at: datetime,
) -> int:
    """Keep the run, unless a night that was broken off later had kept it."""
    last = store.last_run()
    if last and last.run_id > plan.former_run and last.as_of == plan.as_of:
        return last.run_id
    changed = pl.scan_parquet(list(parts), glob=False).filter(pl.col("former").is_not_null())
    told = changed.select("uscc", "change").sort("uscc").collect()["change"]
    changes = [ClassChange.of_json(json.loads(one)) for one in told]
    assessed = int(pl.scan_parquet(list(parts), glob=False).select(pl.len()).collect().item())
    if assessed == 0:
        raise NotReady(
            f"no enterprise or branch was on the register at {plan.as_of:%Y-%m-%d %H:%M}",
            hint="is the entity table delivered, and the moment right?",
        )
    head = RunHead(
        as_of=plan.as_of, model_version=office.general.version, lake_batch=plan.lake_batch,
        at=at, assessed=assessed, sources=sources, ruling=office.ruling,
    )  # fmt: skip
    return keep_everyone(store.engine, lambda: _frames(parts), head, changes)


def _frames(parts: Sequence[Path]) -> Iterator[pl.DataFrame]:
    for path in parts:
        yield pl.read_parquet(path, glob=False)


def _alerts(
    home: Home, office: Office, lake: Lake, plan: Plan, *, at: datetime, on_step: On
) -> tuple[RunReport | None, str]:
    """What is to be raised at the night's moment, or why nothing was looked for."""
    with AlertStore.at(home.database_url) as store:
        before = store.last_run()
        if before is not None and plan.as_of <= before.as_of:
            return None, f"alerts were run as of {before.as_of:%Y-%m-%d %H:%M} UTC already"
        told = run_alerts(
            store, lake, office.points, office.models, home.settings.alerts,
            as_of=plan.as_of, at=at, officer=home.settings.officer, on_step=on_step,
        )  # fmt: skip
        return told, ""
