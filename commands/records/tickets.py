"""xinheng records tickets: quarantined records and corrections that wait for an answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from xinheng.commands.edge import home_option, now
from xinheng.config import Home

if TYPE_CHECKING:
    from xinheng.records.lake import Lake
    from xinheng.records.tickets.store import Ticket, TicketStore

person_option = click.option("--person", required=True, help="Who decides, by name.")
department_option = click.option("--department", required=True, help="Whose person that is.")


@click.group()
def tickets() -> None:
    """Answer what the quality gate held back or sent back.

    A quarantined record is stored and not scored until it is confirmed. Fines above 1,000,000
    yuan need two confirmations by two persons, one of them of the source department.
    """


@tickets.command("list")
@click.option("--department", default="", help="Only tickets of this source department.")
@click.option("--check", default="", help="Only of this check, such as QC12.")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1))
@home_option
def list_tickets(
    department: str,
    check: str,
    everything: bool,  # noqa: FBT001
    limit: int,
    home: Home,
) -> None:
    """Print tickets, oldest first, tab-separated."""
    from xinheng.records.tickets.store import STATES, WAITING

    states = STATES if everything else WAITING
    with _desk(home) as (store, _):
        found = store.tickets(states=states, department=department, check=check, limit=limit)
        total = store.count(states=states, department=department, check=check)
    click.echo("ticket\tkind\tstate\tchecks\ttable\tdepartment\trecords\topened\tmessage")
    for one in found:
        click.echo(
            f"{one.ticket_id}\t{one.kind}\t{one.state}\t{one.checks}\t{one.record_type}\t"
            f"{one.source_dept}\t{one.records}\t{one.opened_at[:10]}\t{one.message_zh}"
        )
    if total > len(found):
        click.echo(f"{total - len(found):,} more; raise --limit", err=True)


@tickets.command("show")
@click.argument("ticket", type=int)
@home_option
def show(ticket: int, home: Home) -> None:
    """Print one ticket, its messages in Chinese and English, and who confirmed it."""
    with _desk(home) as (store, _):
        click.echo(ticket_text(store.ticket(ticket)))


@tickets.command("confirm")
@click.argument("ticket", type=int)
@person_option
@department_option
@click.option("--note", default="", help="What was looked at.")
@home_option
def confirm_ticket(ticket: int, person: str, department: str, note: str, home: Home) -> None:
    """Say that a quarantined record is right; the last one needed lets it into the scores."""
    from xinheng.records.tickets.desk import confirm

    with _desk(home) as (store, lake):
        told = confirm(
            store, lake, ticket, person=person, department=department, note=note, at=now()
        )
    click.echo(ticket_text(told))


@tickets.command("return")
@click.argument("ticket", type=int)
@person_option
@department_option
@click.option("--reason", required=True, help="What the source department must put right.")
@home_option
def return_ticket(ticket: int, person: str, department: str, reason: str, home: Home) -> None:
    """Send a ticket back to its source department; the record stays out of every score."""
    with _desk(home) as (store, _):
        told = store.send_back(
            ticket, person=person, department=department, reason=reason, at=now()
        )
    click.echo(ticket_text(told))


@tickets.command("retry")
@home_option
def retry_tickets(home: Home) -> None:
    """Look again at records that waited for the register or for the decision they belong to."""
    from xinheng.records.tickets.desk import retry

    with _desk(home) as (store, lake):
        released, returned = retry(store, lake, at=now())
    click.echo(f"{released:,} released, {returned:,} returned to their sources")


@contextmanager
def _desk(home: Home) -> Iterator[tuple[TicketStore, Lake]]:
    """The store and the lake, in step."""
    from xinheng.records.lake import Lake
    from xinheng.records.tickets.desk import keep_step
    from xinheng.records.tickets.store import TicketStore

    lake = Lake(home.lake)
    store = TicketStore.at(home.database_url)
    try:
        keep_step(store, lake, at=now())
        yield store, lake
    finally:
        store.close()


def ticket_text(ticket: Ticket) -> str:
    """A ticket as lines for a person."""
    waits = f", {len(ticket.confirmations)} of {ticket.needs} confirmations"
    lines = [
        f"ticket {ticket.ticket_id}: {ticket.state}{waits if ticket.kind == 'quarantine' else ''}",
        f"  checks      {ticket.checks}",
        f"  records     {ticket.records} of {ticket.record_type}, batch {ticket.batch_id}",
        f"  department  {ticket.source_dept}",
        f"  opened      {ticket.opened_at[:16]}",
        f"  {ticket.message_zh}",
        f"  {ticket.message_en}",
    ]
    if ticket.record_id:
        lines.insert(3, f"  record      {ticket.record_id} of {ticket.uscc}")
    lines += [
        f"  confirmed by {c.person} ({c.department}) on {c.confirmed_at[:16]} {c.note}".rstrip()
        for c in ticket.confirmations
    ]
    return "\n".join([*lines, *([f"  answer      {ticket.answer}"] if ticket.answer else [])])
