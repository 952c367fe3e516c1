"""Fines: terms, deferrals, instalments and reversals against a slow law, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records.plain_law import Fine, known
from tests.records.test_ledger import Row, ledger, moment, only, record, source

FEN = 100_000
ROWS = {"decision_no": "罚1", "state": "effective", "fine_amount_fen": FEN}


def penalty(served: str, **more: Any) -> tuple[str, Row]:
    day = date.fromisoformat(served)
    return record("penalty", served, **ROWS | {"decided_on": day, "served_on": day} | more)


def event(
    number: str, kind: str, on: str, fen: int | None = None, due: str = ""
) -> tuple[str, Row]:
    return record(
        "penalty_performance", on, decision_no="罚1", event_kind=kind, amount_fen=fen,
        occurred_on=date.fromisoformat(on), source_record_no=number,
        new_due_on=date.fromisoformat(due) if due else None,
    )  # fmt: skip


def duty(as_of: str, *records: tuple[str, Row]) -> tuple[str, str]:
    """State and last day."""
    row = only(ledger(source(*records), moment(as_of)), "penalty_payment")
    last = row["due_at"] - timedelta(hours=16)  # 24:00 in Asia/Shanghai is 16:00 UTC
    return row["state"], last.date().isoformat()


def plan(*parts: tuple[str, int], approved: str = "2024-03-10") -> list[tuple[str, Row]]:
    return [
        event(f"i{due}", "instalment_approved", approved, fen, due) for due, fen in parts
    ]  # fmt: skip


THREE = plan(("2024-04-10", 30_000), ("2024-05-10", 30_000), ("2024-06-12", 40_000))
STORIES = [
    pytest.param([], "2024-03-19", ("open", "2024-03-19"), id="open"),
    pytest.param([*THREE], "2024-04-10T23:59:59", ("paused", "2024-04-10"), id="first part waits"),
    pytest.param([*THREE], "2024-04-11", ("overdue", "2024-04-10"), id="first part missed"),
    pytest.param(
        [*THREE, event("p", "part_paid", "2024-04-10", 30_000)],
        "2024-04-11", ("paused", "2024-05-10"), id="the second waits",
    ),
    pytest.param(
        [*THREE, event("p", "part_paid", "2024-04-10", 29_999)],
        "2024-04-11", ("overdue", "2024-04-10"), id="a fen is missing",
    ),
    pytest.param(
        [*THREE, event("p", "part_paid", "2024-04-15", 30_000)],
        "2024-04-16", ("paused", "2024-05-10"), id="the first made good",
    ),
    pytest.param(
        [*THREE, event("p", "part_paid", "2024-04-15", 30_000),
         event("q", "paid", "2024-05-01", 70_000)],
        "2024-05-02", ("performed_late", "2024-04-10"), id="all paid, the first too late",
    ),
    pytest.param(
        [*THREE, event("q", "paid", "2024-04-01", FEN)],
        "2024-04-02", ("performed", "2024-06-12"), id="all paid at once",
    ),
    pytest.param(
        [*THREE, event("d", "instalment_due", "2024-04-10", 30_000)],
        "2024-04-11", ("overdue", "2024-04-10"), id="a part that falls due counts once",
    ),
    pytest.param(
        [event("a", "instalment_approved", "2024-03-10", None, "2024-06-12"),
         event("d", "instalment_due", "2024-04-10", 30_000)],
        "2024-04-11", ("overdue", "2024-04-10"), id="parts told one by one",
    ),
    pytest.param(
        [event("d", "instalment_due", "2024-04-10", 30_000),
         event("p", "paid", "2024-04-09", 30_000)],
        "2024-05-11", ("paused", "2099-12-31"), id="a part of an unknown plan, paid in time",
    ),
    pytest.param(
        [*plan(("2024-04-10", 0), ("2024-05-10", 0))], "2024-04-11", ("overdue", "2024-04-10"),
        id="parts without an amount",
    ),
    pytest.param(
        [*THREE, *plan(("2024-07-10", FEN), approved="2024-04-20")],
        "2024-05-20", ("paused", "2024-07-10"), id="a newer plan replaces the old",
    ),
    pytest.param(
        [*THREE, event("x", "deferral_approved", "2024-04-05", 0, "2024-05-24")],
        "2024-05-20", ("paused", "2024-05-24"), id="the first two parts deferred",
    ),
    pytest.param(
        [event("x", "deferral_approved", "2024-03-10", 0, "2024-05-01")],
        "2024-05-06", ("paused", "2024-05-06"), id="a deferral ends after the holiday",
    ),
    pytest.param(
        [event("p", "paid", "2024-03-18", FEN), event("r", "paid", "2024-03-28", -FEN)],
        "2024-03-27", ("performed", "2024-03-19"), id="before the reversal",
    ),
    pytest.param(
        [event("p", "paid", "2024-03-18", FEN), event("r", "paid", "2024-03-28", -FEN)],
        "2024-03-28", ("overdue", "2024-03-19"), id="a reversal opens the duty again",
    ),
    pytest.param(
        [event("p", "paid", "2024-03-18", FEN), event("r", "paid", "2024-03-28", -FEN),
         event("s", "paid", "2024-03-28", FEN)],
        "2024-03-29", ("performed", "2024-03-19"), id="taken back and paid on one day",
    ),
    pytest.param(
        [event("p", "paid", "2024-03-18", FEN), event("r", "paid", "2024-03-28", -FEN),
         event("s", "paid", "2024-04-28", FEN)],
        "2024-04-29", ("performed_late", "2024-03-19"), id="paid again, too late",
    ),
    pytest.param(
        [event("x", "deferral_approved", "2024-03-10", 0, "2099-12-31")],
        "2030-01-01", ("paused", "2099-12-31"), id="deferred without an end",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("events", "as_of", "expected"), STORIES)
def test_the_first_date_that_payments_do_not_cover_counts(
    events: list[tuple[str, Row]], as_of: str, expected: tuple[str, str]
) -> None:
    assert duty(as_of, penalty("2024-03-04"), *events) == expected


DAYS = [
    pytest.param({"due_on": date(2025, 5, 1)}, "2025-05-06", id="told"),
    pytest.param({}, "2025-05-06", id="computed"),
    pytest.param({"due_on": date(2025, 5, 1), "due_is_fixed": True}, "2025-05-01", id="fixed"),
    pytest.param({"due_is_fixed": True}, "2025-05-06", id="nothing told that could be fixed"),
]


@pytest.mark.parametrize(("more", "last"), DAYS)
def test_the_same_fine_is_due_on_the_same_day_whoever_prints_it(more: Row, last: str) -> None:
    assert duty("2025-05-01", penalty("2025-04-16", **more)) == ("open", last)


@pytest.mark.parametrize(
    "change", [{"fine_amount_fen": 0}, {"state": "revoked"}, {"state": "invalid"}]
)
def test_an_annulled_fine_is_waived_from_the_moment_it_is_known(change: Row) -> None:
    fine = penalty("2024-03-04")
    gone = penalty("2024-03-04", **change)
    gone[1].update(version=2, operation="correct", known_at=moment("2024-03-25"))
    assert duty("2024-03-24", fine, gone)[0] == "overdue"
    assert duty("2024-03-25", fine, gone)[0] == "waived"


def test_a_decision_that_was_never_a_fine_is_no_duty_and_a_spared_one_is_waived() -> None:
    warned = penalty("2024-03-04", fine_amount_fen=0)
    spared = penalty("2024-03-04", decision_kind="spared_minor")
    assert ledger(source(warned), moment("2024-05-01")).height == 0
    assert duty("2024-05-01", spared)[0] == "waived"


def test_a_changed_decision_owes_the_new_amount() -> None:
    fine, half = penalty("2024-03-04"), event("p", "paid", "2024-03-12", FEN // 2)
    less = record(
        "penalty", "2024-03-14", source_record_no="2",
        **ROWS | {"state": "changed", "fine_amount_fen": FEN // 2},
        decided_on=date(2024, 3, 14), served_on=date(2024, 3, 4),
    )  # fmt: skip
    assert duty("2024-03-13", fine, half, less)[0] == "open"
    states = ledger(source(fine, half, less), moment("2024-04-01"))["state"]
    assert states.to_list() == ["performed", "performed"]


def test_a_fine_due_beyond_the_known_calendar_says_so() -> None:
    rows = ledger(source(penalty("2026-12-17")), moment("2026-12-18"))
    assert rows["is_due_certain"].to_list() == [False]
    assert duty("2026-12-18", penalty("2026-12-17")) == ("open", "2027-01-04")
    assert ledger(source(penalty("2026-11-17")), moment("2026-12-18"))["is_due_certain"].all()


@st.composite
def fines(draw: st.DrawFn) -> Fine:
    """A fine, and up to eight things that happened to it, each known some days later."""
    start = draw(st.sampled_from([date(2003, 9, 10), date(2024, 1, 5), date(2025, 4, 10),
                                  date(2026, 9, 10), date(2026, 12, 10)]))  # fmt: skip
    served = start + timedelta(days=draw(st.integers(0, 20)))
    due = st.none() | st.integers(5, 40).map(lambda n: served + timedelta(days=n))
    fine = Fine(FEN, served, draw(due), draw(st.booleans()))
    promises = ["deferral_approved", "instalment_approved", "instalment_due"]
    payments = ["paid", "part_paid"]
    for number in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from([*promises, *payments, *payments]))
        happened = served + timedelta(days=draw(st.integers(0, 40)))
        fen = draw(st.sampled_from([None, 20_000, 40_000, 60_000, FEN, -20_000, -FEN]))
        if kind in promises and fen is not None:
            fen = max(fen, 0)
        new = served + timedelta(days=draw(st.integers(10, 70)))
        fine.events.append({
            "id": f"e{number}", "event_kind": kind, "occurred_on": happened, "amount_fen": fen,
            "new_due_on": new if kind in promises else None,
            "known_at": happened + timedelta(days=draw(st.integers(0, 20))),
        })  # fmt: skip
    return fine


def as_records(fine: Fine, events: Sequence[dict[str, Any]]) -> list[tuple[str, Row]]:
    decision = penalty(
        fine.served_on.isoformat(), due_on=fine.due_on, due_is_fixed=fine.is_fixed or None
    )
    return [
        decision,
        *(
            record(
                "penalty_performance", e["known_at"].isoformat(), decision_no="罚1",
                source_record_no=e["id"], event_kind=e["event_kind"],
                occurred_on=e["occurred_on"], amount_fen=e["amount_fen"],
                new_due_on=e["new_due_on"],
            )
            for e in events
        ),
    ]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(fines(), st.integers(0, 100))
def test_the_ledger_says_of_a_fine_what_the_slow_law_says(fine: Fine, later: int) -> None:
    """To the last second of the day, whatever arrived in what order."""
    today = fine.served_on + timedelta(days=later)
    then = Fine(fine.fen, fine.served_on, fine.due_on, fine.is_fixed, [*known(fine.events, today)])
    state, last, paid_on = then.state(today)
    for second in ("00:00:00", "23:59:59"):
        at = moment(f"{today}T{second}")
        row = only(ledger(source(*as_records(fine, fine.events)), at), "penalty_payment")
        told = (row["state"], row["due_at"], row["performed_at"])
        due_at = moment(f"{last + timedelta(days=1)}")
        assert told == (state, due_at, moment(f"{paid_on}") if paid_on else None)
