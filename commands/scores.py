"""xinheng scores: everyone at a moment, or one enterprise."""

from __future__ import annotations

import json
from datetime import datetime

import click

from xinheng.commands.edge import Moment, home_option, now, progress
from xinheng.config import Home


@click.group()
def scores() -> None:
    """Score everyone, or show one enterprise with its reasons."""


@scores.command("run")
@click.option("--as-of", type=Moment(), help="Only what was known by then.  [default: now]")
@home_option
def run(as_of: datetime | None, home: Home) -> None:
    """Score every registered enterprise with the live model and keep the run."""
    from xinheng.commands.work import score_everyone

    with progress("scores") as on_step:
        counts, moment = score_everyone(home, as_of or now(), at=now(), on_step=on_step)
    told = ", ".join(f"{letter} {count:,}" for letter, count in counts.items())
    click.echo(f"scored {sum(counts.values()):,} enterprises as of {moment:%Y-%m-%d}: {told}")


@scores.command("show")
@click.argument("uscc")
@home_option
def show(uscc: str, home: Home) -> None:
    """Print the current score, class and reasons of one enterprise as JSON."""
    from xinheng.decisions.store import DecisionStore
    from xinheng.domain import normal_uscc

    answer = DecisionStore.at(home.database_url).answer(normal_uscc(uscc))
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
