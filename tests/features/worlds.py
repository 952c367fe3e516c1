"""Random records with late arrivals, corrections and withdrawals, for the property tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.features.reference import Row, midnight

FIRMS = ("91440300192317458F", "91440400192548256N", "91350900587527783P")
BEGIN = date(2022, 1, 1)
SPAN_DAYS = 1_200

days = st.integers(0, SPAN_DAYS).map(lambda n: BEGIN + timedelta(days=n))
moments = st.builds(
    lambda day, hour: datetime(day.year, day.month, day.day, hour, tzinfo=UTC),
    days,
    st.sampled_from([0, 12, 15, 16, 17]),
)
maybe_days = st.none() | st.integers(0, 1_600).map(lambda n: BEGIN + timedelta(days=n))
flags = st.booleans()
few = st.integers(0, 3)
maybe_few = st.none() | few
sectors = st.sampled_from(["food", "general"])

OWN: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "entity": {
        "established_on": days,
        "industry_code": st.sampled_from(["H6210", "H6220", "F5151"]),
        "registered_capital_fen": st.sampled_from([None, 0, 100_00, 3_000_00]),
        "paid_in_capital_fen": st.sampled_from([None, 0, 50_00, 9_000_000]),
    },
    "licence": {
        "licence_kind": st.sampled_from(["food_business", "drug_retail", "other"]),
        "granted_on": days,
        "valid_to": maybe_days,
        "renewal_applied_on": st.none() | days,
        "status": st.sampled_from(["valid", "suspended", "cancelled"]),
    },
    "penalty": {
        "decided_on": days,
        "state": st.sampled_from(["effective", "revoked"]),
        "procedure": st.sampled_from(["ordinary", "simple"]),
        "severity": st.sampled_from(["minor", "general", "serious"]),
        "illegal_act_code": st.sampled_from(["a", "b"]),
        "penalty_kinds": st.lists(
            st.sampled_from(["fine", "warn", "suspend_business", "downgrade"]), max_size=2
        ),
        "fine_amount_fen": st.integers(0, 10**12),
        "confiscated_fen": st.integers(0, 10**10),
    },
    "inspection": {
        "checked_on": days,
        "kind": st.sampled_from(["random", "daily", "system"]),
        "sector": sectors,
        "result": st.sampled_from(
            ["no_problem", "no_such_activity", "no_contact", "refused", "failed"]
        ),
        "critical_defects": maybe_few,
        "minor_defects": maybe_few,
        "checked_items": st.sampled_from([None, 0, 10, 40]),
        "selection_reason": st.sampled_from(["random_draw", "other"]),
        "staff_exam_failed": st.none() | flags,
    },
    "complaint": {
        "received_on": days,
        "channel": st.sampled_from(["12315_complaint", "12315_report", "12345", "media"]),
        "sector": sectors,
        "accepted": flags,
        "outcome": st.sampled_from(["pending", "case_filed"]),
        "negative": flags,
        "serial_claimant": flags,
    },
    "sector_profile": {
        "valid_from": days,
        "sector": sectors,
        "attribute": st.sampled_from(
            ["food_static_score", "area_m2", "special_food", "food_grade", "vulnerable_group"]
        ),
        "value_num": st.none() | st.sampled_from([0.0, 1.0, 2.5]),
        "value_text": st.none() | st.sampled_from(["A", "D", "Z"]),
    },
}
EVENT = {
    "entity": "established_on",
    "licence": "granted_on",
    "penalty": "decided_on",
    "inspection": "checked_on",
    "complaint": "received_on",
    "sector_profile": "valid_from",
}


@st.composite
def facts(draw: st.DrawFn, table: str, number: int) -> list[Row]:
    """All versions of one fact, arriving in any order: corrections, perhaps a withdrawal."""
    uscc = draw(st.sampled_from(FIRMS))
    versions = []
    for version in range(1, draw(st.integers(1, 3)) + 1):
        own = {name: draw(values) for name, values in OWN[table].items()}
        event_at = midnight(own[EVENT[table]])
        arrival = event_at + timedelta(hours=draw(st.sampled_from([0, 12, 24, 24 * 40, 24 * 400])))
        versions.append(
            own
            | {
                "record_id": f"{table}-{number}-{version}",
                "uscc": uscc,
                "source_system": "s",
                "source_record_no": str(number),
                "version": version,
                "event_at": event_at,
                "known_at": arrival,
                "operation": draw(st.sampled_from(["insert", "correct", "correct", "withdraw"])),
                "quality_status": draw(
                    st.sampled_from(["passed", "warned", "confirmed_twice", "quarantined"])
                ),
                "dispute_status": draw(
                    st.sampled_from(["none", "none", "none", "rejected", "under_review", "upheld"])
                ),
                "repaired_at": draw(maybe_days) if draw(st.integers(0, 4)) == 0 else None,
                "publicity_until": draw(maybe_days) if draw(st.integers(0, 4)) == 0 else None,
            }
        )
    return versions


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, list[Row]]:
    """Up to seven facts in each of the six tables."""
    return {
        table: [row for n in range(draw(st.integers(0, 7))) for row in draw(facts(table, n))]
        for table in OWN
    }


questions = st.lists(st.tuples(st.sampled_from(FIRMS), moments), min_size=1, max_size=4)
