"""xinheng scores: everyone at a moment, or one enterprise."""

from __future__ import annotations

import json
import sys
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
        done = score_everyone(home, as_of or now(), at=now(), on_step=on_step)
    told = ", ".join(f"{letter} {count:,}" for letter, count in done.counts.items())
    everyone = sum(done.counts.values())
    click.echo(f"scored {everyone:,} enterprises as of {done.as_of:%Y-%m-%d}: {told}")
    if done.moves:
        causes = ", ".join(f"{cause} {count:,}" for cause, count in sorted(done.causes.items()))
        moves = ", ".join(f"{a} -> {b} {count:,}" for (a, b), count in sorted(done.moves.items()))
        click.echo(f"{sum(done.moves.values()):,} changed class: {moves}; because of {causes}")
    click.echo(f"took {done.seconds:.0f} s", err=True)


@scores.command("changes")
@click.argument("uscc", required=False, default="")
@click.option("--after", default=0, show_default=True, help="Only changes after this number.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1))
@home_option
def changes(uscc: str, after: int, limit: int, home: Home) -> None:
    """Print class changes, oldest first, tab-separated, each with its cause.

    rules: a hard rule began or ended; model: another version; facts: records arrived; time: none
    of these.
    """
    from xinheng.decisions.kept.store import DecisionStore
    from xinheng.domain import normal_uscc

    store = DecisionStore.at(home.database_url)
    found = store.changes(after=after, uscc=normal_uscc(uscc), limit=limit + 1)
    click.echo("change\tas of\tenterprise\tformer\tpresent\tcause\trules")
    for one in found[:limit]:
        rules = ",".join(one.rules)
        click.echo(
            f"{one.change_id}\t{one.as_of[:16]}\t{one.uscc}\t{one.former}\t{one.present}\t"
            f"{one.cause}\t{rules}"
        )
    if len(found) > limit:
        click.echo("there are more; raise --limit", err=True)


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
    """Print the current score, class and reasons of one enterprise as JSON."""
    from xinheng.decisions.kept.store import DecisionStore
    from xinheng.domain import normal_uscc

    answer = DecisionStore.at(home.database_url).answer(normal_uscc(uscc))
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
