"""xinheng webhooks: who is told of alerts and class changes, and what is on its way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from xinheng.commands.edge import home_option, now
from xinheng.config import Home

if TYPE_CHECKING:
    from xinheng.serving.delivery.store import Outbox

KINDS = ("alert", "class_change")


@click.group()
def webhooks() -> None:
    """Who is told of alerts and class changes as they come, and what is on its way.

    Each is sent as JSON by POST, signed as the Standard Webhooks specification says, in order,
    and again until the receiver answers with success; `xinheng live run` sends.
    """


@webhooks.command("add")
@click.argument("name")
@click.argument("url")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), default=KINDS,
              show_default=True, help="What it is told of.")  # fmt: skip
@click.option("--region", default="", help="Only of enterprises there: GB/T 2260 prefix.")
@click.option("--by", required=True, help="Who answers for it, by name.")
@home_option
def add(name: str, url: str, kinds: Sequence[str], region: str, by: str, home: Home) -> None:
    """Tell a receiver of all that comes from now on, and print the secret of its signatures."""
    made = _outbox(home).subscribe(name, url, by=by, at=now(), kinds=kinds, region=region)
    click.echo(f"subscriber {made.subscriber_id} {made.name}: {', '.join(made.kinds)}", err=True)
    click.echo(made.secret)


@webhooks.command("list")
@home_option
def list_subscribers(home: Home) -> None:
    """Print all subscribers, tab-separated."""
    click.echo("subscriber\tname\turl\tkinds\tregion\tby\tended")
    for one in _outbox(home).subscribers():
        ended = "" if one.ended_at is None else f"{one.ended_at:%Y-%m-%d %H:%M} by {one.ended_by}"
        kinds = ",".join(one.kinds)
        click.echo(
            f"{one.subscriber_id}\t{one.name}\t{one.url}\t{kinds}\t{one.region}\t{one.made_by}\t"
            f"{ended}"
        )


@webhooks.command("end")
@click.argument("subscriber", type=int)
@click.option("--by", required=True, help="Who ends it, by name.")
@home_option
def end(subscriber: int, by: str, home: Home) -> None:
    """Send nothing more to a subscriber."""
    _outbox(home).end(subscriber, by=by, at=now())
    click.echo(f"subscriber {subscriber} has ended")


@webhooks.command("deliveries")
@click.option("--state", type=click.Choice(["waiting", "delivered", "dead"]), help="Only these.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1))
@home_option
def deliveries(state: str | None, limit: int, home: Home) -> None:
    """Print deliveries, the newest first, tab-separated."""
    click.echo("delivery\tsubscriber\tevent\tstate\tattempts\tnext\tfault")
    for one in _outbox(home).deliveries(state=state or "", limit=limit):
        due = "" if one.next_at is None or one.state != "waiting" else f"{one.next_at:%m-%d %H:%M}"
        click.echo(
            f"{one.delivery_id}\t{one.subscriber_id}\t{one.event}\t{one.state}\t{one.attempts}\t"
            f"{due}\t{one.fault}"
        )


@webhooks.command("replay")
@click.argument("delivery", type=int, default=0, required=False)
@home_option
def replay(delivery: int, home: Home) -> None:
    """Send a delivery again, or all that were given up."""
    click.echo(f"{_outbox(home).replay(at=now(), delivery_id=delivery):,} are on their way again")


def _outbox(home: Home) -> Outbox:
    from xinheng.database import open_database
    from xinheng.serving.delivery.store import Outbox

    return Outbox(open_database(home.database_url))
