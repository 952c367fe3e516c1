"""Is everything there that a deployment needs, and what to do where it is not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from xinheng.config import Home
from xinheng.database import open_database
from xinheng.decisions.age import Age
from xinheng.decisions.alerts.points import load_points
from xinheng.decisions.alerts.store import AlertStore
from xinheng.decisions.hard_rules import load_rules
from xinheng.decisions.kept.store import DecisionStore
from xinheng.domain import ZONE
from xinheng.errors import XinhengError
from xinheng.models.artifact import LIVE, RISK_CLASS, live_version, load_model
from xinheng.models.promotions import Promotions
from xinheng.records.codes.deployment import codes_of
from xinheng.records.duties.workdays import workdays_of
from xinheng.records.inbox.store import InboxStore
from xinheng.records.lake import Lake
from xinheng.serving.delivery.store import Outbox

OLD = timedelta(days=7)
SLOW = timedelta(minutes=5)
"""A record that waits longer is not being taken."""
NOTICE_MONTH = 11
"""By this month the notice on the holidays of the next year is out."""
LEAST_FREE = 2 * 1024**3
"""Bytes; a night's run of a large city writes about as much."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    is_well: bool
    told: str
    remedy: str = ""
    """What to do; empty where nothing is to be done."""
    is_missing: bool = False
    """Not there at all: nothing can be answered without it."""
    is_stale: bool = False
    """There, but too old to act on."""


Looks = tuple[Callable[[Home, datetime], Iterator[Check]], ...]


def examine(home: Home, *, at: datetime) -> list[Check]:
    """Look at everything; a fault in one does not hide the others. No home is made by looking."""
    looks = (
        _lake,
        _database,
        _models,
        _rules,
        _codes,
        _calendar,
        _scores,
        _alerts,
        _inbox,
        _disk,
    )
    return _examined(looks, home, at)


def missing(home: Home, *, at: datetime) -> list[Check]:
    """What a server cannot answer without, and what makes its answers uncertain.

    It needs lake, database, scores and the model of the class; those have `is_missing`. Without
    the calendar of a year it answers, but some deadlines may move; stale scores have `is_stale`.
    """
    looks = (_lake, _database, _general, _scores, _calendar)
    found = _examined(looks, home, at)
    notes = [one for one in found if one.name == "calendar" and not one.is_well]
    return [one for one in found if one.is_missing or one.is_stale or one in notes]


def _examined(looks: Looks, home: Home, at: datetime) -> list[Check]:
    if not home.root.is_dir():
        told = f"there is no home at {home.root}"
        remedy = "name it with --home; `xinheng demo` or `xinheng records ingest` makes one"
        return [Check("home", is_well=False, told=told, remedy=remedy, is_missing=True)]
    return [check for look in looks for check in _looked(look, home, at)]


def _looked(
    look: Callable[[Home, datetime], Iterator[Check]], home: Home, at: datetime
) -> Iterator[Check]:
    name = look.__name__.strip("_")
    try:
        yield from look(home, at)
    except XinhengError as fault:
        yield Check(name, is_well=False, told=fault.message, remedy=fault.hint, is_missing=True)
    except SQLAlchemyError as fault:
        told = f"the database fails: {str(fault).splitlines()[0]}"
        yield Check(name, is_well=False, told=told, remedy="is it running?", is_missing=True)


def _lake(home: Home, at: datetime) -> Iterator[Check]:
    lake = Lake(home.lake)
    newest = lake.known_until()
    told = f"{lake.batches().height:,} batches, the newest record of {newest:%Y-%m-%d %H:%M} UTC"
    if newest > at.astimezone(UTC):
        yield Check("clock", is_well=False, told=told, remedy="this clock, or a source's, is wrong")
    is_fresh = newest > at.astimezone(UTC) - OLD
    remedy = "" if is_fresh else "has a source fallen silent? run `xinheng records ingest`"
    yield Check("lake", is_well=is_fresh, told=told, remedy=remedy)


def _codes(home: Home, _: datetime) -> Iterator[Check]:
    """Which edition of the regions is in use, and which rows are the deployment's own."""
    codes = codes_of(home.root)
    own = "".join(f", {count} rows of its own {name}" for name, count in codes.own_rows.items())
    told = f"regions of the edition of {codes.regions.edition}{own}"
    yield Check("codes", is_well=True, told=told)


def _database(home: Home, _: datetime) -> Iterator[Check]:
    engine = open_database(home.database_url)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    engine.dispose()
    yield Check("database", is_well=True, told=f"{engine.dialect.name} answers")


def _general(home: Home, _: datetime) -> Iterator[Check]:
    """The model of the general class: without it nothing new can be computed."""
    folder = home.model(RISK_CLASS)
    if not (folder / LIVE).exists():
        yield Check(
            "models", is_well=False, told="no version of risk_class is live", is_missing=True,
            remedy="run `xinheng models train risk_class`, `evaluate` and `promote`",
        )  # fmt: skip
    else:
        found = _model(folder, None)
        yield replace(found, is_missing=not found.is_well)


def _models(home: Home, at: datetime) -> Iterator[Check]:
    tasks = sorted(path.parent.name for path in home.models.glob(f"*/{LIVE}"))
    if RISK_CLASS not in tasks:
        yield from _general(home, at)
    with Promotions.at(home.database_url) as ledger:
        for task in tasks:
            yield _model(home.model(task), ledger.champion(task))


def _model(folder: Path, decided: str | None) -> Check:
    """A live version can be loaded, and is the one that the ledger says is live."""
    version, name = live_version(folder), f"model {folder.name}"
    try:
        load_model(folder / version)
    except XinhengError as fault:
        return Check(name, is_well=False, told=fault.message, remedy=fault.hint)
    if decided not in (None, version):
        return Check(
            name, is_well=False, told=f"{version} is in use, the ledger says {decided}",
            remedy=f"run `xinheng models promote {decided}` again: it was broken off",
        )  # fmt: skip
    return Check(name, is_well=True, told=f"{version} is live")


def _rules(home: Home, _: datetime) -> Iterator[Check]:
    rules, points = load_rules(home.hard_rules), load_points(home.warning_points)
    yield Check(
        "rules", is_well=True, told=f"{len(rules)} hard rules, {len(points)} warning points"
    )


def _calendar(home: Home, at: datetime) -> Iterator[Check]:
    """The working days of this year, and from November on of the next."""
    until = workdays_of(home.root / "calendar").certain_until
    today = at.astimezone(ZONE).date()
    told = f"working days are known until {until}"
    if until.year >= today.year + (today.month >= NOTICE_MONTH):
        yield Check("calendar", is_well=True, told=told)
        return
    yield Check(
        "calendar", is_well=False,
        told=f"{told}: {until.year + 1} is missing, and deadlines after that day are uncertain",
        remedy=f"write the State Council's notice as {home.root / 'calendar'}/{until.year + 1}.toml"
        " (docs/ledger.md, Calendar)",
    )  # fmt: skip


def _scores(home: Home, at: datetime) -> Iterator[Check]:
    store = DecisionStore.at(home.database_url)
    try:
        run = store.current_run()
    finally:
        store.close()
    age = Age(run.as_of, at, home.settings.scores.stale_days)
    told = f"{run.assessed:,} enterprises as of {run.as_of:%Y-%m-%d %H:%M} UTC, {age.days} days ago"
    if age.is_stale:
        told += f", more than {age.stale_days:g}: lists are drafts"
    yield Check(
        "scores", is_well=not age.is_stale, told=told, is_stale=age.is_stale,
        remedy="run `xinheng scores run` each night" if age.is_stale else "",
    )  # fmt: skip


def _alerts(home: Home, at: datetime) -> Iterator[Check]:
    hours = home.settings.alerts.ahead_hours
    with AlertStore.at(home.database_url) as store:
        last = store.last_run()
    is_fresh = last is not None and last.as_of > at - timedelta(hours=hours + 24)
    told = "never run" if last is None else f"run as of {last.as_of:%Y-%m-%d %H:%M} UTC"
    remedy = "" if is_fresh else "run `xinheng alerts run`, and put it into the night's schedule"
    yield Check("alerts", is_well=is_fresh, told=told, remedy=remedy)
    if not home.settings.officer:
        yield Check(
            "officer", is_well=False, told="nobody is named: lists and alerts are drafts",
            remedy="set `officer` in xinheng.toml",
        )  # fmt: skip


def _inbox(home: Home, at: datetime) -> Iterator[Check]:
    engine = open_database(home.database_url)
    inbox = InboxStore(engine)
    waiting = inbox.waiting(1)
    counts, out = inbox.counts(), Outbox(engine).counts()
    engine.dispose()
    dead = out.get("dead", 0)
    if dead:
        yield Check(
            "webhooks", is_well=False, told=f"{dead:,} deliveries were given up",
            remedy="see `xinheng webhooks deliveries --state dead`, then `xinheng webhooks replay`",
        )  # fmt: skip
    if counts.get("aside"):
        yield Check(
            "receipts", is_well=False, told=f"{counts['aside']:,} receipts were set aside",
            remedy="see `xinheng live status`, mend the cause, then `xinheng live retry`",
        )  # fmt: skip
    received = counts.get("received", 0)
    is_well = not waiting or at - waiting[0].received_at < SLOW
    told = f"{received:,} receipts wait" if received else "nothing waits"
    remedy = "" if is_well else "is `xinheng live run` at work? `xinheng serve` starts it"
    yield Check("inbox", is_well=is_well, told=told, remedy=remedy)


def _disk(home: Home, _: datetime) -> Iterator[Check]:
    free = shutil.disk_usage(home.root).free
    is_well = free >= LEAST_FREE
    remedy = "" if is_well else "make room, or move the home folder"
    yield Check("disk", is_well=is_well, told=f"{free / 1024**3:,.1f} GiB free", remedy=remedy)
