"""What is told of duties: the countdown, what the authority owes, and what a repair waits for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.decisions.handmade import FIRM, rows
from tests.proven import DELIVERED
from xinheng.decisions.duties import days_left, pending_duties, repairs_of
from xinheng.domain import ZONE
from xinheng.features.knowledge import Knowledge
from xinheng.features.memory import Memory
from xinheng.records.duties.ledger import standing_duties

KNOWN = datetime(2026, 4, 2, tzinfo=UTC)
AT = datetime(2026, 5, 20, 12, tzinfo=ZONE)


def source(**records: list[dict[str, Any]]) -> Memory:
    common = {"known_at": KNOWN, "event_at": KNOWN, "dispute_status": "none",
              "repair_status": "none"}  # fmt: skip
    frames = {name: rows(name, *(common | one for one in own)) for name, own in records.items()}
    return Memory(frames, proofs=DELIVERED)


def repairs(at: datetime = AT, **records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = Knowledge(source(**records), at, usccs=[FIRM])
    standing = standing_duties(known.duty_spans, at.astimezone(UTC))
    return repairs_of([known], standing, at).get(FIRM, [])


def penalty(**told: Any) -> dict[str, Any]:
    base = {
        "decision_no": "罚1", "state": "effective", "decided_on": date(2026, 4, 1),
        "served_on": date(2026, 4, 1), "fine_amount_fen": 0, "severity": "general",
        "penalty_kinds": ["warn"],
    }  # fmt: skip
    return base | told


@pytest.mark.parametrize(
    ("due", "at", "days"),
    [
        ("2026-05-24T00:00", "2026-05-20T23:59", 3),
        ("2026-05-21T00:00", "2026-05-20T00:00", 0),
        ("2026-05-20T00:00", "2026-05-20T00:00", -1),
        ("2026-05-21T00:00", "2026-05-31T12:00", -11),
    ],
    ids=["three days", "the last day", "the day after", "eleven days late"],
)
def test_the_countdown_is_in_legal_days_to_the_last_day(due: str, at: str, days: int) -> None:
    moments = [datetime.fromisoformat(one).replace(tzinfo=ZONE) for one in (due, at)]
    assert days_left(moments[0].astimezone(UTC), moments[1].astimezone(UTC)) == days


TERMS = [
    pytest.param("penalty", penalty(severity="minor"), date(2026, 4, 1), "LC14 minor", id="minor"),
    pytest.param("penalty", penalty(), date(2026, 7, 1), "LC14 general", id="general"),
    pytest.param(
        "penalty", penalty(severity="serious"), date(2027, 4, 1), "LC14 serious", id="serious"
    ),
    pytest.param(
        "penalty", penalty(decided_on=date(2025, 11, 30)), date(2026, 2, 28), "LC14 general",
        id="the last day of February",
    ),
    pytest.param(
        "serious_list", {"field": "market", "listed_on": date(2026, 4, 1)}, date(2027, 4, 1),
        "LC16", id="serious list",
    ),
    pytest.param(
        "serious_list", {"field": "wage", "listed_on": date(2026, 4, 1)}, None, "LC16 wage list",
        id="wage list: six months after the wages are paid",
    ),
    pytest.param(
        "abnormal_list", {"reason": "no_contact", "listed_on": date(2026, 4, 1)},
        date(2026, 4, 1), "LC05", id="abnormal list",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "record", "earliest", "rule"), TERMS)
def test_a_repair_may_be_asked_for_from_its_term_on(
    name: str, record: dict[str, Any], earliest: date | None, rule: str
) -> None:
    (told,) = repairs(**{name: [record]})
    assert (told["table"], told["rule"]) == (name, rule)
    assert told["earliest_on"] == (earliest and earliest.isoformat())
    left = earliest and max(0, (earliest - AT.date()).days)
    assert told["days_left"] == left
    assert told["waits_for"] == []
    assert told["name_zh"]
    assert told["name_en"]


GONE = [
    pytest.param({"repair_status": "repaired", "repaired_at": date(2026, 5, 1)}, id="repaired"),
    pytest.param({"repair_status": "not_repairable"}, id="not repairable"),
    pytest.param({"state": "revoked"}, id="annulled"),
    pytest.param({"publicity_until": date(2026, 5, 20)}, id="publicity is over"),
]


@pytest.mark.parametrize("told", GONE)
def test_what_cannot_or_need_not_be_repaired_has_no_day(told: dict[str, Any]) -> None:
    assert repairs(penalty=[penalty(**told)]) == []
    removed = {
        "reason": "no_contact",
        "listed_on": date(2026, 4, 1),
        "removed_on": date(2026, 5, 1),
    }
    assert repairs(abnormal_list=[removed]) == []


def test_the_end_of_publicity_is_told_beside_it() -> None:
    (told,) = repairs(penalty=[penalty(publicity_until=date(2026, 10, 1))])
    assert told["ends_on"] == "2026-10-01"
    listed = {"field": "market", "listed_on": date(2026, 4, 1), "term_until": date(2029, 4, 1)}
    (entry,) = repairs(serious_list=[listed])
    assert entry["ends_on"] == "2029-04-01"


def test_a_repair_waits_for_the_fine_of_its_decision_until_it_is_paid() -> None:
    fined = penalty(fine_amount_fen=500_000, penalty_kinds=["fine"])
    other = penalty(decision_no="罚2", severity="serious")
    paid = {"decision_no": "罚1", "event_kind": "paid", "occurred_on": date(2026, 5, 4),
            "amount_fen": 500_000}  # fmt: skip
    waits = {one["record_id"]: one["waits_for"] for one in repairs(penalty=[fined, other])}
    assert waits == {
        "penalty-0/v1": ["penalty_payment:s/penalty-0"], "penalty-1/v1": []
    }  # fmt: skip
    told = repairs(penalty=[fined], penalty_performance=[paid])
    assert [one["waits_for"] for one in told] == [[]]


def test_leaving_the_list_waits_for_the_missing_reports_alone() -> None:
    firm = {"established_on": date(2024, 5, 1), "status": "active"}
    listed = {"reason": "annual_report", "listed_on": date(2026, 4, 2)}
    (told,) = repairs(entity=[firm], abnormal_list=[listed])
    assert told["waits_for"] == [f"annual_report:{FIRM}/2024"], "that of 2025 is not late yet"
    (other,) = repairs(entity=[firm], abnormal_list=[listed | {"reason": "no_contact"}])
    assert other["waits_for"] == []


def test_a_disputed_decision_is_not_in_force_and_has_no_day() -> None:
    assert repairs(penalty=[penalty(dispute_status="under_review")]) == []


def test_what_the_authority_owes_is_pending_and_says_so() -> None:
    asked = {"target_table": "abnormal_list", "target_record_id": "x", "result": "pending",
             "applied_on": date(2026, 5, 14)}  # fmt: skip
    held = source(credit_repair=[asked], penalty=[penalty(fine_amount_fen=1)])
    spans = Knowledge(held, AT, usccs=[FIRM]).duty_spans
    told = pending_duties(held, AT, spans)
    assert dict(told.select("kind", "owed_by").rows())["removal_decision"] == "authority"
