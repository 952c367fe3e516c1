"""LC07 to LC10: the payment of a fine, with deferral and instalments."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinheng.records.duties.rules import PaymentClock
from xinheng.records.duties.stretches import Events, Usable, payment_stretches
from xinheng.records.duties.workdays import workdays
from xinheng.records.frames import (
    FEW,
    NONE,
    Ints,
    as_moments,
    as_rows,
    days,
    first_moments,
    is_in,
    microseconds,
    ranks,
    where,
    wholes,
)
from xinheng.records.in_force.rules import is_valid
from xinheng.records.spans import FROM, UNTIL

PAYING = ("paid", "part_paid", "court_enforced")
DEFERRING = ("deferral_approved", "instalment_approved")
_CASE = (pl.col("uscc").hash(1) ^ pl.col("decision_no").hash(2)).reinterpret(signed=True)


def payments(penalties: pl.DataFrame, events: pl.DataFrame, clock: PaymentClock) -> pl.DataFrame:
    """One duty a served fine: due 15 days after service or as decided, or as deferred.

    A review or a suit does not suspend the duty (LC10). The clock starts with service only, so a
    decision whose service is not known is no duty yet. What was paid in full by its last
    instalment is performed on that day. The rows are of `penalty` and `penalty_performance`,
    with spans.
    """
    is_fine = (wholes(penalties["fine_amount_fen"], 0) > 0) & (days(penalties["served_on"]) != NONE)
    fines, ordered = where(penalties, is_fine), events[_order(events)]
    cases = _cases(fines, ordered)
    row, payment, new_due, closed, since, until = payment_stretches(
        _fines(fines, cases[: fines.height]), _events(ordered, cases[fines.height :])
    )
    owed, paid = fines[as_rows(row)], as_rows(payment)
    decided, term = days(owed["due_on"]), days(owed["served_on"]) + clock.days
    if clock.shift_to_workday:
        term = workdays().next_from(term)
    is_deferred, is_told = new_due != NONE, decided != NONE
    last_day = np.where(is_deferred, new_due, np.where(is_told, decided, term))
    rules = pl.Series([clock.name, "LC07 term of the decision", "LC09 deferral"])
    rule = np.where(is_deferred, 2, is_told.astype(np.int64))
    told = {
        FROM: as_moments(since),
        UNTIL: as_moments(until),
        "source_record_id": owed["record_id"],
        "opened_on": owed["served_on"],
        "due_at": as_moments(first_moments(last_day + 1)),
        "due_rule": rules[as_rows(rule)],
        "performed_at": as_moments(first_moments(days(ordered["occurred_on"][paid]))),
        "performance_known_at": ordered["known_at"][paid],
        "amount_fen": owed["fine_amount_fen"],
        "waived": pl.Series(~is_valid("penalty", owed) | (closed == 1)),
        "paused": pl.Series(is_deferred),
    }
    same = ("uscc", "source_system", "source_record_no", "dispute_status")
    found = [*(owed[name] for name in same), *(one.alias(name) for name, one in told.items())]
    named = pl.DataFrame({"kind": ["penalty_payment"], "source_table": ["penalty"]})
    return pl.DataFrame([*found, *named[as_rows(np.zeros_like(row))]])


def _order(events: pl.DataFrame) -> pl.Series:
    """Events one after another: by the event, then by arrival."""
    at = (microseconds(events[edge]) for edge in ("known_at", "event_at"))
    return as_rows(np.lexsort((ranks(events["record_id"]), *at)))


def _cases(fines: pl.DataFrame, events: pl.DataFrame) -> Ints:
    """A number of the case of each fine, then of each event: enterprise and decision."""
    both = (fines, events)
    if fines.height + events.height > FEW:
        return np.concatenate([one.select(_CASE.alias("case"))["case"].to_numpy() for one in both])
    known: dict[tuple[str, str | None], int] = {}
    return np.array(
        [
            known.setdefault(case, len(known))
            for one in both
            for case in zip(one["uscc"].to_list(), one["decision_no"].to_list(), strict=True)
        ],
        dtype=np.int64,
    )


def _fines(rows: pl.DataFrame, case: Ints) -> Usable:
    fine = wholes(rows["fine_amount_fen"])
    return Usable(case, microseconds(rows[FROM]), microseconds(rows[UNTIL]), fine, fine)


def _events(rows: pl.DataFrame, case: Ints) -> Events:
    """Events in their order; a deferral counts from its approval with the new last day."""
    kind, amount = rows["event_kind"], wholes(rows["amount_fen"])
    nothing = np.where(is_in(kind, ("paid",)), -1, 0)
    return Events(
        case,
        microseconds(rows[FROM]),
        microseconds(rows[UNTIL]),
        is_in(kind, PAYING).astype(np.int64),
        is_in(kind, ("closed",)).astype(np.int64),
        np.where(amount == NONE, nothing, amount),
        np.where(is_in(kind, DEFERRING), days(rows["new_due_on"]), NONE),
    )
