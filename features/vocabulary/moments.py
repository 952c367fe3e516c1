"""Conditions that hold only for a time: they become the moments from and until a row takes part."""

from __future__ import annotations

import polars as pl

from xinheng.features.vocabulary.fold import Rows
from xinheng.records.duties.days import end_of, first_moment

WAITING = ("open", "paused")
"""Standings of a duty that turn overdue at its deadline."""


def past(day: str) -> Rows:
    """`day < as_of`: the legal day is over."""
    return Rows(pl.col(day).is_not_null(), f"{day} < as_of", begins=end_of(pl.col(day)))


def begun(day: str) -> Rows:
    """`day <= as_of`: the legal day has begun."""
    return Rows(pl.col(day).is_not_null(), f"{day} <= as_of", begins=first_moment(pl.col(day)))


def ahead(day: str) -> Rows:
    """`day >= as_of`: the legal day is not over."""
    return Rows(pl.col(day).is_not_null(), f"{day} >= as_of", ends=end_of(pl.col(day)))


def lasting(day: str) -> Rows:
    """`day is null or day >= as_of`."""
    ends = end_of(pl.col(day))
    return Rows(pl.lit(value=True), f"{day} is null or {day} >= as_of", ends=ends)


def within_days_of(day: str, days: int) -> Rows:
    """`as_of - day <= days`."""
    ends = end_of(pl.col(day).dt.offset_by(f"{days}d"))
    return Rows(pl.col(day).is_not_null(), f"as_of - {day} <= {days}", ends=ends)


def in_state(*states: str) -> Rows:
    """Duties in one of these states at `as_of`: what waits is overdue from its deadline on."""
    standing, due = pl.col("standing"), pl.col("due_at")
    fixed = [state for state in states if state not in {*WAITING, "overdue"}]
    waiting = [state for state in states if state in WAITING]
    text = f"state in {states}"
    if waiting:
        assert not fixed, f"{states} last for different times"
        assert "overdue" not in states, f"{states} last for different times"
        return Rows(standing.is_in(waiting), text, ends=due)
    if "overdue" not in states:
        return Rows(standing.is_in(fixed), text)
    begins = pl.when(standing.is_in(WAITING)).then(due)
    return Rows(standing.is_in([*fixed, *WAITING]), text, begins=begins)


def due() -> Rows:
    """Duties whose deadline has passed and that were not waived."""
    return Rows(pl.col("standing") != "waived", "due_at <= as_of", begins=pl.col("due_at"))
