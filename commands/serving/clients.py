"""xinheng clients: keys of the systems that ask, and the log of what they asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from xinheng.commands.edge import home_option, now
from xinheng.config import Home

if TYPE_CHECKING:
    from xinheng.serving.access.clients import Client

SCOPES = ("read", "check", "records", "lists", "models", "admin")


@click.group()
def clients() -> None:
    """Keys of the systems that ask, what they may see, and the log of what they asked."""


@clients.command("add")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES),
              help="What it may do; may be given several times.")  # fmt: skip
@click.option("--region", default="", help="Only enterprises there: 2, 4 or 6 digits of GB/T 2260.")
@click.option("--rate", default="6000/minute", show_default=True, help="How often it may ask.")
@click.option("--purpose", default="", help="Of queries that name none.")
@click.option("--basis", default="", help="Legal basis of queries that name none.")
@click.option("--by", required=True, help="Who answers for it, by name.")
@home_option
def add(  # noqa: PLR0913, PLR0917  (what a client is)
    name: str,
    scopes: Sequence[str],
    region: str,
    rate: str,
    purpose: str,
    basis: str,
    by: str,
    home: Home,
) -> None:
    """Make a client and print its key, once: only its hash is kept.

    read: archives, scores, changes, alerts, quality; check: approval checks alone; records: send
    records, answer tickets; lists: inspection lists and the steps of alerts; models: versions and
    cards; admin: the log of queries.
    """
    from xinheng.database import open_database
    from xinheng.serving.access.clients import ClientStore

    store = ClientStore(open_database(home.database_url))
    made, key = store.add(
        name, scopes, by=by, at=now(), region=region, rate=rate, purpose=purpose, legal_basis=basis
    )
    click.echo(f"client {made.client_id} {made.name}: {', '.join(made.scopes)}", err=True)
    click.echo("its key, which is shown only now:", err=True)
    click.echo(key)


@clients.command("list")
@home_option
def list_clients(home: Home) -> None:
    """Print all clients, tab-separated; of their keys the first letters."""
    from xinheng.database import open_database
    from xinheng.serving.access.clients import ClientStore

    click.echo("client\tname\tkey\tscopes\tregion\trate\tpurpose\tlegal basis\tby\tended")
    for one in ClientStore(open_database(home.database_url)).clients():
        click.echo(_line(one))


@clients.command("end")
@click.argument("client", type=int)
@click.option("--by", required=True, help="Who ends it, by name.")
@home_option
def end(client: int, by: str, home: Home) -> None:
    """Make a client's key open nothing, within two seconds on a running server."""
    from xinheng.database import open_database
    from xinheng.serving.access.clients import ClientStore

    ended = ClientStore(open_database(home.database_url)).end(client, by=by, at=now())
    click.echo(f"client {ended.client_id} {ended.name} has ended")


@clients.command("log")
@click.option("--uscc", default="", help="Only queries about this enterprise.")
@click.option("--client", default=0, help="Only queries of this client.")
@click.option("--after", default=0, show_default=True, help="Only queries after this number.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1))
@home_option
def log(uscc: str, client: int, after: int, limit: int, home: Home) -> None:
    """Print the log of queries, oldest first, tab-separated."""
    from xinheng.database import open_database
    from xinheng.domain import normal_uscc
    from xinheng.serving.access.log import QueryLog

    found = QueryLog.beside(open_database(home.database_url)).queries(
        uscc=normal_uscc(uscc), client_id=client, after=after, limit=limit + 1
    )
    click.echo("query\tat\tclient\troute\tenterprise\tenterprises\tpurpose\tlegal basis\tstatus")
    for one in found[:limit]:
        click.echo(
            f"{one.number}\t{one.at}\t{one.client}\t{one.method} {one.route}\t{one.uscc}\t"
            f"{one.enterprises}\t{one.purpose}\t{one.legal_basis}\t{one.status}"
        )
    if len(found) > limit:
        click.echo("there are more; raise --limit", err=True)


def _line(one: Client) -> str:
    ended = "" if one.ended_at is None else f"{one.ended_at:%Y-%m-%d %H:%M} by {one.ended_by}"
    return "\t".join(
        (
            str(one.client_id), one.name, f"{one.key_begins}...", ",".join(one.scopes), one.region,
            one.rate, one.purpose, one.legal_basis, one.made_by, ended,
        )
    )  # fmt: skip
