"""LC07 to LC10: the payment of a fine, with deferral and instalments."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinheng.records.duties.deadline import LastDayRule
from xinheng.records.duties.loops.instalments import APPROVED, DEFERRAL, FALLS_DUE, WHOLE, Events
from xinheng.records.duties.loops.stretches import Usable, payment_stretches
from xinheng.records.duties.rules import PaymentClock
from xinheng.records.duties.workdays import Workdays
from xinheng.records.frames import (
    FEW,
    NONE,
    Bools,
    Ints,
    as_moments,
    as_rows,
    days,
    first_moments,
    is_in,
    microseconds,
    ranks,
    truths,
    where,
    wholes,
)
from xinheng.records.in_force.rules import is_valid
from xinheng.records.spans import FACT, FROM, UNTIL

PAYING = ("paid", "part_paid", "court_enforced")
PROMISES = {
    "deferral_approved": DEFERRAL,
    "instalment_approved": APPROVED,
    "instalment_due": FALLS_DUE,
}
RULES = ("LC07 term of the decision", "LC09 deferral", "LC09 instalment")
_CASE = (pl.col("uscc").hash(1) ^ pl.col("decision_no").hash(2)).reinterpret(signed=True)


def payments(
    penalties: pl.DataFrame, events: pl.DataFrame, clock: PaymentClock, calendar: Workdays
) -> pl.DataFrame:
    """One duty a served fine: due 15 days after service or as decided, or as deferred.

    A review or a suit does not suspend the duty (LC10). The clock starts with service only, so a
    decision whose service is not known is no duty yet. A fine is performed on the day from which
    it stays paid in full; money that is taken back opens it again. A fine that was corrected to
    nothing stays, as waived. The rows are of `penalty` and `penalty_performance`, with spans.
    """
    fines, ordered = where(penalties, _owes(penalties)), events[_order(events)]
    cases = _cases(fines, ordered)
    rule = LastDayRule(calendar, clock.shift_to_workday)
    told_day, is_fixed = days(fines["due_on"]), truths(fines["due_is_fixed"])
    is_told = told_day != NONE
    terms = np.where(is_told, told_day, days(fines["served_on"]) + clock.days)
    row, payment, last_day, reason, closed, since, until = payment_stretches(
        _fines(fines, cases[: fines.height]),
        rule.last_days(terms, is_fixed & is_told),
        _events(ordered, cases[fines.height :], rule),
    )
    owed, paid = fines[as_rows(row)], as_rows(payment)
    named = pl.Series([clock.name, *RULES])
    is_over = ~is_valid("penalty", owed) | (wholes(owed["fine_amount_fen"], 0) <= 0)
    told = {
        FROM: as_moments(since),
        UNTIL: as_moments(until),
        "source_record_id": owed["record_id"],
        "opened_on": owed["served_on"],
        "due_at": as_moments(first_moments(last_day + 1)),
        "due_rule": named[as_rows(np.where(reason > 0, reason + 1, is_told[row]))],
        "is_due_certain": pl.Series(
            rule.is_certain(last_day, (is_fixed & is_told)[row] & (reason == 0))
        ),
        "performed_at": as_moments(first_moments(days(ordered["occurred_on"][paid]))),
        "performance_known_at": ordered["known_at"][paid],
        "amount_fen": owed["fine_amount_fen"],
        "waived": pl.Series(is_over | (closed == 1)),
        "paused": pl.Series(reason > 0),
    }
    same = ("uscc", "source_system", "source_record_no", "dispute_status")
    found = [*(owed[name] for name in same), *(one.alias(name) for name, one in told.items())]
    kind = pl.DataFrame({"kind": ["penalty_payment"], "source_table": ["penalty"]})
    return pl.DataFrame([*found, *kind[as_rows(np.zeros_like(row))]])


def _owes(penalties: pl.DataFrame) -> Bools:
    """Served fines, and those that were some before they were corrected to nothing."""
    is_served: Bools = days(penalties["served_on"]) != NONE
    amount = wholes(penalties["fine_amount_fen"], 0)
    is_fine = is_served & (amount > 0)
    nothing = np.flatnonzero(is_served & (amount <= 0) & (wholes(penalties["version"]) > 1))
    if len(nothing) == 0:
        return is_fine
    places = np.flatnonzero(is_fine)
    first: dict[tuple[str, ...], int] = {}
    since = microseconds(penalties[FROM])
    for place, fact in zip(places, penalties.select(FACT)[places].iter_rows(), strict=True):
        first[fact] = min(first.get(fact, since[place]), since[place])
    facts = zip(nothing, penalties.select(FACT)[nothing].iter_rows(), strict=True)
    for place, fact in facts:
        is_fine[place] = first.get(fact, since[place]) < since[place]
    return is_fine


def _order(events: pl.DataFrame) -> pl.Series:
    """Events one after another: by the event, what takes money back last, then by arrival."""
    known, at = (microseconds(events[edge]) for edge in ("known_at", "event_at"))
    takes_back = wholes(events["amount_fen"], 0) < 0
    return as_rows(np.lexsort((ranks(events["record_id"]), known, takes_back, at)))


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
    is_changed = is_in(rows["state"], ("changed",)).astype(np.int64)
    amount = wholes(rows["fine_amount_fen"], 0)
    return Usable(case, microseconds(rows[FROM]), microseconds(rows[UNTIL]), amount, is_changed)


def _events(rows: pl.DataFrame, case: Ints, rule: LastDayRule) -> Events:
    """Events in their order; a deferral counts from its approval with the new last day."""
    kind, amount = rows["event_kind"], wholes(rows["amount_fen"])
    happened, new = days(rows["occurred_on"]), days(rows["new_due_on"])
    promise = np.zeros(rows.height, dtype=np.int64)
    for name, value in PROMISES.items():
        promise[is_in(kind, (name,))] = value
    due = np.where((new == NONE) & (promise == FALLS_DUE), happened, new)
    untold = np.where(is_in(kind, ("paid",)), WHOLE, 0)
    paid = np.where(amount == NONE, untold, amount)
    return Events(
        group=case,
        since=microseconds(rows[FROM]),
        until=microseconds(rows[UNTIL]),
        day=happened,
        paid=np.where(is_in(kind, PAYING), paid, 0),
        is_closed=is_in(kind, ("closed",)).astype(np.int64),
        promise=promise,
        due=np.where(due == NONE, NONE, rule.last_days(due)),
        amount=np.where(amount == NONE, 0, amount),
    )
