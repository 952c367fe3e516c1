"""The process's edge: the clock, the home folder and progress on stderr."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from xinheng.config import Home
from xinheng.moments import read_moment

DEFAULT_HOME = "xinheng-home"


def now() -> datetime:
    """The present moment; the only clock of the command line."""
    return datetime.now(UTC)  # noqa: TID251


class Moment(click.ParamType[datetime]):
    """A date or a time; without a zone it is Asia/Shanghai, and a date is its last moment."""

    name = "moment"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return read_moment(value)
        except ValueError as fault:
            self.fail(str(fault), param, ctx)


Command = TypeVar("Command", bound=Callable[..., Any])


def home_option(function: Command) -> Command:
    """Add `--home`, passed to the command as a `Home`."""
    return click.option(
        "--home",
        default=DEFAULT_HOME,
        show_default=True,
        envvar="XINHENG_HOME",
        callback=lambda _, __, value: Home.at(Path(value)),
        help="Folder with the lake, models, database and xinheng.toml.",
    )(function)


class Output(click.Path):
    """A file to write: its folder is looked at before any work is done."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(str(super().convert(value, param, ctx)))
        if not path.resolve().parent.is_dir():
            self.fail(f"the folder of {str(value)!r} does not exist", param, ctx)
        return path


SHARE = re.compile(r"([\d,]+) of ([\d,]+)")
"""What a step says of how far it is, such as `part 3 of 12`."""


@contextmanager
def progress(title: str) -> Iterator[Callable[[str], None]]:
    """Tell on stderr which step is under way, for how long, and how much of it is done.

    A bar on a terminal, else a line a step.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda step: click.echo(f"{title}: {step}", err=True)
        return
    columns = (
        SpinnerColumn(), TimeElapsedColumn(), BarColumn(bar_width=20),
        TextColumn("{task.description}", markup=False),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)

        def told(step: str) -> None:
            done, total = share_done(step)
            bar.update(task, description=f"{title}: {step}", completed=done, total=total)

        yield told


def share_done(step: str) -> tuple[float, float | None]:
    """How far a step is: parts done and parts in all; no total where it does not say."""
    found = SHARE.findall(step)
    if not found:
        return 0, None
    done, total = (float(number.replace(",", "")) for number in found[-1])
    return (done, total) if 0 < done <= total else (0, None)
