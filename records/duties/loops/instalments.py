"""The inner loop of fines: which amount is owed by which day, and when it was paid.

Compiled by numba; days count from 1970, amounts are fen, rows are in the order of the events.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from xinheng.records.duties.deadline import NO_END
from xinheng.records.frames import NONE, Ints

DEFERRAL, APPROVED, FALLS_DUE = 1, 2, 3
"""What an event promises: a new last day for all, a part of an approved plan, or of some plan."""
WHOLE = NONE + 1
"""Stands for the whole fine where a payment tells no amount."""
BY_TERM, BY_DEFERRAL, BY_INSTALMENT = 0, 1, 2
"""Which rule gives the last day."""


class Events(NamedTuple):
    """What happened to fines, in the order of the events."""

    group: Ints
    since: Ints
    until: Ints
    day: Ints
    """Day of the event."""
    paid: Ints
    """In fen; below 0: taken back; `WHOLE`: all of it."""
    is_closed: Ints
    promise: Ints
    """0, `DEFERRAL`, `APPROVED` or `FALLS_DUE`."""
    due: Ints
    """The new last day as it binds, or `NONE`."""
    amount: Ints
    """Of an instalment, in fen; 0 or less: not told."""


class Course(NamedTuple):
    """How a fine stands by what is known."""

    reached: int
    """Row of the payment by which all was paid, or `NONE`."""
    due: int
    """Last day of what is open, `NO_END` where only paid parts of a plan are known; once all is
    paid, the first last day that was missed."""
    rule: int
    closed: int


@njit(cache=True, nogil=True)
def approval(events: Events, rows: Ints) -> int:
    """Day on which the newest plan was approved; `NONE`: none is known."""
    day = NONE
    for row in rows:
        if events.promise[row] == APPROVED and events.due[row] != NONE:
            day = events.day[row]  # events are in order: the newest stays
    return day


@njit(cache=True, nogil=True)
def plan(events: Events, rows: Ints, approved: int) -> tuple[Ints, Ints]:
    """Last days and amounts of the parts approved on a day, and of those that fell due since."""
    days, amounts = np.empty(len(rows), np.int64), np.zeros(len(rows), np.int64)
    n = 0
    for row in rows:
        is_of_plan = events.promise[row] == APPROVED and events.day[row] == approved
        if is_of_plan and events.due[row] != NONE:
            days[n], amounts[n] = events.due[row], events.amount[row]
            n += 1
    planned = n
    for row in rows:
        if events.promise[row] != FALLS_DUE or events.day[row] < approved:
            continue
        same = np.flatnonzero(days[:planned] == events.due[row])
        place = same[0] if len(same) else n
        n += len(same) == 0
        days[place] = events.due[row]
        amounts[place] = max(amounts[place], events.amount[row])
    return days[:n], amounts[:n]


@njit(cache=True, nogil=True)
def deferral(events: Events, rows: Ints, approved: int) -> int:
    """The newest deferred day that was approved with a plan or after it; `NONE`: none."""
    day = NONE
    for row in rows:
        is_later = events.promise[row] == DEFERRAL and events.day[row] >= approved
        if is_later and events.due[row] != NONE:
            day = events.due[row]
    return day


@njit(cache=True, nogil=True)
def schedule(events: Events, rows: Ints, owed: int, term: int) -> tuple[Ints, Ints, int]:
    """Last days, ascending, what must be paid in all by each, and the rule.

    The parts approved last make the plan. A deferral moves the days before its own. Of a part whose
    amount is not told something is owed by its day. By the last day the whole is owed, unless parts
    fell due of a plan that is not known.
    """
    approved = approval(events, rows)
    deferred = deferral(events, rows, approved)
    days, amounts = plan(events, rows, approved)
    if len(days) == 0:
        day, rule = (term, BY_TERM) if deferred == NONE else (deferred, BY_DEFERRAL)
        return np.array([day]), np.array([owed]), rule
    days = np.maximum(days, deferred)
    order = np.argsort(days)
    needs = np.cumsum(np.maximum(amounts[order], 1))
    if approved != NONE or deferred != NONE or amounts.min() <= 0:
        needs[-1] = owed
    return days[order], np.minimum(needs, owed), BY_INSTALMENT


@njit(cache=True, nogil=True)
def reached_by(events: Events, rows: Ints, owed: int, need: int) -> tuple[int, int]:
    """Payment from which on so much was paid and stayed so, `NONE` for none; and what is paid."""
    paid, reached = 0, NONE
    for row in rows:
        if events.paid[row] == 0:
            continue
        paid += owed if events.paid[row] == WHOLE else events.paid[row]
        if paid < need:
            reached = NONE
        elif reached == NONE:
            reached = row
    return reached, paid


@njit(cache=True, nogil=True)
def course(events: Events, rows: Ints, owed: int, term: int) -> Course:
    """How a fine stands by the events that are known; `term` is its last day without any."""
    closed = 0
    for row in rows:
        closed = max(closed, events.is_closed[row])
    days, needs, rule = schedule(events, rows, owed, term)
    if owed <= 0:
        return Course(NONE, days[-1], rule, closed)
    all_paid, _ = reached_by(events, rows, owed, owed)
    for i in range(len(days)):
        payment, _ = reached_by(events, rows, owed, needs[i])
        if payment == NONE or (all_paid != NONE and events.day[payment] > days[i]):
            return Course(all_paid, days[i], rule, closed)
    return Course(all_paid, NO_END if all_paid == NONE else days[-1], rule, closed)
