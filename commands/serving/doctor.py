"""xinheng doctor: what is not well, and what to do."""

from __future__ import annotations

import sys

import click

from xinheng.commands.edge import home_option, now
from xinheng.config import Home


@click.command()
@home_option
def doctor(home: Home) -> None:
    """Look at lake, database, models, rules, scores, alerts and disk; each with what to do.

    Exits with 1 if something is not well.
    """
    from xinheng.serving.doctor import examine

    checks = examine(home, at=now())
    for one in checks:
        click.echo(f"{'well' if one.is_well else 'NOT WELL':<10}{one.name:<22}{one.told}")
        if one.remedy:
            click.echo(f"{'':<10}-> {one.remedy}")
    if not all(one.is_well for one in checks):
        sys.exit(1)
