"""Tickets in the operational database: opened from the lake's findings, closed by named persons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Engine,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    insert,
    select,
    update,
)

from xinheng.database import METADATA, open_database
from xinheng.errors import BadRequest, NotFound
from xinheng.records.privacy.texts import need_impersonal

OPEN, ONCE, CONFIRMED, RELEASED = "open", "confirmed_once", "confirmed", "released"
RETURNED, SUPERSEDED, ANSWERED = "returned", "superseded", "answered"
STATES = (OPEN, ONCE, CONFIRMED, RELEASED, RETURNED, SUPERSEDED, ANSWERED)
WAITING = (OPEN, ONCE)
QUARANTINE, CORRECTION = "quarantine", "correction"

TICKET = Table(
    "ticket",
    METADATA,
    Column("ticket_id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(12), nullable=False),
    Column("batch_id", String(40), nullable=False),
    Column("record_type", String(40), nullable=False),
    Column("source_dept", Text, nullable=False),
    Column("checks", Text, nullable=False),
    Column("records", Integer, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("uscc", String(18), nullable=False),
    Column("message_en", Text, nullable=False),
    Column("message_zh", Text, nullable=False),
    Column("needs", Integer, nullable=False),
    Column("opened_at", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("changed_at", String(40), nullable=False),
    Column("answer", Text, nullable=False),
    Column("in_lake", Integer, nullable=False),
    Index("ticket_by_state", "state", "source_dept"),
    Index("ticket_by_record", "record_id"),
)
CONFIRMATION = Table(
    "ticket_confirmation",
    METADATA,
    Column("ticket_id", ForeignKey("ticket.ticket_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("person", String(120), nullable=False),
    Column("department", String(120), nullable=False),
    Column("note", Text, nullable=False),
    Column("confirmed_at", String(40), nullable=False),
    UniqueConstraint("ticket_id", "person"),
)
PROGRESS = Table(
    "ticket_progress",
    METADATA,
    Column("name", String(20), primary_key=True),
    Column("batch_number", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One person's word that a quarantined record is right."""

    person: str
    department: str
    note: str
    confirmed_at: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """One quarantined record, or all rows of a batch that failed one check."""

    ticket_id: int
    kind: str
    batch_id: str
    record_type: str
    source_dept: str
    checks: str
    records: int
    record_id: str
    uscc: str
    message_en: str
    message_zh: str
    needs: int
    """Confirmations by different persons before the record may be scored."""
    opened_at: str
    state: str
    changed_at: str
    answer: str
    in_lake: int
    """Confirmations that the lake already tells."""
    confirmations: tuple[Confirmation, ...] = ()


class TicketStore:
    """Tickets in the operational database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def at(cls, url: str) -> TicketStore:
        return cls(open_database(url))

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def tickets(
        self,
        *,
        states: Sequence[str] = WAITING,
        department: str = "",
        check: str = "",
        limit: int = 1_000,
        offset: int = 0,
    ) -> list[Ticket]:
        """Tickets in these states, oldest first."""
        query = _chosen(select(TICKET), states, department, check)
        page = query.order_by(TICKET.c.ticket_id).limit(limit).offset(offset)
        with self.engine.connect() as connection:
            return [_ticket(row) for row in connection.execute(page).mappings()]

    def count(
        self, *, states: Sequence[str] = WAITING, department: str = "", check: str = ""
    ) -> int:
        query = _chosen(select(func.count()).select_from(TICKET), states, department, check)
        with self.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def ticket(self, ticket_id: int) -> Ticket:
        """One ticket with its confirmations.

        Raises
        ------
        NotFound
            If there is none with this number.
        """
        with self.engine.connect() as connection:
            query = select(TICKET).where(TICKET.c.ticket_id == ticket_id)
            row = connection.execute(query).mappings().first()
            if row is None:
                raise NotFound(f"no ticket {ticket_id}", hint="see `xinheng records tickets list`")
            said = select(CONFIRMATION).where(CONFIRMATION.c.ticket_id == ticket_id)
            rows = connection.execute(said.order_by(CONFIRMATION.c.number)).mappings().all()
        return _ticket(row, rows)

    def confirm(
        self, ticket_id: int, *, person: str, department: str, note: str, at: datetime
    ) -> Ticket:
        """Add one person's confirmation; with enough of them the record may be scored.

        Two different persons are needed where QC12 held the record, and one of them must be of
        the source department (domain README, section 14).

        Raises
        ------
        BadRequest
            If the ticket does not wait, or this person may not be the one to confirm it now.
        PersonalData
            If the note holds some.
        """
        need_impersonal(f"{person} | {department} | {note}", "the confirmation")
        ticket = self.ticket(ticket_id)
        _check_confirmation(ticket, person.strip(), department.strip())
        number = len(ticket.confirmations) + 1
        state = CONFIRMED if number >= ticket.needs else ONCE
        row = {
            "ticket_id": ticket_id,
            "number": number,
            "person": person.strip(),
            "department": department.strip(),
            "note": note,
            "confirmed_at": at.isoformat(),
        }
        with self.engine.begin() as connection:
            connection.execute(insert(CONFIRMATION).values(row))
            connection.execute(_moved(ticket_id, state, at))
        return self.ticket(ticket_id)

    def send_back(
        self, ticket_id: int, *, person: str, department: str, reason: str, at: datetime
    ) -> Ticket:
        """Return a ticket to its source with a reason; the record stays out of every score."""
        need_impersonal(f"{person} | {department} | {reason}", "the return")
        ticket = self.ticket(ticket_id)
        _check_waiting(ticket)
        if not (person.strip() and department.strip() and reason.strip()):
            raise BadRequest("a return needs a person, a department and a reason")
        answer = f"{person.strip()} ({department.strip()}): {reason.strip()}"
        self.move(ticket_id, RETURNED, at, answer=answer)
        return self.ticket(ticket_id)

    def move(self, ticket_id: int, state: str, at: datetime, *, answer: str = "") -> None:
        with self.engine.begin() as connection:
            connection.execute(_moved(ticket_id, state, at, answer=answer))

    def told_the_lake(self, ticket_id: int, confirmations: int) -> None:
        """Remember that the lake has the record's version for so many confirmations."""
        change = update(TICKET).where(TICKET.c.ticket_id == ticket_id)
        with self.engine.begin() as connection:
            connection.execute(change.values(in_lake=confirmations))

    def reached(self) -> int:
        """Number of the newest batch whose findings have their tickets."""
        with self.engine.connect() as connection:
            found = connection.execute(select(PROGRESS.c.batch_number)).scalar()
        return int(found or 0)

    def open_all(self, rows: Sequence[dict[str, Any]], *, reached: int) -> None:
        """Open tickets and move the mark, in one transaction."""
        with self.engine.begin() as connection:
            for start in range(0, len(rows), 1_000):
                connection.execute(insert(TICKET), list(rows[start : start + 1_000]))
            changed = connection.execute(update(PROGRESS).values(batch_number=reached))
            if changed.rowcount == 0:
                connection.execute(insert(PROGRESS).values(name="batches", batch_number=reached))


def _chosen(query: Select[Any], states: Sequence[str], department: str, check: str) -> Select[Any]:
    query = query.where(TICKET.c.state.in_(states))
    if department:
        query = query.where(TICKET.c.source_dept == department)
    return query.where(TICKET.c.checks.contains(check)) if check else query


def _moved(ticket_id: int, state: str, at: datetime, *, answer: str = "") -> Any:
    change = update(TICKET).where(TICKET.c.ticket_id == ticket_id)
    values = {"state": state, "changed_at": at.isoformat()}
    return change.values(values | ({"answer": answer} if answer else {}))


def _ticket(row: RowMapping, confirmations: Sequence[RowMapping] = ()) -> Ticket:
    said = tuple(
        Confirmation(c["person"], c["department"], c["note"], c["confirmed_at"])
        for c in confirmations
    )
    return Ticket(**dict(row), confirmations=said)


def _check_waiting(ticket: Ticket) -> None:
    if ticket.state not in WAITING:
        raise BadRequest(f"ticket {ticket.ticket_id} is {ticket.state}, it waits for nobody")


def _check_confirmation(ticket: Ticket, person: str, department: str) -> None:
    _check_waiting(ticket)
    if ticket.kind != QUARANTINE:
        raise BadRequest(
            f"ticket {ticket.ticket_id} asks for a correction, which is a new delivery",
            hint="return it with a reason, or deliver the corrected rows",
        )
    if not person or not department:
        raise BadRequest("a confirmation needs a person and a department")
    if person in {c.person for c in ticket.confirmations}:
        raise BadRequest(
            f"{person} has confirmed ticket {ticket.ticket_id} already",
            hint="the second confirmation is another person's",
        )
    last = len(ticket.confirmations) + 1 == ticket.needs
    said = {c.department for c in ticket.confirmations} | {department}
    if ticket.needs > 1 and last and ticket.source_dept not in said:
        raise BadRequest(
            f"one of the {ticket.needs} confirmations must come from {ticket.source_dept}",
            hint="ask a person of the source department",
        )
