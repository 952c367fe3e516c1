"""xinheng models watch and drill."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from xinheng.commands.edge import Moment, Output, home_option, now, progress
from xinheng.config import Home

TASK = click.argument("task", default="risk_class")
AS_OF = click.option("--as-of", type=Moment(), help="Only what was known by then.  [default: now]")


@click.command()
@TASK
@AS_OF
@click.option("--to", type=Output(), help="Also a page, an .html file.")
@click.option("--metrics", type=Output(), help="Also gauges, a .prom file for Prometheus.")
@click.option("--json", "json_file", type=Output(), help="Also everything as JSON.")
@home_option
def watch(
    task: str,
    as_of: datetime | None,
    to: Path | None,
    metrics: Path | None,
    json_file: Path | None,
    home: Home,
) -> None:
    """Hold the live version of TASK against its training; exits with 1 if an alarm is due.

    Looks at the population (stability index), coverage, classes, matured outcomes, the challenger
    in its shadow, and whether every source still sends records.
    """
    from xinheng.commands.study import write_json
    from xinheng.training.control.versions import plain
    from xinheng.training.watching.told import watch_page, watch_text, write_metrics
    from xinheng.training.watching.watch import watch as look

    with progress("watch") as on_step:
        seen = look(home, task, as_of or now(), on_step=on_step)
    click.echo(watch_text(seen))
    if to is not None:
        to.write_text(watch_page(seen), encoding="utf-8")
    if metrics is not None:
        write_metrics(seen, metrics)
    if json_file is not None:
        write_json(json_file, plain(seen.as_json()))
    if seen.alarms:
        raise SystemExit(1)


@click.command()
@TASK
@click.option("--drop", "dropped", required=True, help="The record table that falls silent.")
@click.option("--since", type=Moment(), help="From when on.  [default: a year before --as-of]")
@AS_OF
@home_option
def drill(
    task: str, dropped: str, since: datetime | None, as_of: datetime | None, home: Home
) -> None:
    """Show which classes would move if a source fell silent and nobody noticed."""
    from xinheng.training.watching.drill import drill as practise
    from xinheng.training.watching.drill import drill_text

    moment = as_of or now()
    begin = since or moment - timedelta(days=365)
    with progress("drill") as on_step:
        found = practise(home, task, dropped, moment, since=begin, on_step=on_step)
    click.echo(drill_text(found))
