"""The law of fines in plain Python, day by day: slow, written for the tests alone.

Working days come from another source than the product's files where that knows the year.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import chinese_calendar

FIXED = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}
NO_END = date(2099, 12, 31)
ONE_DAY = timedelta(days=1)


def is_worked(day: date) -> bool:
    if 2004 <= day.year <= 2026:
        return bool(chinese_calendar.is_workday(day))
    return day.weekday() < 5 and (day.month, day.day) not in FIXED


def settled(day: date) -> date:
    """A last day that is not worked moves on, day by day."""
    while not is_worked(day):
        day += ONE_DAY
    return day


@dataclass
class Fine:
    """One decision, and what became known of it."""

    fen: int
    served_on: date
    due_on: date | None = None
    is_fixed: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def in_order(self) -> list[dict[str, Any]]:
        return sorted(
            self.events,
            key=lambda e: (e["occurred_on"], (e["amount_fen"] or 0) < 0, e["known_at"], e["id"]),
        )

    @property
    def term(self) -> date:
        if self.due_on is not None:
            return self.due_on if self.is_fixed else settled(self.due_on)
        return settled(self.served_on + timedelta(days=15))

    def paid_by(self, day: date) -> int:
        """Paid up to and including a day, less what was taken back."""
        return sum(
            (self.fen if e["amount_fen"] is None and e["event_kind"] == "paid" else e["amount_fen"])
            or 0
            for e in self.events
            if e["event_kind"] in {"paid", "part_paid", "court_enforced"}
            and e["occurred_on"] <= day
        )

    def paid_since(self, need: int) -> date | None:
        """The day from which on so much stays paid."""
        days = sorted({e["occurred_on"] for e in self.events})
        since = None
        for day in days:
            if self.paid_by(day) < need:
                since = None
            elif since is None:
                since = day
        return since

    @property
    def dates(self) -> list[tuple[date, int]]:
        """Each last day with what must be paid in all by then; a promise without a day is none."""
        promised = [e for e in self.in_order if e["new_due_on"]]
        approved = [e for e in promised if e["event_kind"] == "instalment_approved"]
        plan_day = approved[-1]["occurred_on"] if approved else date.min
        deferred = [
            settled(e["new_due_on"])
            for e in promised
            if e["event_kind"] == "deferral_approved" and e["occurred_on"] >= plan_day
        ]
        parts = [
            (settled(e["new_due_on"]), e["amount_fen"] or 0)
            for e in approved
            if e["occurred_on"] == plan_day
        ]
        planned = len(parts)
        for e in self.in_order:
            if e["event_kind"] != "instalment_due" or e["occurred_on"] < plan_day:
                continue
            part = settled(e["new_due_on"] or e["occurred_on"]), e["amount_fen"] or 0
            agreed = [i for i in range(planned) if parts[i][0] == part[0]]
            if agreed:
                parts[agreed[0]] = (part[0], max(part[1], parts[agreed[0]][1]))
            else:
                parts.append(part)
        if not parts:
            return [(deferred[-1] if deferred else self.term, self.fen)]
        is_whole = planned or deferred or min(amount for _, amount in parts) <= 0
        if deferred:
            parts = [(max(day, deferred[-1]), amount) for day, amount in parts]
        needs, total = [], 0
        for day, amount in sorted(parts, key=lambda part: part[0]):
            total = min(total + max(amount, 1), self.fen)
            needs.append((day, total))
        return [*needs[:-1], (needs[-1][0], self.fen)] if is_whole else needs

    @property
    def is_moved(self) -> bool:
        kinds = {e["event_kind"] for e in self.events}
        return bool(kinds & {"instalment_approved", "instalment_due", "deferral_approved"})

    def state(self, today: date) -> tuple[str, date, date | None]:
        """State on a day, its last day, and the day on which all was paid."""
        paid_on = self.paid_since(self.fen)
        if paid_on is not None:
            missed = [day for day, need in self.dates if _is_late(self.paid_since(need), day)]
            last = missed[0] if missed else self.dates[-1][0]
            return ("performed_late" if paid_on > last else "performed"), last, paid_on
        open_days = [day for day, need in self.dates if self.paid_since(need) is None]
        last = open_days[0] if open_days else NO_END
        if today > last:
            return "overdue", last, None
        return ("paused" if self.is_moved else "open"), last, None


def _is_late(paid_on: date | None, day: date) -> bool:
    return paid_on is not None and paid_on > day


def known(events: Iterable[dict[str, Any]], by: date) -> Sequence[dict[str, Any]]:
    return [event for event in events if event["known_at"] <= by]
