"""Tickets and the quality report, as the routes and pages ask for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import polars as pl
from fastapi import Depends, Request

from xinheng.errors import NotReady
from xinheng.records.archive import archive
from xinheng.records.lake import Lake
from xinheng.records.quality import monthly_quality, months_of
from xinheng.records.tickets.desk import confirm, keep_step
from xinheng.records.tickets.store import STATES, WAITING, Ticket, TicketStore
from xinheng.records.versions import standing


@dataclass(frozen=True, slots=True)
class Desk:
    """The lake and its tickets; `clock` tells the moment of what people do."""

    lake: Path
    store: TicketStore
    clock: Callable[[], datetime]

    def tickets(
        self, *, everything: bool, department: str, check: str, limit: int, offset: int
    ) -> tuple[list[Ticket], int]:
        self._opened()
        states = STATES if everything else WAITING
        found = self.store.tickets(
            states=states, department=department, check=check, limit=limit, offset=offset
        )
        return found, self.store.count(states=states, department=department, check=check)

    def ticket(self, ticket_id: int) -> Ticket:
        self._opened()
        return self.store.ticket(ticket_id)

    def confirm(self, ticket_id: int, *, person: str, department: str, note: str) -> Ticket:
        lake = self._opened()
        return confirm(
            self.store, lake, ticket_id, person=person, department=department, note=note,
            at=self.clock(),
        )  # fmt: skip

    def send_back(self, ticket_id: int, *, person: str, department: str, reason: str) -> Ticket:
        self._opened()
        return self.store.send_back(
            ticket_id, person=person, department=department, reason=reason, at=self.clock()
        )

    def archive(self, uscc: str) -> dict[str, pl.DataFrame]:
        """Every version of every record of an enterprise, by table."""
        return archive(Lake(self.lake), uscc)

    def visits(self, list_id: str, usccs: Sequence[str]) -> dict[str, list[dict[str, str]]]:
        """By enterprise the inspections that a list led to: day, result and record."""
        rows = standing(Lake(self.lake).rows("inspection", usccs), self.clock()).filter(
            pl.col("plan_no") == list_id
        )
        found: dict[str, list[dict[str, str]]] = {}
        columns = ("uscc", "checked_on", "result", "record_id")
        for uscc, *told in rows.sort("checked_on").select(columns).collect().iter_rows():
            day, result, record = map(str, told)
            found.setdefault(uscc, []).append({"day": day, "result": result, "record_id": record})
        return found

    def months(self) -> list[date]:
        return months_of(self._opened())

    def quality(self, month: date | None) -> tuple[date, pl.DataFrame]:
        """The report of a month, the last one by default.

        Raises
        ------
        NotReady
            If nothing was delivered.
        """
        lake = self._opened()
        months = months_of(lake)
        if not months:
            raise NotReady("nothing was delivered", hint="run `xinheng records ingest` first")
        wanted = month or months[0]
        return wanted, monthly_quality(lake, self.store, wanted)

    def _opened(self) -> Lake:
        """The lake as it is now, its tickets in step."""
        lake = Lake(self.lake)
        keep_step(self.store, lake, at=self.clock())
        return lake


def told(ticket: Ticket) -> dict[str, Any]:
    return asdict(ticket)


def desk(request: Request) -> Desk:
    """The desk that `create_app` was given.

    Raises
    ------
    NotReady
        If this server has none.
    """
    found: Desk | None = request.app.state.desk
    if found is None:
        raise NotReady("this server has no lake", hint="start it with `xinheng serve --home HOME`")
    return found


Records = Annotated[Desk, Depends(desk)]
