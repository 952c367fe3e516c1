"""Tickets of the quality gate, and the monthly quality report."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from xinheng.errors import BadRequest
from xinheng.records.tickets.store import Ticket
from xinheng.serving.access.guard import Caller, Reader, Sender
from xinheng.serving.access.visible import visible
from xinheng.serving.decided import LARGEST, Number, Store
from xinheng.serving.desk import Records, told

router = APIRouter(prefix="/v1", tags=["records"])


class ConfirmationAnswer(BaseModel):
    """One person's word that a quarantined record is right."""

    person: str
    department: str
    note: str
    confirmed_at: datetime


class TicketAnswer(BaseModel):
    """One quarantined record, or all rows of a batch that failed one check."""

    ticket_id: int
    kind: str = Field(description="quarantine or correction")
    batch_id: str
    record_type: str
    source_dept: str
    checks: str = Field(description="Ids of the checks, separated by commas")
    records: int = Field(description="Rows that the ticket is about")
    record_id: str
    uscc: str
    message_en: str
    message_zh: str
    needs: int = Field(description="Confirmations by different persons")
    opened_at: datetime
    state: str
    changed_at: datetime
    answer: str
    confirmations: list[ConfirmationAnswer]


class TicketsAnswer(BaseModel):
    """A page of tickets, oldest first."""

    total: int
    tickets: list[TicketAnswer]


class ConfirmationRequest(BaseModel):
    """Who confirms."""

    person: str = Field(min_length=1, max_length=120, examples=["王检查"])
    department: str = Field(min_length=1, max_length=120, examples=["scj"])
    note: str = Field("", max_length=2_000)


class ReturnRequest(BaseModel):
    """Who sends a ticket back, and why."""

    person: str = Field(min_length=1, max_length=120)
    department: str = Field(min_length=1, max_length=120)
    reason: str = Field(min_length=1, max_length=2_000, examples=["单位应为元,请更正后重报"])


class QualityRow(BaseModel):
    """One department in one month of arrival."""

    department: str
    rows: int
    accepted: int = Field(description="Warned rows included")
    warned: int
    quarantined: int
    rejected: int
    duplicate: int
    rejected_share: float | None
    late: int = Field(description="Rows that arrived after the agreed limit (QC11)")
    late_share: float | None
    open_tickets: int
    oldest_ticket_days: int
    commonest_check: str | None


class QualityAnswer(BaseModel):
    """The monthly quality report."""

    month: str
    departments: list[QualityRow]


@router.get("/tickets", response_model=TicketsAnswer)
def read_tickets(  # noqa: PLR0913, PLR0917  (one a filter)
    records: Records,
    caller: Reader,
    store: Store,
    department: str = "",
    check: str = "",
    everything: bool = False,  # noqa: FBT001, FBT002
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
) -> dict[str, Any]:
    """Tickets that wait for an answer; with `everything` the closed ones too."""
    found, total = records.tickets(
        everything=everything, department=department, check=check, limit=limit, offset=offset
    )
    shown = visible(caller, store, found, lambda ticket: ticket.uscc)
    return {"total": total, "tickets": [told(ticket) for ticket in shown]}


@router.get("/tickets/{ticket_id}", response_model=TicketAnswer)
def read_ticket(
    ticket_id: Number, records: Records, caller: Reader, store: Store
) -> dict[str, Any]:
    """One ticket with its confirmations."""
    return told(_own(ticket_id, records, caller, store))


@router.post("/tickets/{ticket_id}/confirmations", response_model=TicketAnswer)
def add_confirmation(
    ticket_id: Number, wanted: ConfirmationRequest, records: Records, caller: Sender, store: Store
) -> dict[str, Any]:
    """Confirm a quarantined record; QC12 needs two persons, one of the source department."""
    _own(ticket_id, records, caller, store)
    ticket = records.confirm(
        ticket_id, person=wanted.person, department=wanted.department, note=wanted.note
    )
    return told(ticket)


@router.post("/tickets/{ticket_id}/returns", response_model=TicketAnswer)
def add_return(
    ticket_id: Number, wanted: ReturnRequest, records: Records, caller: Sender, store: Store
) -> dict[str, Any]:
    """Send a ticket back to its source department with a reason."""
    _own(ticket_id, records, caller, store)
    ticket = records.send_back(
        ticket_id, person=wanted.person, department=wanted.department, reason=wanted.reason
    )
    return told(ticket)


@router.get("/quality", response_model=QualityAnswer)
def read_quality(
    records: Records, _: Reader, month: Annotated[str, Query(pattern=r"^(\d{4}-\d{2})?$")] = ""
) -> dict[str, Any]:
    """Rates, lateness and open tickets by department, for one month of arrival (YYYY-MM)."""
    wanted, report = records.quality(first_day(month))
    return {"month": f"{wanted:%Y-%m}", "departments": report.to_dicts()}


@router.get(
    "/quality.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def read_quality_csv(
    records: Records, _: Reader, month: Annotated[str, Query(pattern=r"^(\d{4}-\d{2})?$")] = ""
) -> Response:
    """The same report as a CSV file."""
    wanted, report = records.quality(first_day(month))
    name = f'attachment; filename="quality-{wanted:%Y-%m}.csv"'
    text = "\ufeff" + report.write_csv(float_precision=4)  # spreadsheets read it as UTF-8
    return Response(text, media_type="text/csv", headers={"Content-Disposition": name})


def first_day(month: str) -> date | None:
    """First day of a month written YYYY-MM; none where nothing is asked for.

    Raises
    ------
    BadRequest
        If there is no such month.
    """
    if not month:
        return None
    try:
        return date.fromisoformat(f"{month}-01")
    except ValueError:
        raise BadRequest(f"{month!r} is no month", hint="as 2024-05") from None


def _own(ticket_id: int, records: Records, caller: Caller, store: Store) -> Ticket:
    """A ticket of the caller's district; one about a whole batch is nobody's own."""
    found = records.ticket(ticket_id)
    if caller.client.region or found.uscc:
        caller.asks_about(found.uscc, store.regions([found.uscc]).get(found.uscc, ""))
    return found
