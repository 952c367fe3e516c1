"""One step after another: take what waits, assess whom it is about, then whom that changes."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from threading import Event
from typing import NamedTuple

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from xinheng.config import Home
from xinheng.database import DatabaseUnavailable
from xinheng.decisions.alerts.deadlines import Watch
from xinheng.decisions.alerts.run import run_events
from xinheng.decisions.alerts.store import AlertStore
from xinheng.decisions.causes.past import Cut
from xinheng.decisions.kept.store import DecisionStore
from xinheng.decisions.live import Rescored, Surroundings, rescore
from xinheng.decisions.office import Office, Offices
from xinheng.decisions.whole import assess_whole
from xinheng.domain import ZONE
from xinheng.errors import Busy, NotReady
from xinheng.records.inbox.changes import changed_since, turning
from xinheng.records.inbox.faults import may_pass, said
from xinheng.records.inbox.store import InboxStore, Receipt
from xinheng.records.inbox.take import MOST_ROWS, take_waiting
from xinheng.records.lake import Lake

IDLE = 0.2
"""Seconds between looks at an empty inbox."""
PAUSE = 5.0
"""Seconds after a fault that may pass: a database that does not answer, a lake that is written."""
NEIGHBOURS = 200
"""Of those whose relations changed, assessed in one step; new records come first."""
WARMING = 5
"""Enterprises that are assessed before the first record comes."""
MERGE_AFTER = 25
"""Steps after which the lake's many small files are made few."""
MANY_FILES = 40
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did."""

    rows: int = 0
    assessed: int = 0
    changed: int = 0
    alerts: int = 0
    neighbours: int = 0
    seconds: float = 0.0

    @property
    def is_idle(self) -> bool:
        return self.rows + self.assessed + self.neighbours == 0


class Noted(NamedTuple):
    """Up to which batch of the lake, and which legal day, changes have been noted."""

    batch: int
    day: date


def _legal_day(moment: datetime) -> date:
    """The day in Asia/Shanghai."""
    return moment.astimezone(ZONE).date()


@dataclass(slots=True)
class Worker:
    """The only process that takes from the inbox of a home; `clock` tells the moment."""

    home: Home
    engine: Engine
    clock: Callable[[], datetime]
    _offices: Offices = field(init=False)
    _around: Surroundings | None = None
    _lake: Lake | None = None
    _steps: int = 0
    _noted: Noted | None = None

    def __post_init__(self) -> None:
        self._offices = Offices(self.home)

    def run(self, stop: Event) -> None:
        """Work until told to stop; what fails for a while is tried again."""
        self._warm()
        while not stop.is_set():
            try:
                done = self.step()
            except (OperationalError, DatabaseUnavailable, Busy, NotReady) as fault:
                log.warning("live step failed, trying again", error=str(fault).splitlines()[0])
                stop.wait(PAUSE)
                continue
            if done.is_idle:
                stop.wait(IDLE)
            else:
                log.info("live step", **_figures(done))

    def _warm(self) -> None:
        """Do once, and keep nothing of it, what the first record would wait for."""
        with suppress(NotReady, Busy, DatabaseUnavailable, OperationalError):  # a step tells
            office, lake, at = self._offices.current(), self._newest(), self.clock()
            around = self._surroundings(office, lake, at)
            some = [one.uscc for one in DecisionStore(self.engine).riskiest(WARMING)]
            assess_whole(office, around.read(lake, some), at, usccs=some, others=around.others)
        gc.collect()
        gc.freeze()  # what is known of everybody need not be looked through at every collection

    def step(self) -> Step:
        """Take what waits and assess; nothing is lost or applied twice wherever it breaks off."""
        began = time.perf_counter()
        inbox = InboxStore(self.engine)
        lake = self._newest()
        if self._around is not None and self._around.lake_batch != lake.snapshot.number:
            self._around = None  # somebody else has written: what is known of others is old
        before = lake.snapshot.number
        taken = take_waiting(inbox, lake, self.home.root / "inbox", at=self.clock())
        self._note(inbox, lake)  # after what a crash left is settled: it is nobody else's
        rows = sum(one.rows for one in taken.receipts) if taken else 0
        receipts = inbox.unscored(MOST_ROWS)
        done = self._assessed(inbox, receipts) if receipts else self._neighbours(inbox)
        expected = before + (taken.batches if taken else 0)
        if self._newest().snapshot.number != expected:
            self._around = None  # somebody else wrote meanwhile
        elif self._noted is not None:
            self._noted = self._noted._replace(batch=expected)
        self._steps += bool(rows)
        if self._steps >= MERGE_AFTER:
            self._merge()
        seconds = time.perf_counter() - began
        return Step(
            rows, done.assessed, done.changed, done.alerts, done.neighbours, round(seconds, 3)
        )

    def _note(self, inbox: InboxStore, lake: Lake) -> None:
        """Let those wait whom a confirmation, a delivery or a day concerns, but no receipt."""
        if self._noted is None:
            try:
                run = DecisionStore(self.engine).current_run()
            except NotReady:  # the first night assesses everyone
                return
            self._noted = Noted(run.lake_batch, _legal_day(run.as_of))
        number, day = lake.snapshot.number, _legal_day(self.clock())
        if number > self._noted.batch:
            found = changed_since(lake, self._noted.batch, own=inbox.own_batches)
            if found.known_at is not None:
                what = f"batches {self._noted.batch}-{number}"
                inbox.let_wait(what, found.usccs, known_at=found.known_at)
        if day > self._noted.day:
            usccs = turning(lake, self._noted.day, day)
            inbox.let_wait(f"days {self._noted.day}-{day}", usccs, known_at=self.clock())
        self._noted = Noted(max(number, self._noted.batch), max(day, self._noted.day))

    def _merge(self) -> None:
        """Make small files few; what is known of others stays as it is, if nobody else wrote."""
        lake = self._newest()
        before = lake.snapshot.number
        was_merged = lake.merge(at=self.clock(), least=MANY_FILES) > 0
        around, is_ours = self._around, lake.snapshot.number == before + was_merged
        if around is not None and around.lake_batch == before and is_ours:
            around.knows(lake)
        self._steps = 0

    def _assessed(self, inbox: InboxStore, receipts: list[Receipt]) -> Step:
        """Those together; if a fault of our own comes of one, that is set aside."""
        try:
            return self._scored(inbox, receipts)
        except Exception as fault:
            if may_pass(fault):
                raise
            self._around = None
            if len(receipts) > 1:
                done = [self._assessed(inbox, [one]) for one in receipts]
                told = ("assessed", "changed", "alerts")
                return Step(**{name: sum(getattr(one, name) for one in done) for name in told})
            inbox.set_aside(receipts[0], said(fault))
            log.exception("a receipt was set aside", receipt_id=receipts[0].receipt_id)
            return Step()

    def _scored(self, inbox: InboxStore, receipts: list[Receipt]) -> Step:
        usccs = inbox.touched(receipts)
        found, alerts = None, 0
        if usccs:
            found = self._rescore(usccs, is_new=True)
            alerts = self._alerts(found, min(one.received_at for one in receipts))
        inbox.scored(receipts, found.near if found else (), at=self.clock())
        if found is None:
            return Step()
        return Step(assessed=len(found.assessed), changed=len(found.changes), alerts=alerts)

    def _neighbours(self, inbox: InboxStore) -> Step:
        waiting = inbox.neighbours(NEIGHBOURS)
        if not waiting:
            return Step()
        found = self._rescore(waiting, is_new=False)
        inbox.no_longer_waiting(waiting)
        return Step(neighbours=len(waiting), changed=len(found.changes))

    def _rescore(self, usccs: list[str], *, is_new: bool) -> Rescored:
        office, lake, at = self._offices.current(), self._newest(), self.clock()
        return rescore(
            office, DecisionStore(self.engine), lake, self._surroundings(office, lake, at), usccs,
            as_of=at, at=at, is_new=is_new,
        )  # fmt: skip

    def _newest(self) -> Lake:
        """The lake as it is now; it stays open from one step to the next."""
        self._lake = Lake.at(self.home.lake) if self._lake is None else self._lake.newest()
        return self._lake

    def _surroundings(self, office: Office, lake: Lake, at: datetime) -> Surroundings:
        """Read again where another model needs more, when the year is over, or the lake grew."""
        if self._around is None or not self._around.fits(office, at):
            last = DecisionStore(self.engine).last_run()
            since = Cut(last.as_of, last.lake_batch) if last else None
            until = datetime(at.year + 1, 1, 2, tzinfo=UTC)
            self._around = Surroundings.of(office, lake, until, since)
        return self._around

    def _alerts(self, found: Rescored, since: datetime) -> int:
        """What the new records of enterprises on the register raise."""
        office, at = self._offices.current(), self.clock()
        return run_events(
            AlertStore(self.engine), found.source, office.points, self.home.settings.alerts,
            [one.uscc for one in found.assessed],
            watch=Watch(at, since - timedelta(seconds=1)), at=at,
            officer=self.home.settings.officer,
        )  # fmt: skip


def _figures(done: Step) -> dict[str, float]:
    return {name: getattr(done, name) for name in Step.__slots__}
