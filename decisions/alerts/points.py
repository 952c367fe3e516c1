"""The warning points as data: what raises an alert, and how grave it is."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xinheng.decisions.alerts.measures import Measure
from xinheng.errors import BadMapping
from xinheng.features.declared import expression
from xinheng.features.others.links import links
from xinheng.records.duties.rules import clocks
from xinheng.records.sources.mapping import first_fault, read_toml

Level = Literal["blue", "yellow", "red"]
"""Remind, prevent, act now."""
RANK: dict[str, int] = {"blue": 0, "yellow": 1, "red": 2}


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Deadline(_Strict):
    """A duty that is open so many hours before its end, or overdue since."""

    kind: str
    hours: int = Field(description="Before the end; 0: once it has passed; below 0: so long after")
    of: Literal["due_at", "grace_until", "ends_at"] = "due_at"
    rule: str = Field("", description="Only duties whose end follows this clock, such as LC09")
    states: tuple[Literal["open", "paused", "overdue"], ...] = Field(
        (), description="States in which it is raised; empty: ahead open, afterwards overdue"
    )
    model: str = Field("", description="Task whose live model must see a risk above the budget")

    @property
    def is_ahead(self) -> bool:
        return self.hours > 0

    @property
    def waits(self) -> tuple[str, ...]:
        """States of a duty in which the point is raised, and goes on."""
        if self.states:
            return self.states
        if not self.is_ahead:
            return ("overdue",)
        return ("open",) if self.of == "due_at" else ("open", "overdue")


class Event(_Strict):
    """A record that became known and is not old."""

    table: str
    where: str
    recent_days: int = Field(60, ge=1, description="Older facts that arrive late raise nothing")
    after_hours: int = Field(0, ge=0, description="Raised when it still holds so much later")
    is_proven: bool = Field(False, description="Only where proofs of the table's duty come")


class Graver(_Strict):
    """From this value of the first measure on the point is graver."""

    level: Level
    at_least: float


class Point(_Strict):
    """One warning point; each of its triggers raises it."""

    id: str = Field(pattern=r"^W\d{2}$")
    level: Level
    name_zh: str
    name_en: str
    deadline: Deadline | None = None
    event: tuple[Event, ...] = ()
    red_facts: bool = False
    state: tuple[Measure, ...] = ()
    graver: Graver | None = None

    @model_validator(mode="after")
    def _has_a_trigger(self) -> Self:
        if not (self.deadline or self.events or self.state):
            raise ValueError(f"{self.id} has no trigger: deadline, event, red_facts or state")
        if self.graver and not self.state:
            raise ValueError(f"{self.id}: `graver` belongs to `state`")
        return self

    @property
    def events(self) -> tuple[Event, ...]:
        """Its own events, then the red facts of the same number."""
        if not self.red_facts:
            return self.event
        facts = [
            Event(table=one.table, where=one.still, is_proven=one.is_proven)
            for one in links().red
            if one.id == self.id
        ]
        return (*self.event, *facts)


class _PointFile(_Strict):
    point: tuple[Point, ...]


def load_points(own: Path | None = None) -> tuple[Point, ...]:
    """The points of a deployment's own file where there is one, else the delivered 49.

    Raises
    ------
    BadMapping
        If the file is none of points, a point stands there twice, or a duty's kind is unknown.
    UnknownName
        If a table, column or indicator is unknown.
    """
    delivered = Path(str(files("xinheng.decisions.alerts") / "points.toml"))
    path = own if own is not None and own.exists() else delivered
    try:
        points = _PointFile.model_validate(read_toml(path)).point
    except ValidationError as fault:
        raise first_fault(path, fault) from None
    _check(points, path.name)
    return points


def _check(points: Sequence[Point], where: str) -> None:
    ids = [point.id for point in points]
    if len({*ids}) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise BadMapping(f"{where}: {twice} stands there twice")
    kinds = {"annual_report", "penalty_payment", *(duty.kind for duty in clocks().duties)}
    for point in points:
        if point.deadline and point.deadline.kind not in kinds:
            raise BadMapping(
                f"{where}, {point.id}: {point.deadline.kind} is no kind of duty",
                hint=f"one of {', '.join(sorted(kinds))}",
            )
        for event in point.events:
            expression(event.where, event.table, where=f"{where}, {point.id}")
        for measure in point.state:
            _ = measure.asked  # an unknown name is told now
