"""Which open alerts are over: repaired records vanish on the same day (README, section 13.6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from xinheng.decisions.alerts.alert import NO_DUTY, NO_RECORD, Alert
from xinheng.decisions.alerts.points import Point

EXPIRED = "expired"
ENDED: Mapping[str, str] = {
    "performed": "performed",
    "performed_late": "performed late",
    "waived": "waived",
    "paused": "paused",
}
"""States of a duty that end its warnings, and how that is told."""


@dataclass(frozen=True, slots=True)
class Present:
    """What is so at the moment of a run."""

    at: datetime
    usccs: Collection[str]
    duties: Mapping[str, str]
    """State of each duty by its id."""
    holding: Mapping[str, frozenset[str]]
    """By point of whom a state holds."""
    facts: Mapping[str, frozenset[str]]
    """By point the subjects of events that still count."""


def ended(
    open_ones: Sequence[Alert], points: Sequence[Point], present: Present
) -> list[tuple[Alert, str]]:
    """The alerts whose ground is gone, each with the reason."""
    by_id = {point.id: point for point in points}
    told = ((one, _reason(one, by_id.get(one.point), present)) for one in open_ones)
    return [(one, reason) for one, reason in told if reason]


def _reason(one: Alert, point: Point | None, present: Present) -> str:
    if point is None:
        return "the point is no longer used"
    if one.uscc not in present.usccs:
        return "no longer on the register"
    if one.due_at is not None:
        return _of_duty(one, point, present)
    if one.subject:
        is_so = one.subject in present.facts.get(one.point, frozenset())
        return "" if is_so else NO_RECORD
    is_so = one.uscc in present.holding.get(one.point, frozenset())
    return "" if is_so else "no longer so"


def _of_duty(one: Alert, point: Point, present: Present) -> str:
    state = present.duties.get(one.subject)
    waits = point.deadline.waits if point.deadline else ()
    if state is not None and state in ENDED and state not in waits:
        return ENDED[state]
    is_past = one.due_at is not None and present.at >= one.due_at
    if is_past and point.deadline and point.deadline.is_ahead:
        return EXPIRED  # whether it was performed may never be known
    return NO_DUTY if state is None else ""
