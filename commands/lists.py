"""xinheng lists: whom to visit, in which order, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click

from xinheng.commands.edge import Output, home_option, now
from xinheng.config import Home

FORM = click.option(
    "--format", "form", type=click.Choice(["csv", "xlsx", "json"]), default="csv", show_default=True
)
OUTPUT = click.option("--output", type=Output(), help="File to write.  [default: stdout]")

WAYS_ON = {
    "no_officer": "use --officer, or officer in xinheng.toml",
    "stale_scores": "run `xinheng scores run` first, or say --stale",
}


@click.group()
def lists() -> None:
    """Draw and print the ranked inspection list."""


@lists.command("draw")
@click.option("--top", default=50, show_default=True, type=click.IntRange(min=1))
@click.option("--officer", default="", help="Who answers for it; without a name it is a draft.")
@click.option("--stale", is_flag=True,
              help="The officer says that stale scores may be used; it is recorded.")  # fmt: skip
@FORM
@OUTPUT
@home_option
def draw(
    top: int,
    officer: str,
    stale: bool,  # noqa: FBT001
    form: Literal["csv", "xlsx", "json"],
    output: Path | None,
    home: Home,
) -> None:
    """Draw the TOP riskiest enterprises of the current scores, keep the list and print it."""
    from xinheng.commands.work import draw_list
    from xinheng.decisions.lists import rendered

    drawn = draw_list(home, top=top, officer=officer, at=now(), stale=stale)
    moment, age = f"{drawn.as_of:%Y-%m-%d %H:%M} UTC", drawn.scores_age_days
    click.echo(f"list {drawn.list_id} of scores as of {moment}, {age} days old", err=True)
    if drawn.is_draft:
        ways = (WAYS_ON[reason] for reason in drawn.draft_reasons)
        click.echo(f"{drawn.draft_note('en')}; {'; '.join(ways)}", err=True)
    _write(rendered(drawn, form), output)


@lists.command("show")
@FORM
@OUTPUT
@home_option
def show(form: Literal["csv", "xlsx", "json"], output: Path | None, home: Home) -> None:
    """Print the list that was drawn last."""
    from xinheng.decisions.kept.store import DecisionStore
    from xinheng.decisions.lists import rendered

    _write(rendered(DecisionStore.at(home.database_url).current_list(), form), output)


def _write(content: bytes, output: Path | None) -> None:
    if output is not None:
        output.write_bytes(content)
        click.echo(f"wrote {output}", err=True)
        return
    sys.stdout.buffer.write(content)
    sys.stdout.flush()
