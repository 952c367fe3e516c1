"""Scores that are computed when they are asked for: at another moment, with other records."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread
from typing import Annotated

import structlog
from fastapi import Depends, Request

from xinheng.config import Home
from xinheng.decisions.assess import Assessment
from xinheng.decisions.kept.replay import Histories, Replay, replayed
from xinheng.decisions.office import Office, Offices
from xinheng.decisions.scenes.ready import ReadyScore, ready_scores
from xinheng.decisions.scenes.suppose import Case, Ways, ways_back
from xinheng.decisions.whole import assess_whole
from xinheng.errors import BadRequest, NotFound, NotReady, UnknownName
from xinheng.features.catalogue import feature_columns
from xinheng.features.memory import Memory
from xinheng.features.others.others import Others
from xinheng.features.store.kept import kept_others
from xinheng.records.inbox.columns import SentColumns
from xinheng.records.inbox.supposed import as_stored
from xinheng.records.lake import Lake

FRESH = timedelta(minutes=5)
"""What is known of others may be so much older than the lake; an enterprise's own records never."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Around:
    """What is known of others, in one state of the lake, for the models of one time."""

    others: Others
    lake_batch: int
    meaning: str
    until: datetime
    read_at: datetime


@dataclass(slots=True)
class Scoring:
    """The lake and the live models of a home; what is known of others is read now and then."""

    home: Home
    clock: Callable[[], datetime]
    _offices: Offices = field(init=False)
    _lock: Lock = field(default_factory=Lock)
    _reading: Lock = field(default_factory=Lock)
    _around: _Around | None = None
    _lake: Lake | None = None

    def __post_init__(self) -> None:
        self._offices = Offices(self.home)

    def warm(self, uscc: str) -> None:
        """Do once what the first question would wait for."""
        try:
            self.then(uscc, self.clock())
        except (NotReady, NotFound) as fault:
            log.warning("nothing can be computed yet", error=fault.message, hint=fault.hint)
        gc.collect()
        gc.freeze()  # what is known of everybody need not be looked through at every collection

    def then(self, uscc: str, as_of: datetime) -> Assessment:
        """An enterprise by what was known at a moment, assessed by the models that are live now.

        A code that was a former one by then stands for its firm.

        Raises
        ------
        BadRequest
            If the moment has not come.
        NotFound
            If it was not on the register then.
        """
        office, lake, others = self._known(as_of)
        uscc = lake.successions().present(uscc, as_of)
        source = Memory.of(lake, [uscc])
        return _only(assess_whole(office, source, as_of, usccs=[uscc], others=others), uscc, as_of)

    def supposing(
        self, uscc: str, sent: Sequence[SentColumns], as_of: datetime, *, is_added: bool
    ) -> Assessment:
        """An enterprise with other records of its own, added to those it has or instead of them.

        Raises
        ------
        BadRequest
            If a record cannot be read, or the moment has not come.
        NotFound
            If it is not on the register by these records.
        """
        office, lake, others = self._known(as_of)
        base = Memory.of(lake, [uscc] if is_added else [])
        rows = as_stored(sent, base.all_of, at=as_of)
        source = base.changed(rows)
        uscc = source.successions().present(uscc, as_of)
        found = assess_whole(office, source, as_of, usccs=[uscc], others=others)
        return _only(found, uscc, as_of)

    def ready(self, task: str, rows: Sequence[Mapping[str, float | None]]) -> list[ReadyScore]:
        """Scores of values that are at hand, by the live model of a task.

        Raises
        ------
        UnknownName
            If no model of the task is live, or it reads no such column.
        """
        office = self._offices.current()
        if task not in office.models:
            raise UnknownName("task with a live model", task, office.models)
        return ready_scores(office.models[task], rows, office.classes)

    def ways_back(self, uscc: str) -> Ways:
        """What each repair and each performed duty would change now.

        Raises
        ------
        NotFound
            If it is not on the register.
        """
        as_of = self.clock()
        office, lake, others = self._known(as_of)
        found = ways_back(Case(office, uscc, as_of, others), Memory.of(lake, [uscc]))
        if found is None:
            raise _not_registered(uscc, as_of)
        return found

    def replay(self, store: Histories, uscc: str, run_id: int) -> Replay:
        """A kept assessment, computed once more.

        Raises
        ------
        NotFound, NotReady
            If there is no such assessment, or a model of that time is gone.
        """
        return replayed(self.home, store, uscc, run_id)

    def _known(self, as_of: datetime) -> tuple[Office, Lake, Others]:
        if as_of > self.clock():
            raise BadRequest(f"{as_of.isoformat()} has not come", hint="ask of a moment that has")
        office, lake = self._offices.current(), self.newest_lake()
        return office, lake, self._surroundings(office, lake).others

    def _surroundings(self, office: Office, lake: Lake) -> _Around:
        """What was read last, while that serves; what has grown old is read anew beside."""
        now, meaning = self.clock(), office.reads
        with self._lock:
            found = self._around
            if found is None or found.meaning != meaning or now >= found.until:
                found = self._around = self._read(office, lake, now)
        is_old = found.lake_batch != lake.snapshot.number and now - found.read_at > FRESH
        if is_old and self._reading.acquire(blocking=False):
            Thread(target=self._read_anew, args=(office, lake, now), daemon=True).start()
        return found

    def _read_anew(self, office: Office, lake: Lake, now: datetime) -> None:
        try:
            self._around = self._read(office, lake, now)
            gc.freeze()
        finally:
            self._reading.release()

    def _read(self, office: Office, lake: Lake, now: datetime) -> _Around:
        columns = feature_columns(office.indicators)
        others = kept_others(self.home.features, lake, columns, now)
        until = datetime(now.year + 1, 1, 1, tzinfo=UTC)
        number = lake.snapshot.number
        return _Around(others, number, office.reads, until, now)

    def newest_lake(self) -> Lake:
        """The lake as it is now; it stays open from one request to the next."""
        lake = Lake(self.home.lake) if self._lake is None else self._lake.newest()
        self._lake = lake
        return lake


def _only(found: Sequence[Assessment], uscc: str, as_of: datetime) -> Assessment:
    if not found:
        raise _not_registered(uscc, as_of)
    return found[0]


def _not_registered(uscc: str, as_of: datetime) -> NotFound:
    return NotFound(
        f"{uscc} was not on the register at {as_of:%Y-%m-%d %H:%M} UTC",
        hint="only active enterprises and branches are scored",
    )


def scoring(request: Request) -> Scoring:
    """The one that `create_app` was given.

    Raises
    ------
    NotReady
        If this server has none.
    """
    found: Scoring | None = request.app.state.scoring
    if found is None:
        raise NotReady("this server has no lake", hint="start it with `xinheng serve --home HOME`")
    return found


Computed = Annotated[Scoring, Depends(scoring)]
