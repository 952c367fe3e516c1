"""An approved application acts on the record that it names, from its day on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from xinheng.records.asked import stored_schema
from xinheng.records.in_force.repairs import (
    HOLES,
    REPAIR_COLUMNS,
    Repairs,
    repaired_themselves,
)
from xinheng.records.spans import NEVER_US

FIRM, OTHER = "91440300192317458F", "91440400192548256N"
KNOWN = datetime(2024, 3, 4, 1, tzinfo=UTC)
MIDNIGHT = datetime(2024, 3, 9, 16, tzinfo=UTC)
"""The first moment of 10 March in Asia/Shanghai."""
FACTS = pl.DataFrame(
    {"uscc": [OTHER, FIRM], "source_system": ["s", "s"], "source_record_no": ["7", "7"]}
)


def application(**own: Any) -> dict[str, Any]:
    return {
        "uscc": FIRM, "source_system": "r", "source_record_no": "a1", "version": 1,
        "known_at": KNOWN, "operation": "insert", "quality_status": "passed",
        "target_table": "penalty", "target_record_id": "7", "result": "approved",
        "effective_on": date(2024, 3, 10), "decided_on": date(2024, 3, 3),
    } | own  # fmt: skip


def repairs(*versions: dict[str, Any]) -> Repairs:
    schema = {name: stored_schema("credit_repair")[name] for name in REPAIR_COLUMNS}
    return Repairs.of(pl.DataFrame(list(versions), schema=schema))


def held(found: Repairs, name: str = "penalty") -> list[tuple[int, int, int]]:
    return found.holes(name, FACTS).rows()  # type: ignore[return-value]


def us(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


@pytest.mark.parametrize("target", ["7", "penalty/s/7", "penalty/s/7/v1", "penalty/s/7/v12"])
def test_a_target_is_named_by_number_or_id_with_or_without_version(target: str) -> None:
    assert held(repairs(application(target_record_id=target))) == [(1, us(MIDNIGHT), NEVER_US)]


@pytest.mark.parametrize(
    "told",
    [
        {"target_record_id": "8"}, {"target_table": "serious_list"}, {"result": "pending"},
        {"result": "rejected"}, {"uscc": "91350900587527783P"}, {"operation": "withdraw"},
        {"quality_status": "quarantined"}, {"target_record_id": "penalty/other/7"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_approved_or_names_another_record_does_nothing(told: dict[str, Any]) -> None:
    assert held(repairs(application(**told))) == []
    assert repairs().holes("penalty", FACTS).schema == HOLES


@pytest.mark.parametrize(
    ("told", "since"),
    [
        ({}, MIDNIGHT),
        ({"effective_on": date(2024, 3, 1)}, KNOWN),
        ({"effective_on": None, "decided_on": date(2024, 3, 10)}, MIDNIGHT),
        ({"effective_on": None, "decided_on": None}, KNOWN),
    ],
    ids=["on its day", "known later", "the day of the decision", "without a day"],
)
def test_a_repair_acts_from_its_day_once_it_is_known(told: dict[str, Any], since: datetime) -> None:
    assert held(repairs(application(**told))) == [(1, us(since), NEVER_US)]


@pytest.mark.parametrize("undone", [{"result": "rejected"}, {"operation": "withdraw"}], ids=str)
def test_a_repair_that_is_rejected_or_withdrawn_acts_no_longer(undone: dict[str, str]) -> None:
    later = datetime(2024, 5, 1, tzinfo=UTC)
    found = repairs(application(), application(version=2, known_at=later, **undone))
    assert held(found) == [(1, us(MIDNIGHT), us(later))]
    early = repairs(application(), application(version=2, known_at=MIDNIGHT, **undone))
    assert held(early) == [], "it was undone before its day"


def test_a_record_may_say_of_itself_that_it_is_repaired() -> None:
    versions = pl.DataFrame(
        {"record_id": ["p/v1", "p/v2"], "repaired_at": [None, date(2024, 3, 10)]}
    )
    found = repaired_themselves(pl.Series(["p/v2", None, "p/v1", "p/v2"]), versions)
    assert found.rows() == [(0, us(MIDNIGHT), NEVER_US), (3, us(MIDNIGHT), NEVER_US)]
