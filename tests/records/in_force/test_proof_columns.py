"""Columns of proofs: when a record's lack of a proof says something, and what succeeded it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from xinheng.records.asked import stored_schema
from xinheng.records.duties.proofs import Proofs
from xinheng.records.duties.rules import clocks
from xinheng.records.frames import microsecond
from xinheng.records.in_force.intervals import force_columns, in_force
from xinheng.records.in_force.proof_columns import (
    OBSERVABLE,
    ROW,
    SUCCESSOR,
    columns_behind,
    duty_of,
    proof_columns,
    with_proof_columns,
)
from xinheng.records.in_force.repairs import Repairs
from xinheng.records.tables import tables

FIRM = "91440300192317458F"
EARLY, LATE = datetime(2020, 1, 5, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)
FIRST, SECOND = date(2020, 1, 2), date(2024, 3, 20)
PROOFS = Proofs({("licence_renewal", "licence"): {"m": microsecond(LATE)}})
WANTED = frozenset({OBSERVABLE, SUCCESSOR})


def licence(number: str, granted: date, known: datetime, **more: Any) -> dict[str, Any]:
    return {
        "uscc": FIRM, "source_system": "s", "source_record_no": number, "version": 1,
        "known_at": known, "operation": "insert", "quality_status": "passed",
        "dispute_status": "none", "source_dept": "m", "licence_kind": "food_business",
        "granted_on": granted, "valid_to": date(granted.year + 5, 1, 1), "status": "valid",
    } | more  # fmt: skip


def told(*rows: dict[str, Any]) -> list[tuple[str, date | None, datetime, datetime]]:
    """Number, successor, from and until, in the order of time."""
    schema = stored_schema("licence")
    names = dict.fromkeys((*force_columns("licence"), *columns_behind("licence", WANTED)))
    versions = pl.DataFrame(rows, schema={n: schema[n] for n in names}).with_row_index(ROW)
    found = in_force("licence", versions, Repairs({}))
    rows_, since, until = with_proof_columns("licence", found, versions, WANTED, PROOFS)
    assert rows_[OBSERVABLE].to_list() == [LATE] * rows_.height
    numbers, days = rows_["source_record_no"].to_list(), rows_[SUCCESSOR].to_list()
    pieces = zip(numbers, days, since.tolist(), until.tolist(), strict=True)
    kept = sorted((one for one in pieces if one[2] < one[3]), key=lambda one: (one[0], one[2]))
    return [(no, day, as_moment(a), as_moment(b)) for no, day, a, b in kept]


def as_moment(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)


def test_a_record_is_cut_where_its_successor_becomes_known() -> None:
    old, new = licence("a", FIRST, EARLY), licence("b", SECOND, LATE)
    first, second, third = told(old, new)
    assert first[:4] == ("a", None, EARLY, LATE)
    assert second[:3] == ("a", SECOND, LATE)
    assert third[:3] == ("b", None, LATE)


def test_a_repair_of_the_former_cuts_the_pieces_and_a_withdrawn_successor_is_none() -> None:
    repaired = licence("a", FIRST, EARLY, repaired_at=date(2024, 5, 1))
    midnight = datetime(2024, 4, 30, 16, tzinfo=UTC)
    pieces = told(repaired, licence("b", SECOND, LATE))
    assert [(no, end) for no, _, _, end in pieces[:2]] == [("a", LATE), ("a", midnight)]
    gone = licence("b", SECOND, LATE, operation="withdraw")
    assert [(no, day) for no, day, _, _ in told(licence("a", FIRST, EARLY), gone)] == [("a", None)]


def test_a_disputed_successor_succeeds_but_does_not_count_itself() -> None:
    disputed = licence("b", SECOND, LATE, dispute_status="under_review")
    assert {(no, day) for no, day, _, _ in told(licence("a", FIRST, EARLY), disputed)} == {
        ("a", None), ("a", SECOND),
    }  # fmt: skip


def test_without_a_successor_nothing_is_cut() -> None:
    (one,) = told(licence("a", FIRST, EARLY))
    assert one[:3] == ("a", None, EARLY)


@pytest.mark.parametrize("name", sorted({duty.table for duty in clocks().duties}))
def test_every_table_of_a_duty_has_columns_that_are_made_of_its_own(name: str) -> None:
    assert OBSERVABLE in proof_columns(name)
    assert columns_behind(name, proof_columns(name)) <= set(tables()[name].schema)
    assert not proof_columns(name) & set(tables()[name].schema), "no column hides a delivered one"


def test_a_table_without_a_duty_of_its_own_has_none() -> None:
    assert proof_columns("complaint") == frozenset()
    assert duty_of("complaint") is None
    assert columns_behind("complaint", frozenset({OBSERVABLE})) == frozenset()
