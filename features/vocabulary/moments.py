"""Conditions that hold only for a time: they become the moments from and until a row takes part."""

from __future__ import annotations

import polars as pl

from xinheng.features.vocabulary.fold import Edge, Rows
from xinheng.records.in_force.proof_columns import OBSERVABLE

WAITING = ("open", "paused")
"""Standings of a duty that turn overdue at its deadline."""


def past(day: str) -> Rows:
    """`day < as_of`: the legal day is over."""
    return Rows.of(_told(day), f"{day} < as_of", begins=(Edge(pl.col(day), 1),))


def begun(day: str) -> Rows:
    """`day <= as_of`: the legal day has begun."""
    return Rows.of(_told(day), f"{day} <= as_of", begins=(Edge(pl.col(day), 0),))


def ahead(day: str) -> Rows:
    """`day >= as_of`: the legal day is not over."""
    return Rows.of(_told(day), f"{day} >= as_of", ends=(Edge(pl.col(day), 1),))


def lasting(day: str) -> Rows:
    """`day is null or day >= as_of`."""
    text = f"{day} is null or {day} >= as_of"
    return Rows.of(pl.lit(value=True), text, ends=(Edge(pl.col(day), 1),))


def within_days_of(day: str, days: int) -> Rows:
    """`as_of - day <= days`."""
    return Rows.of(_told(day), f"as_of - {day} <= {days}", ends=(Edge(pl.col(day), days + 1),))


def proven() -> Rows:
    """Records of duties from which on the lack of a proof says something."""
    return Rows.of(pl.lit(value=True), "proofs are delivered", begins=(Edge(pl.col(OBSERVABLE)),))


def unmet(due: str, done: str) -> Rows:
    """`done` lies after `due`, or is missing where proofs are delivered."""
    is_missing = pl.col(done).is_null()
    begins = Edge(pl.when(is_missing).then(pl.col(OBSERVABLE)))
    text = f"{done} > {due} or {done} is null and proofs are delivered"
    return Rows.of(is_missing | (pl.col(done) > pl.col(due)), text, begins=(begins,))


def in_state(*states: str) -> Rows:
    """Duties in one of these states at `as_of`: what waits is overdue from its deadline on."""
    standing, due = pl.col("standing"), pl.col("due_at")
    fixed = [state for state in states if state not in {*WAITING, "overdue"}]
    waiting = [state for state in states if state in WAITING]
    text = f"state in {states}"
    if waiting:
        assert not fixed, f"{states} last for different times"
        assert "overdue" not in states, f"{states} last for different times"
        return Rows.of(standing.is_in(waiting), text, ends=(Edge(due),))
    if "overdue" not in states:
        return Rows.of(standing.is_in(fixed), text)
    begins = pl.when(standing.is_in(WAITING)).then(due)
    return Rows.of(standing.is_in([*fixed, *WAITING]), text, begins=(Edge(begins),))


def due() -> Rows:
    """Duties whose deadline has passed and that were not waived."""
    begins = (Edge(pl.col("due_at")),)
    return Rows.of(pl.col("standing") != "waived", "due_at <= as_of", begins=begins)


def _told(day: str) -> pl.Expr:
    return pl.col(day).is_not_null()
