"""xinheng models: train, tune, evaluate, compare, promote, roll back, watch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xinheng.commands.edge import Moment, Output, home_option, now, progress
from xinheng.commands.models.watching import drill, watch
from xinheng.commands.work import chances_of, go_live_or_try
from xinheng.config import Home

if TYPE_CHECKING:
    from xinheng.training.control.gates import Gate

Command = Callable[..., Any]
TASK = click.argument("task")
VERSION = click.argument("version")
UNTIL = click.option(
    "--until", type=Moment(), help="Only outcomes matured by then.  [default: the newest record]"
)
BY = click.option("--by", required=True, help="Who decides.")
REASON = click.option("--reason", default="", help="Why; written down.")


@click.group()
def models() -> None:
    """Train, compare and promote models; watch the live ones.

    TASK is risk_class, annual_report, unpaid_fine, food, drugs, construction or a file of
    HOME/tasks. A VERSION is named after its task and content, such as risk_class-1a2b3c4d.
    """


models.add_command(watch)
models.add_command(drill)


@models.command("train")
@click.argument("tasks", nargs=-1, required=True)
@UNTIL
@click.option("--days", type=click.IntRange(1), help="Only the last days of the training period.")
@click.option("--trials", type=click.IntRange(1), help="Search settings first, so many trials.")
@click.option("--own-settings", is_flag=True, help="The task's settings, not those found by tune.")
@click.option("--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True)
@click.option("--scheduler", default="", help="Address of a Dask scheduler.  [default: own cores]")
@home_option
def train_models(  # noqa: PLR0913, PLR0917  (one parameter an option)
    tasks: tuple[str, ...],
    until: datetime | None,
    days: int | None,
    trials: int | None,
    own_settings: bool,  # noqa: FBT001
    engine: str,
    scheduler: str,
    home: Home,
) -> None:
    """Train a version of each TASK; the test period is not read and nothing goes live.

    Prints the figures of rolling origins inside the training period.
    """
    from xinheng.training.control.runs import Wish, train_task

    wish = Wish(until, days, trials, engine, scheduler, own_settings=own_settings)
    for task in tasks:
        with progress(task) as on_step:
            done = train_task(home, task, wish, at=now(), on_step=on_step)
        click.echo(done.text)


@models.command("tune")
@TASK
@click.option("--trials", default=30, show_default=True, type=click.IntRange(1))
@UNTIL
@home_option
def tune_task(task: str, trials: int, until: datetime | None, home: Home) -> None:
    """Search settings on rolling origins inside the training period; goes on where it stopped.

    `train` uses what is found. Every trial is an MLflow run.
    """
    from xinheng.training.control.runs import search
    from xinheng.training.judging.tell import setting

    with progress(task) as on_step:
        found = search(home, task, trials, until, on_step=on_step)
    told = found.settings.model_dump()
    click.echo(
        f"{task}: average precision {found.value:.4f} over the origins, best of {found.trials} "
        f"trials ({found.pruned} given up early)"
    )
    click.echo(", ".join(f"{name} {setting(value)}" for name, value in told.items()))


@models.command("evaluate")
@VERSION
@click.option(
    "--truth", type=click.Path(path_type=Path), help="Of a made-up city: adds the oracle's ceiling."
)
@click.option("--again", is_flag=True, help="Read the test period once more; it is counted.")
@click.option("--json", "json_file", type=Output(), help="Write everything here.")
@UNTIL
@home_option
def evaluate(
    version: str,
    truth: Path | None,
    again: bool,  # noqa: FBT001
    json_file: Path | None,
    until: datetime | None,
    home: Home,
) -> None:
    """Read the test period of a VERSION, once, and print what it says.

    Figures with intervals beside an expert scorecard, logistic regression and simple rankers;
    problems by class; groups; leak probes. The second time the first reading is printed. Exits
    with 1 if a leak is suspected.
    """
    from xinheng.commands.study import write_json
    from xinheng.training.control.evaluating import evaluated
    from xinheng.training.judging.tell import evaluation_text

    chances = chances_of(truth, version) if truth else None
    with progress(version) as on_step:
        told = evaluated(
            home, version, at=now(), until=until, chances=chances, again=again, on_step=on_step
        )
    click.echo(evaluation_text(told))
    if json_file is not None:
        write_json(json_file, told)
    if told["suspects"] or told["rows_after_event"]:
        raise SystemExit(1)


@models.command("compare")
@click.argument("first")
@click.argument("second")
@click.option("--to", type=Output(), help="Also a page with plots, an .html file.")
@UNTIL
@home_option
def compare(first: str, second: str, to: Path | None, until: datetime | None, home: Home) -> None:
    """Hold the version SECOND against FIRST on the same cases.

    Prints each figure with the interval of its difference, how the classes move, and the
    enterprises that move most with their reasons.
    """
    from xinheng.training.control.comparing import compare_versions
    from xinheng.training.control.pages import comparison_page, comparison_text

    with progress("compare") as on_step:
        found = compare_versions(home, first, second, until=until, on_step=on_step)
    click.echo(comparison_text(found))
    if to is not None:
        to.write_text(comparison_page(found), encoding="utf-8")
        click.echo(f"wrote {to}", err=True)


@models.command("promote")
@VERSION
@BY
@click.option("--second", default="", help="A second name, with --override.")
@REASON
@click.option("--override", is_flag=True, help="Although a gate fails; wants reason and two names.")
@click.option("--dry-run", is_flag=True, help="Only print the gates.")
@UNTIL
@home_option
def promote_version(  # noqa: PLR0913, PLR0917  (one parameter an option)
    version: str,
    by: str,
    second: str,
    reason: str,
    override: bool,  # noqa: FBT001
    dry_run: bool,  # noqa: FBT001
    until: datetime | None,
    home: Home,
) -> None:
    """Make a VERSION live if it holds every gate.

    Gates: catalogue, window, leaks, capacity, calibration, contract, monotone, records, fairness,
    stability, reasons. A version that fails is refused with the gate named.
    """
    from xinheng.training.control.promote import looked_at, promote
    from xinheng.training.control.tracking import CHAMPION, set_alias
    from xinheng.training.control.versions import task_of

    with progress(version) as on_step:
        if dry_run:
            gates = looked_at(home, version, until=until, on_step=on_step)
        else:
            done = promote(
                home, version, at=now(), by=by, second=second, reason=reason, override=override,
                until=until, on_step=on_step,
            )  # fmt: skip
            gates = done.gates
            set_alias(home.mlruns, task_of(version), version, CHAMPION)
            _write_card(home, version)
    _print_gates(gates)
    click.echo("not promoted: a dry run" if dry_run else f"{version} is live")
    if dry_run and not all(gate.is_passed for gate in gates):
        raise SystemExit(1)


@models.command("try")
@VERSION
@BY
@REASON
@home_option
def try_version(version: str, by: str, reason: str, home: Home) -> None:
    """Use a VERSION on trial: live, although it does not hold every gate.

    Its scores, lists and pages say that it is on trial, and the ledger which gates it does not
    hold. A version that holds them all is promoted.
    """
    with progress(version) as on_step:
        done = go_live_or_try(home, version, at=now(), by=by, reason=reason, on_step=on_step)
    _print_gates(done.gates)
    failed = ", ".join(done.entry.failed_gates)
    click.echo(f"{version} is on trial: {failed} not held" if failed else f"{version} is live")


def _print_gates(gates: Sequence[Gate]) -> None:
    for gate in gates:
        click.echo(f"{'passes' if gate.is_passed else 'FAILS ':<8}{gate.name:<13}{gate.told}")


@models.command("rollback")
@TASK
@BY
@REASON
@home_option
def rollback(task: str, by: str, reason: str, home: Home) -> None:
    """Make the version live again that was so before the present one."""
    from xinheng.training.control.promote import roll_back
    from xinheng.training.control.tracking import CHAMPION, set_alias

    entry = roll_back(home, task, at=now(), by=by, reason=reason)
    set_alias(home.mlruns, task, entry.version, CHAMPION)
    click.echo(f"{entry.version} is live again, in place of {entry.former}")


@models.command("retire")
@TASK
@BY
@REASON
@home_option
def retire_task(task: str, by: str, reason: str, home: Home) -> None:
    """Take the live version of a TASK out of use, without another in its place."""
    from xinheng.training.control.promote import retire
    from xinheng.training.control.tracking import CHAMPION, drop_alias

    entry = retire(home, task, at=now(), by=by, reason=reason)
    drop_alias(home.mlruns, task, CHAMPION)
    click.echo(f"{entry.version} is retired; no version of {task} is live")


@models.command("challenge")
@VERSION
@BY
@REASON
@home_option
def challenge_version(version: str, by: str, reason: str, home: Home) -> None:
    """Let a VERSION be scored in the shadow of the live one; `watch` tells how it does."""
    from xinheng.training.control.promote import challenge
    from xinheng.training.control.tracking import CHALLENGER, set_alias
    from xinheng.training.control.versions import task_of

    challenge(home, version, at=now(), by=by, reason=reason)
    set_alias(home.mlruns, task_of(version), version, CHALLENGER)
    click.echo(f"{version} is the challenger")


@models.command("history")
@click.argument("task", required=False, default="")
@click.option("--on", type=Moment(), help="Only: which version was live at that moment.")
@home_option
def history(task: str, on: datetime | None, home: Home) -> None:
    """Print the ledger of promotions, tab-separated; it only grows."""
    from xinheng.models.promotions import Promotions

    with Promotions.at(home.database_url) as ledger:
        entries = ledger.history(task)
        live = {name: ledger.champion(name, on) for name in sorted({one.task for one in entries})}
    if on is not None:
        for name, version in live.items():
            click.echo(f"{name}\t{version or 'none'}")
        return
    click.echo("number\tat\ttask\taction\tversion\tformer\tby\tsecond\treason")
    for one in entries:
        click.echo(
            f"{one.number}\t{one.at:%Y-%m-%d %H:%M:%S}\t{one.task}\t{one.action}\t{one.version}\t"
            f"{one.former}\t{one.by}\t{one.second}\t{one.reason}"
        )


@models.command("list")
@click.argument("task", required=False, default="")
@home_option
def list_versions(task: str, home: Home) -> None:
    """Print the versions that there are, tab-separated."""
    from xinheng.models.promotions import Promotions
    from xinheng.training.control.versions import versions

    ledger = Promotions.at(home.database_url)
    click.echo("version\tstanding\tevaluated\ttrained on\trows\tproblems")
    for one in versions(home, task):
        standing = {
            ledger.champion(one.task): "champion",
            ledger.challenger(one.task): "challenger",
        }.get(one.name, "")
        facts = one.facts
        click.echo(
            f"{one.name}\t{standing}\t{'yes' if one.is_evaluated else 'no'}\t"
            f"{facts['data_window']}\t{facts['rows']:,}\t{facts['problems']:,}"
        )
    ledger.close()


@models.command("card")
@VERSION
@home_option
def card(version: str, home: Home) -> None:
    """Write the model card of an evaluated VERSION, HTML and Markdown with plots; print where."""
    with progress(version):
        folder = _write_card(home, version)
    click.echo(folder / "card.html")
    click.echo(folder / "card.md")


def _write_card(home: Home, version: str) -> Path:
    from xinheng.training.control.card import write_card

    return write_card(home, version, at=now())
