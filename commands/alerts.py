"""xinheng alerts: warnings 72 hours before a deadline, of new facts and of states."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import click

from xinheng.commands.edge import Moment, home_option, now, progress
from xinheng.config import Home

if TYPE_CHECKING:
    from xinheng.decisions.alerts.alert import Alert
    from xinheng.decisions.alerts.run import RunReport

LATER_STEPS = ("read", "handled", "closed")


@click.group()
def alerts() -> None:
    """Warn of duties before their deadline, of new facts and of states.

    49 warning points are data. A run raises what is new, ends what is over, and tells both. An
    alert is for a named officer (`officer` in xinheng.toml); without one it is a draft.
    """


@alerts.command("run")
@click.option("--as-of", type=Moment(), help="Only what was known by then.  [default: now]")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@home_option
def run(as_of: datetime | None, as_json: bool, home: Home) -> None:  # noqa: FBT001
    """Run every warning point; once a night, at 22:00, is enough to be 72 hours early."""
    from xinheng.commands.work import warn
    from xinheng.decisions.alerts.run import plain

    with progress("alerts") as on_step:
        report = warn(home, as_of or now(), at=now(), on_step=on_step)
    if as_json:
        click.echo(json.dumps(plain(report), ensure_ascii=False))
    else:
        click.echo(report_text(report))


@alerts.command("list")
@click.option("--level", type=click.Choice(["blue", "yellow", "red"]), help="Only of this level.")
@click.option("--point", default="", help="Only of this warning point, such as W02.")
@click.option("--uscc", default="", help="Only of this enterprise.")
@click.option("--all", "everything", is_flag=True, help="Those that are over too.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1))
@home_option
def list_alerts(
    level: str | None,
    point: str,
    uscc: str,
    everything: bool,  # noqa: FBT001
    limit: int,
    home: Home,
) -> None:
    """Print alerts, oldest first, tab-separated."""
    from xinheng.decisions.alerts.alert import NEXT, OPEN_STEPS
    from xinheng.decisions.alerts.store import AlertStore
    from xinheng.domain import normal_uscc

    with AlertStore.at(home.database_url) as store:
        found = store.alerts(
            states=[*NEXT] if everything else OPEN_STEPS, level=level or "", point=point,
            uscc=normal_uscc(uscc), limit=limit + 1,
        )  # fmt: skip
    click.echo("alert\tlevel\tpoint\twhat\tenterprise\tsubject\tdue\tprobability\tstate\tofficer")
    for one in found[:limit]:
        click.echo(_line(one))
    if len(found) > limit:
        click.echo("there are more; raise --limit", err=True)


@alerts.command("show")
@click.argument("alert", type=int)
@home_option
def show(alert: int, home: Home) -> None:
    """Print one alert with its records and every step as JSON."""
    from xinheng.decisions.alerts.store import AlertStore

    with AlertStore.at(home.database_url) as store:
        told = store.alert(alert).as_json()
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))


@alerts.command("step")
@click.argument("alert", type=int)
@click.argument("step", type=click.Choice(LATER_STEPS))
@click.option("--by", required=True, help="Who takes the step, by name.")
@click.option("--measure", default="", help="What was done, such as M18.")
@click.option("--result", default="", help="What came of it.")
@click.option("--note", default="", help="Anything else.")
@home_option
def take_step(  # noqa: PLR0913, PLR0917  (what a step says)
    alert: int, step: str, by: str, measure: str, result: str, note: str, home: Home
) -> None:
    """Say that an alert was read, handled or closed, with name and time."""
    from xinheng.decisions.alerts.alert import Taken
    from xinheng.decisions.alerts.store import AlertStore

    taken = Taken(step, now(), by, measure, result, note)  # type: ignore[arg-type]
    with AlertStore.at(home.database_url) as store:
        told = store.step(alert, taken)
    click.echo(f"alert {told.alert_id} ({told.point} {told.title_zh}, {told.uscc}): {told.state}")


@alerts.command("points")
@home_option
def points(home: Home) -> None:
    """Print the warning points in use."""
    from xinheng.decisions.alerts.points import load_points

    for one in load_points(home.warning_points):
        click.echo(f"{one.id}\t{one.level}\t{one.name_zh}\t{one.name_en}")


def report_text(report: RunReport) -> str:
    """What a run did, for people."""
    raised = sum(report.raised.values())
    lines = [
        (
            f"as of {report.as_of:%Y-%m-%d %H:%M} UTC: {report.enterprises:,} enterprises, "
            f"{report.duties:,} duties; {raised:,} alerts raised"
        )
    ]
    lines += [f"  {point}  {count:,}" for point, count in report.raised.items()]
    over = sum(report.over.values())
    told = [
        (report.held_back, "kept back by lot, to measure what reminders do"),
        (report.late, "raised after the time at which they should have left"),
        (report.drafts, "drafts: no officer is named in xinheng.toml, so nobody may act on them"),
        (report.quiet, "found and raised before"),
        (over, "over: " + ", ".join(f"{why} {n:,}" for why, n in report.over.items())),
        (
            sum(report.baseline.values()),
            "states held before the first run and are not told as new",
        ),
    ]
    lines += [f"{count:,} {words}" for count, words in told if count]
    lines += [f"{point} is off: no version of {task} is live" for point, task in report.off.items()]
    return "\n".join(lines)


def _line(one: Alert) -> str:
    due = "" if one.due_at is None else f"{one.due_at:%Y-%m-%d %H:%M}"
    chance = "" if one.probability is None else f"{one.probability:.3f}"
    return "\t".join(
        (
            str(one.alert_id), one.level, one.point, one.title_zh, one.uscc, one.subject, due,
            chance, one.state, one.officer,
        )
    )  # fmt: skip
