"""What is new and ends a record is a repair; what is new and worsens, or only corrects, is not."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from tests.decisions.handmade import rows
from xinheng.features.memory import Memory
from xinheng.records.in_force.endings import endings

AT = datetime(2025, 6, 30, 16, tzinfo=UTC)
BEFORE, SINCE = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)
PENALTY = {
    "state": "effective", "decision_kind": "penalty", "dispute_status": "none",
    "penalty_kinds": ["fine"], "fine_amount_fen": 50_000, "decided_on": date(2025, 1, 1),
}  # fmt: skip
LISTED = {"listed_on": date(2025, 1, 1), "dispute_status": "none"}


@pytest.mark.parametrize(
    ("table", "basis", "news", "is_ending"),
    [
        pytest.param("penalty", PENALTY, {"operation": "withdraw"}, True, id="withdrawn"),
        pytest.param("penalty", PENALTY, {"state": "revoked"}, True, id="annulled"),
        pytest.param("penalty", PENALTY, {"fine_amount_fen": 0}, True, id="corrected to nothing"),
        pytest.param("penalty", PENALTY, {"repaired_at": date(2025, 6, 1)}, True, id="repaired"),
        pytest.param("penalty", PENALTY, {"dispute_status": "under_review"}, True, id="disputed"),
        pytest.param("penalty", PENALTY, {"fine_amount_fen": 90_000}, False, id="raised"),
        pytest.param("penalty", PENALTY, {"fine_amount_fen": 10_000}, False, id="lowered"),
        pytest.param("serious_list", LISTED, {"removed_on": date(2025, 6, 1)}, True, id="off"),
        pytest.param("abnormal_list", LISTED, {"removal_kind": "cancelled_decision"}, True,
                     id="should never have been listed"),
        pytest.param("abnormal_list", LISTED, {"dispute_status": "rejected"}, False,
                     id="an objection was rejected"),
    ],
)  # fmt: skip
def test_a_new_version(
    table: str, basis: dict[str, object], news: dict[str, object], is_ending: bool
) -> None:
    first = {"known_at": BEFORE, "source_record_no": "1"} | basis
    second = first | {
        "known_at": SINCE, "version": 2, "operation": "correct", "record_id": "second",
    }  # fmt: skip
    versions = Memory({table: rows(table, first, second | news)}).all_of(table)
    found = endings(table, versions, np.array([False, True]), AT)
    assert found.tolist() == [False, is_ending]


def test_a_new_record_is_no_ending_even_where_it_has_ended() -> None:
    old = {"known_at": BEFORE} | LISTED
    gone = {"known_at": SINCE, "removed_on": date(2025, 6, 1)} | LISTED
    versions = Memory({"serious_list": rows("serious_list", old, gone)}).all_of("serious_list")
    assert not endings("serious_list", versions, np.array([False, True]), AT).any()


def test_every_application_for_a_repair_is_one() -> None:
    told = {"known_at": SINCE, "result": "approved", "effective_on": date(2025, 6, 2)}
    versions = Memory({"credit_repair": rows("credit_repair", told)}).all_of("credit_repair")
    assert endings("credit_repair", versions, np.array([True]), AT).tolist() == [True]


def test_a_dispute_that_is_decided_for_the_authority_is_a_fact() -> None:
    """The record counts again: that ends nothing."""
    held = {"known_at": BEFORE, "source_record_no": "1"} | PENALTY
    held |= {"dispute_status": "under_review"}
    again = held | {"known_at": SINCE, "version": 2, "dispute_status": "rejected"}
    versions = Memory({"penalty": rows("penalty", held, again)}).all_of("penalty")
    assert not endings("penalty", versions, np.array([False, True]), AT).any()
