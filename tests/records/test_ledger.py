"""The ledger: every clock of domain README section 9, recomputed as of any moment."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.proven import DELIVERED, NOTHING
from xinheng.records.duties import ledger as derived
from xinheng.records.duties.ledger import transitions
from xinheng.records.duties.proofs import Proofs
from xinheng.records.duties.rules import Clocks, ReportClock, clocks
from xinheng.records.tables import table

FIRM = "91440300192317458F"
SHANGHAI = ZoneInfo("Asia/Shanghai")
Row = dict[str, Any]


def ledger(records: Any, at: datetime, proofs: Proofs = DELIVERED, **more: Any) -> pl.DataFrame:
    """The ledger where the proofs of every duty are delivered, unless a test says otherwise."""
    return derived.ledger(records, at, proofs=proofs, **more)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def record(name: str, known: str, **values: Any) -> tuple[str, Row]:
    base = {
        "uscc": FIRM, "source_system": "s", "source_record_no": "1", "version": 1,
        "operation": "insert", "quality_status": "passed", "known_at": moment(known),
        "dispute_status": "none", "repair_status": "none",
    }  # fmt: skip
    row = base | values
    number, version = row["source_record_no"], row["version"]
    row["record_id"] = f"{name}/s/{number}/v{version}"
    if row.get("event_at") is None:
        told = row.get(table(name).event.stored)
        row["event_at"] = moment(str(told)) if isinstance(told, date) else told
    return name, row


def source(*records: tuple[str, Row]) -> Any:
    held: dict[str, list[Row]] = defaultdict(list)
    for name, row in records:
        held[name].append(row)

    def versions(name: str) -> pl.LazyFrame:
        schema = table(name).schema
        rows = [{column: row.get(column) for column in schema} for row in held[name]]
        return pl.DataFrame(rows, schema=schema, orient="row").lazy()

    return versions


def firm(established: str = "2020-05-01", **more: Any) -> tuple[str, Row]:
    told = {"established_on": date.fromisoformat(established), "status": "active"} | more
    return record("entity", established, **told)


def only(duties: pl.DataFrame, kind: str) -> Row:
    (row,) = duties.filter(pl.col("kind") == kind).to_dicts()
    return row


def filing(submitted: str, known: str, **more: Any) -> tuple[str, Row]:
    return record(
        "annual_report", known, report_year=2023, submitted_at=moment(submitted), revision_no=0,
        **more,
    )  # fmt: skip


REPORTS = [
    pytest.param("2024-06-30T23:59:59", None, "open", id="the last second of the day"),
    pytest.param("2024-07-01T00:00:00", None, "overdue", id="24:00"),
    pytest.param("2024-07-02T00:00:00", "2024-06-30T23:59:00", "performed", id="the last minute"),
    pytest.param("2024-07-02T00:00:00", "2024-07-01T00:00:00", "performed_late", id="too late"),
]


@pytest.mark.parametrize(("as_of", "submitted", "state"), REPORTS)
def test_the_annual_report_is_due_on_30_june_at_midnight(
    as_of: str, submitted: str | None, state: str
) -> None:
    filed = [filing(submitted, submitted)] if submitted else []
    duties = ledger(source(firm("2023-05-01"), *filed), moment(as_of))
    own = only(duties, "annual_report")
    assert own["state"] == state
    assert own["due_at"] == moment("2024-07-01")
    assert own["opened_on"] == date(2024, 1, 1)


def test_the_proof_counts_from_the_moment_it_is_known() -> None:
    records = source(firm("2023-05-01"), filing("2024-06-29T10:00", "2024-07-05T09:00"))
    before = only(ledger(records, moment("2024-07-05T08:59")), "annual_report")
    after = only(ledger(records, moment("2024-07-05T09:00")), "annual_report")
    assert (before["state"], before["performed_at"]) == ("overdue", None)
    assert (after["state"], after["performance_known_at"]) == (
        "performed", moment("2024-07-05T09:00"),
    )  # fmt: skip


def test_the_first_report_is_owed_in_the_year_after_the_establishment() -> None:
    duties = ledger(source(firm("2023-12-31")), moment("2024-01-01T00:00"))
    assert only(duties, "annual_report")["obligation_id"].endswith("/2023")
    assert ledger(source(firm("2023-12-31")), moment("2023-12-31T23:59")).height == 0


def test_who_ended_before_the_deadline_owes_nothing_and_who_rests_does() -> None:
    ended = firm("2023-05-01", ended_on=date(2024, 6, 29), status="cancelled")
    rest = record(
        "suspension_filing", "2024-02-01", filed_on=date(2024, 2, 1),
        suspend_from=date(2024, 2, 1), suspend_to=date(2025, 1, 31),
    )  # fmt: skip
    after = moment("2024-08-01")
    assert only(ledger(source(ended), after), "annual_report")["state"] == "waived"
    resting = ledger(source(firm("2023-05-01"), rest), after)
    assert only(resting, "annual_report")["state"] == "overdue"
    assert only(resting, "suspension_end")["state"] == "open"


def test_a_local_grace_period_is_told_beside_the_deadline() -> None:
    rules = Clocks(annual_report=ReportClock(grace_days=92), duties=clocks().duties)
    own = only(
        ledger(source(firm("2023-05-01")), moment("2024-08-01"), rules=rules), "annual_report"
    )
    assert (own["state"], own["grace_until"]) == ("overdue", moment("2024-10-01"))


def fine(**more: Any) -> tuple[str, Row]:
    return record(
        "penalty", "2024-03-06", decision_no="罚1", fine_amount_fen=500_000, state="effective",
        decided_on=date(2024, 3, 1), served_on=date(2024, 3, 5), **more,
    )  # fmt: skip


def paid(day: str, fen: int | None, number: str = "p1", kind: str = "paid") -> tuple[str, Row]:
    return record(
        "penalty_performance", day, decision_no="罚1", event_kind=kind, amount_fen=fen,
        occurred_on=date.fromisoformat(day), source_record_no=number,
    )  # fmt: skip


PAYMENTS = [
    pytest.param([], "2024-03-20T23:59", "open", id="day 15, the day of service not counted"),
    pytest.param([], "2024-03-21T00:00", "overdue", id="the day after"),
    pytest.param([paid("2024-03-20", 500_000)], "2024-04-01", "performed", id="paid in time"),
    pytest.param([paid("2024-03-21", 500_000)], "2024-04-01", "performed_late", id="a day late"),
    pytest.param([paid("2024-03-20", 499_999)], "2024-04-01", "overdue", id="a fen is missing"),
    pytest.param([paid("2024-03-20", None)], "2024-04-01", "performed", id="paid, no amount told"),
    pytest.param(
        [paid("2024-03-10", 200_000, "a", "part_paid"), paid("2024-03-19", 300_000, "b")],
        "2024-04-01", "performed", id="in two parts",
    ),
    pytest.param(
        [record("penalty_performance", "2024-03-15", decision_no="罚1",
                event_kind="deferral_approved", occurred_on=date(2024, 3, 15),
                new_due_on=date(2024, 6, 1), source_record_no="d")],
        "2024-04-01", "paused", id="deferred",
    ),
    pytest.param(
        [record("penalty_performance", "2024-03-15", decision_no="罚1",
                event_kind="deferral_approved", occurred_on=date(2024, 3, 15),
                new_due_on=date(2024, 6, 2), source_record_no="d")],
        "2024-06-04", "overdue", id="the deferral is over, after the Sunday it ended on",
    ),
    pytest.param(
        [record("penalty_performance", "2024-03-15", decision_no="罚1",
                event_kind="review_or_suit_opened", occurred_on=date(2024, 3, 15),
                source_record_no="r")],
        "2024-04-01", "overdue", id="a suit does not suspend",
    ),
    pytest.param(
        [paid("2024-03-25", None, "c", "closed")], "2024-04-01", "waived", id="closed without"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("events", "as_of", "state"), PAYMENTS)
def test_a_fine_is_due_15_days_after_service(
    events: list[tuple[str, Row]], as_of: str, state: str
) -> None:
    duties = ledger(source(fine(), *events), moment(as_of))
    assert only(duties, "penalty_payment")["state"] == state


def test_a_last_day_on_a_holiday_moves_to_the_next_working_day() -> None:
    served = record(
        "penalty", "2024-04-17", decision_no="罚1", fine_amount_fen=1, state="effective",
        decided_on=date(2024, 4, 15), served_on=date(2024, 4, 17),
    )  # fmt: skip
    own = only(ledger(source(served), moment("2024-04-18")), "penalty_payment")
    assert own["due_at"] == moment("2024-05-07"), "2 May is in the holiday of 1 to 5 May"
    term = record(
        "penalty", "2024-04-17", decision_no="罚1", fine_amount_fen=1, state="effective",
        decided_on=date(2024, 4, 15), served_on=date(2024, 4, 17), due_on=date(2024, 5, 2),
    )  # fmt: skip
    told = only(ledger(source(term), moment("2024-04-18")), "penalty_payment")
    assert told["due_at"] == moment("2024-05-07"), "whoever prints the day"


def test_without_service_no_clock_runs_and_a_withdrawn_fine_is_no_duty() -> None:
    unserved = record(
        "penalty", "2024-03-06", decision_no="罚1", fine_amount_fen=5, state="effective",
        decided_on=date(2024, 3, 1),
    )  # fmt: skip
    assert ledger(source(unserved), moment("2024-05-01")).height == 0
    gone = record("penalty", "2024-04-01", version=2, operation="withdraw", decision_no="罚1")
    assert ledger(source(fine(), gone), moment("2024-05-01")).height == 0
    assert ledger(source(fine(), gone), moment("2024-03-31")).height == 1


DATED = [
    pytest.param(
        "inspection",
        {"checked_on": date(2024, 3, 1), "rectify_due_on": date(2024, 3, 31)},
        {"rectified_on": date(2024, 3, 30)}, "rectification", "2024-04-02",
        id="rectification: 31 March was a Sunday",
    ),
    pytest.param(
        "commitment", {"made_on": date(2024, 3, 1), "due_on": date(2024, 3, 31)},
        {"outcome": "kept", "verified_on": date(2024, 3, 30)}, "commitment", "2024-04-02",
        id="commitment",
    ),
    pytest.param(
        "disclosure_item", {"formed_on": date(2024, 4, 26)},
        {"disclosed_on": date(2024, 5, 27)}, "disclosure", "2024-05-28",
        id="disclosure: 20 working days over the May holiday",
    ),
    pytest.param(
        "licence",
        {"licence_kind": "safety_production", "granted_on": date(2021, 7, 1),
         "valid_to": date(2024, 6, 30), "status": "valid"},
        {"renewal_applied_on": date(2024, 3, 30)}, "licence_renewal", "2024-04-02",
        id="safety permit: three months before, a Saturday",
    ),
    pytest.param(
        "licence",
        {"licence_kind": "drug_retail", "granted_on": date(2019, 7, 1),
         "valid_to": date(2024, 6, 30), "status": "valid"},
        {"renewal_applied_on": date(2023, 12, 30)}, "licence_renewal", "2024-01-03",
        id="drug licence: six months before, over New Year",
    ),
    pytest.param(
        "product_event",
        {"occurred_at": datetime(2024, 3, 1, tzinfo=UTC), "due_on": date(2024, 3, 31)},
        {"closed_on": date(2024, 3, 30)}, "recall", "2024-04-02", id="recall",
    ),
    pytest.param(
        "sampling_test",
        {"reported_on": date(2024, 3, 1), "disposal_due_on": date(2024, 3, 31)},
        {"disposed_on": date(2024, 3, 30)}, "recall", "2024-04-02", id="disposal",
    ),
    pytest.param(
        "wage_record",
        {"kind": "pay_order", "occurred_on": date(2024, 3, 1), "due_on": date(2024, 3, 31)},
        {"settled_on": date(2024, 3, 30)}, "wage_order", "2024-04-02", id="wages",
    ),
    pytest.param(
        "suspension_filing",
        {"suspend_from": date(2021, 4, 1), "filed_on": date(2021, 4, 1),
         "suspend_to": date(2026, 1, 1)},
        {"resumed_on": date(2024, 3, 30)}, "suspension_end", "2024-04-02",
        id="a rest of three years at most",
    ),
    pytest.param(
        "contract_performance",
        {"signed_on": date(2023, 9, 1), "milestone_due_on": date(2024, 3, 31),
         "outcome": "on_track"},
        {"performed_on": date(2024, 4, 1)}, "contract_milestone", "2024-04-02",
        id="contract milestone: 31 March was a Sunday",
    ),
    pytest.param(
        "credit_repair",
        {"target_table": "abnormal_list", "applied_on": date(2024, 4, 26), "result": "pending"},
        {"decided_on": date(2024, 5, 7), "result": "rejected"}, "removal_decision", "2024-05-08",
        id="LC05: five working days over the May holiday, a Sunday worked among them",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "begun", "done", "kind", "overdue"), DATED)
def test_dated_duties_fall_due_at_midnight_and_are_performed_when_known(
    name: str, begun: Row, done: Row, kind: str, overdue: str
) -> None:
    known = "2020-01-01T00:00"
    first = record(name, known, **({"outcome": "pending"} if name == "commitment" else {}) | begun)
    later = record(name, "2024-06-01", version=2, **begun | done)
    due = moment(overdue)
    states = [
        only(ledger(source(first, later), at), kind)["state"]
        for at in (due - timedelta(seconds=1), due, moment("2024-06-01"))
    ]
    assert states == ["open", "overdue", "performed"]
    own = only(ledger(source(first, later), moment("2024-06-01")), kind)
    assert own["performance_known_at"] == moment("2024-06-01")


CONTRACTS = [
    pytest.param({"outcome": "on_track"}, "overdue", id="nothing is told of it"),
    pytest.param({"outcome": "delayed", "delay_days": 9}, "overdue", id="delayed"),
    pytest.param({"outcome": "breached"}, "overdue", id="breached"),
    pytest.param({"outcome": "terminated"}, "waived", id="terminated"),
    pytest.param({"outcome": "completed"}, "performed", id="completed, no day"),
    pytest.param({"outcome": "completed", "delay_days": 0}, "performed", id="without delay"),
    pytest.param({"outcome": "completed", "delay_days": 3}, "performed_late", id="three days late"),
    pytest.param(
        {"outcome": "completed", "delay_days": 3, "performed_on": date(2024, 3, 29)}, "performed",
        id="its own day comes before the delay",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("told", "state"), CONTRACTS)
def test_a_milestone_is_performed_on_its_day_or_when_the_contract_is_completed(
    told: Row, state: str
) -> None:
    contract = record(
        "contract_performance", "2024-04-10", signed_on=date(2023, 9, 1),
        milestone_due_on=date(2024, 3, 29), **told,
    )  # fmt: skip
    assert only(ledger(source(contract), moment("2024-05-01")), "contract_milestone")["state"] == (
        state
    )


def test_a_milestone_of_a_source_that_never_says_what_was_done_is_not_observable() -> None:
    told = {"signed_on": date(2023, 9, 1), "milestone_due_on": date(2024, 3, 29)}
    own = record("contract_performance", "2023-09-02", outcome="on_track", **told)
    after = ledger(source(own), moment("2024-05-01"), proofs=NOTHING)
    assert only(after, "contract_milestone")["state"] == "not_observable"
    undated = record("contract_performance", "2023-09-02", outcome="on_track", signed_on=DAY)
    assert ledger(source(undated), moment("2024-05-01")).height == 0


DAY = date(2023, 9, 1)


def application(**told: Any) -> tuple[str, Row]:
    base = {"target_table": "abnormal_list", "applied_on": date(2024, 3, 4), "result": "pending"}
    return record("credit_repair", "2024-03-05", **(base | told))


def test_the_decision_on_leaving_the_list_is_owed_by_the_authority() -> None:
    """LC05; an application about a penalty has no such term."""
    own = only(ledger(source(application()), moment("2024-03-12")), "removal_decision")
    assert (own["owed_by"], own["state"]) == ("authority", "overdue")
    assert own["due_at"] == moment("2024-03-12")
    assert ledger(source(application(target_table="penalty")), moment("2024-03-12")).height == 0
    undated = application(result="approved", effective_on=date(2024, 3, 8))
    done = only(ledger(source(undated), moment("2024-03-12")), "removal_decision")
    assert (done["state"], done["performed_at"]) == ("performed", moment("2024-03-08"))


def test_every_other_duty_is_owed_by_the_firm() -> None:
    records = source(firm("2023-05-01"), fine(), application())
    told = ledger(records, moment("2024-04-01"))
    owing = dict(told.select("kind", "owed_by").rows())
    assert owing == {
        "annual_report": "firm", "penalty_payment": "firm", "removal_decision": "authority"
    }  # fmt: skip


def test_transitions_tell_the_way_of_a_duty() -> None:
    duties = ledger(source(fine(), paid("2024-03-25", 500_000)), moment("2024-04-01"))
    steps = transitions(duties)
    assert steps["state"].to_list() == ["open", "overdue", "performed_late"]
    assert steps["at"].to_list() == [
        moment("2024-03-05"),
        moment("2024-03-21"),
        moment("2024-03-25"),
    ]


def test_a_repaired_fine_stays_in_the_ledger_unless_history_is_strict() -> None:
    """Timeliness facts belong to the ledger (domain README, section 9)."""
    repaired = fine(repair_status="repaired", repaired_at=date(2024, 5, 1))
    after = moment("2024-05-01")
    assert ledger(source(repaired), after).height == 1
    assert ledger(source(repaired), after, strict_history=True).height == 0
    before = moment("2024-04-30T23:59")
    assert ledger(source(repaired), before, strict_history=True).height == 1


days = st.dates(date(2024, 1, 1), date(2024, 12, 31))


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, Row]]:
    """Filings, fines and payments that become known at their own times."""
    records = [firm("2022-03-01")]
    for number in range(draw(st.integers(0, 3))):
        day, lag = draw(days), draw(st.integers(0, 90))
        known = (day + timedelta(days=lag)).isoformat()
        records.append(filing(day.isoformat(), known, source_record_no=f"f{number}"))
        records.append(
            record(
                "penalty",
                known,
                decision_no=f"罚{number}",
                fine_amount_fen=100,
                state="effective",
                decided_on=day,
                served_on=day,
                source_record_no=f"n{number}",
            )
        )
        when, late = draw(days), draw(st.integers(0, 90))
        records.append(
            record(
                "penalty_performance",
                (when + timedelta(days=late)).isoformat(),
                decision_no=f"罚{number}",
                event_kind="paid",
                amount_fen=draw(st.integers(50, 150)),
                occurred_on=when,
                source_record_no=f"z{number}",
            )
        )
    return records


@settings(max_examples=40)
@given(histories(), days)
def test_the_ledger_of_a_moment_needs_nothing_that_became_known_later(
    records: list[tuple[str, Row]], day: date
) -> None:
    as_of = moment(day.isoformat())
    then = [(name, row) for name, row in records if row["known_at"] <= as_of]
    assert ledger(source(*records), as_of).equals(ledger(source(*then), as_of))
