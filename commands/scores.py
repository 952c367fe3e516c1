"""xinheng scores: everyone at a moment, or one enterprise."""

from __future__ import annotations

import json
import os
import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from xinheng.commands.edge import Moment, home_option, now, progress
from xinheng.config import Home

if TYPE_CHECKING:
    from xinheng.decisions.kept.facts import KeptChange


@click.group()
def scores() -> None:
    """Score everyone, or show one enterprise with its reasons."""


@scores.command("run")
@click.option("--as-of", type=Moment(), help="Only what was known by then.  [default: now]")
@click.option("--alerts/--no-alerts", default=True, show_default=True,
              help="Raise what the warning points find.")  # fmt: skip
@click.option("--processes", type=click.IntRange(1, 64), default=None,
              help="Beside each other on this machine.  [default: a process a core]")  # fmt: skip
@click.option("--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True,
              help="Where the parts are computed; both give the same bits.")  # fmt: skip
@click.option("--scheduler", default="", help="Address of a Dask scheduler.  [default: own]")
@click.option("--fresh", is_flag=True, help="Begin again instead of going on with a broken run.")
@home_option
def run(processes: int | None, home: Home, **how: Any) -> None:
    """Score everyone on the register with all live models, and raise alerts: the nightly run.

    Broken off anywhere, the same command goes on where it stopped. What it did is kept
    (`xinheng scores runs`); nothing of a run shows before all of it is there.
    """
    from xinheng.decisions.night.run import Wish, run_night

    wish = Wish(processes=processes or os.cpu_count() or 1, **how)
    with progress("scores") as on_step:
        done = run_night(home, wish, at=now(), stopwatch=perf_counter, on_step=on_step)
    told = ", ".join(f"{letter} {count:,}" for letter, count in done.classes.items())
    click.echo(f"scored {done.assessed:,} enterprises as of {done.as_of:%Y-%m-%d}: {told}")
    if done.moves:
        causes = ", ".join(f"{cause} {count:,}" for cause, count in done.causes.items())
        moves = ", ".join(f"{a.replace('>', ' -> ')} {n:,}" for a, n in done.moves.items())
        click.echo(f"{sum(done.moves.values()):,} changed class: {moves}; because of {causes}")
    if done.alerts:
        raised, late = sum(done.alerts.raised.values()), done.alerts.late
        click.echo(f"{raised:,} alerts raised, {late:,} of them late")
    else:
        click.echo(f"no alerts: {done.no_alerts}", err=True)
    if done.silent:
        click.echo(f"nobody has delivered: {', '.join(done.silent)}", err=True)
    laps = ", ".join(f"{name} {spent:.0f} s" for name, spent in done.seconds.items())
    click.echo(f"took {sum(done.seconds.values()):.0f} s: {laps}", err=True)


@scores.command("runs")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True, help="With all that each says of itself.")
@home_option
def runs(limit: int, as_json: bool, home: Home) -> None:  # noqa: FBT001
    """Print the last nightly runs, the newest first."""
    from xinheng.decisions.kept.store import DecisionStore

    found = DecisionStore.at(home.database_url).runs(limit)
    if as_json:
        click.echo(json.dumps([one.report for one in found], ensure_ascii=False, indent=2))
        return
    click.echo("run\tas of\tmade\tenterprises\tclasses\tchanged\talerts\tseconds")
    for one in found:
        told = one.report
        classes = " ".join(f"{letter} {n}" for letter, n in told.get("classes", {}).items())
        alerts = sum((told.get("alerts") or {}).get("raised", {}).values())
        spent = sum(told.get("seconds", {}).values())
        click.echo(
            f"{one.run_id}\t{one.as_of:%Y-%m-%d %H:%M}\t{one.made_at[:16]}\t{one.assessed}\t"
            f"{classes}\t{sum(told.get('moves', {}).values())}\t{alerts}\t{spent:.0f}"
        )


@scores.command("changes")
@click.argument("uscc", required=False, default="")
@click.option("--after", default=0, show_default=True, help="Only changes after this number.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1))
@home_option
def changes(uscc: str, after: int, limit: int, home: Home) -> None:
    """Print class changes, oldest first, tab-separated, each with its cause and all shares.

    A share is told in points of the score; with +lift where it moved the class beside the score.
    model: another version; rules: other hard rules or cuts; time: the old records at the new
    moment; related: news of those around; facts: new records; repair: what ends a record.
    """
    from xinheng.decisions.kept.store import DecisionStore
    from xinheng.domain import normal_uscc

    store = DecisionStore.at(home.database_url)
    found = store.changes(after=after, uscc=normal_uscc(uscc), limit=limit + 1)
    click.echo("change\tas of\tenterprise\tformer\tpresent\tcause\trules\tscore\tshares")
    for one in found[:limit]:
        rules = ",".join(one.rules)
        click.echo(
            f"{one.change_id}\t{one.as_of[:16]}\t{one.uscc}\t{one.former}\t{one.present}\t"
            f"{one.cause}\t{rules}\t{_scores(one)}\t{_shares(one)}"
        )
    if len(found) > limit:
        click.echo("there are more; raise --limit", err=True)


def _scores(one: KeptChange) -> str:
    """From which score to which; empty where it was not kept."""
    return "" if one.former_score is None else f"{one.former_score:.1f} -> {one.score:.1f}"


def _shares(one: KeptChange) -> str:
    told = [
        f"{share.cause} {share.points:+.1f}" + (f" lift {share.lift:+.1f}" if share.lift else "")
        for share in one.shares
    ]
    return ", ".join(told)


@scores.command("replay")
@click.argument("uscc")
@click.option("--run", "run_id", default=0, help="Number of the run.  [default: the newest]")
@home_option
def replay(uscc: str, run_id: int, home: Home) -> None:
    """Compute a kept score again from the same records and models, and hold it against that.

    Exits with 1 if anything came out otherwise, and says what.
    """
    from xinheng.decisions.kept.replay import replayed
    from xinheng.decisions.kept.store import DecisionStore
    from xinheng.domain import normal_uscc

    store = DecisionStore.at(home.database_url)
    found = replayed(home, store, normal_uscc(uscc), run_id)
    click.echo(
        f"{found.uscc} as of {found.as_of:%Y-%m-%d %H:%M} UTC, run {found.run_id}, lake batch "
        f"{found.lake_batch}, {', '.join(found.model_versions)}"
    )
    for one in found.differences:
        then, now_told = (json.dumps(v, ensure_ascii=False)[:200] for v in (one.then, one.now))
        click.echo(f"{one.part}: was {then}, is {now_told}")
    if not found.is_same:
        sys.exit(1)
    click.echo("the same to the last digit")


@scores.command("show")
@click.argument("uscc")
@home_option
def show(uscc: str, home: Home) -> None:
    """Print the current score, class and reasons of one enterprise as JSON.

    A former code stands for its firm; who is not scored is told why.
    """
    from xinheng.decisions.kept.store import DecisionStore
    from xinheng.domain import normal_uscc
    from xinheng.errors import NotFound, NotReady
    from xinheng.features.population import why_not_scored
    from xinheng.records.lake import Lake

    lake, at = Lake(home.lake), now()
    code = lake.successions().present(normal_uscc(uscc), at)
    try:
        answer = DecisionStore.at(home.database_url).answer(code)
    except (NotFound, NotReady):
        why = why_not_scored(lake, at, code)
        if why is None:
            raise
        raise NotFound(f"{code} has no score: {why[0]} ({why[1]})") from None
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
