"""A drill: which classes would move if a source fell silent and nobody noticed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from xinheng.config import Home
from xinheng.errors import BadRequest, NotReady, UnknownName
from xinheng.features.engine.compute import compute
from xinheng.features.population import sector_population
from xinheng.models.artifact import load_model
from xinheng.models.score import LETTERS, class_of, score
from xinheng.records.lake import Lake
from xinheng.records.tables import tables
from xinheng.training.cohorts.material import Step
from xinheng.training.cohorts.task import load_task
from xinheng.training.control.promote import champion_of
from xinheng.training.control.versions import version
from xinheng.training.watching.sources import Silent

SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What the silence of a table would do to the classes."""

    version: str
    dropped: str
    since: datetime
    asked: int
    table: tuple[tuple[int, ...], ...]
    """Enterprises by class with the source (rows) and without it (columns)."""
    better: tuple[tuple[str, float, float], ...]
    """Whose score would fall most: code, score with and without."""

    @property
    def moved(self) -> int:
        return self.asked - sum(row[n] for n, row in enumerate(self.table))

    @property
    def improved(self) -> int:
        """Enterprises that would look better than they are."""
        return sum(n for i, row in enumerate(self.table) for j, n in enumerate(row) if j < i)


def drill(
    home: Home,
    name: str,
    dropped: str,
    as_of: datetime,
    *,
    since: datetime,
    on_step: Step = lambda _: None,
) -> Drill:
    """Score everyone as if a table had stopped at a moment, and nobody had said so.

    Raises
    ------
    UnknownName, BadRequest
        If there is no such table, or the task has no classes.
    """
    task, lake = load_task(name, home.tasks), Lake(home.lake)
    if dropped not in tables():
        raise UnknownName("table", dropped, tables())
    if not task.classified:
        raise BadRequest(f"{name} has no classes that could move")
    live = champion_of(home, name)
    if live is None:
        raise NotReady(f"no version of {name} is live", hint="xinheng models promote VERSION")
    model = load_model(version(home, live).folder)
    everyone = sector_population(lake, as_of, task.sector)
    found = []
    for source in (lake, Silent(lake, dropped, since)):
        on_step("with everything" if source is lake else f"without {dropped}")
        scored = score(model, compute(model.indicators, everyone, source))
        found.append(scored["score"].to_numpy())
    places = [class_of(one, home.classes.cuts) for one in found]
    counts = np.zeros((len(LETTERS), len(LETTERS)), dtype=np.int64)
    np.add.at(counts, tuple(places), 1)
    order = np.argsort(found[1] - found[0], kind="stable")[:SHOWN]
    return Drill(
        version=live,
        dropped=dropped,
        since=since,
        asked=everyone.height,
        table=tuple(tuple(int(n) for n in row) for row in counts),
        better=tuple(
            (everyone["uscc"][int(n)], float(found[0][n]), float(found[1][n])) for n in order
        ),
    )


def drill_text(found: Drill) -> str:
    """What `xinheng models drill` prints."""
    lines = [
        (
            f"{found.version}: if {found.dropped} had been silent since {found.since:%Y-%m-%d}, "
            f"{found.moved:,} of {found.asked:,} would be in another class, "
            f"{found.improved:,} in a better one"
        ),
        "",
        "with    " + "".join(f"{f'-> {letter}':>9}" for letter in LETTERS),
    ]
    lines += [
        f"{letter:<8}" + "".join(f"{n:>9,}" for n in row)
        for letter, row in zip(LETTERS, found.table, strict=True)
    ]
    lines += ["", "whose score would fall most:"]
    return "\n".join([*lines, *(f"  {u}  {a:.0f} -> {b:.0f}" for u, a, b in found.better)])
