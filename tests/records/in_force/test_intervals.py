"""When a version of a record is in force: every end, and what is left between repairs."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records.in_force.test_repairs import application, repairs, us
from xinheng.records.asked import stored_schema
from xinheng.records.in_force.intervals import force_columns, in_force, pieces, unrepaired
from xinheng.records.in_force.repairs import Repairs
from xinheng.records.spans import NEVER_US

FIRM = "91440300192317458F"
KNOWN = datetime(2024, 1, 5, tzinfo=UTC)
LATER = datetime(2024, 4, 1, tzinfo=UTC)
DAY, MIDNIGHT = date(2024, 3, 10), datetime(2024, 3, 9, 16, tzinfo=UTC)
NOBODY = Repairs({})


def versions(name: str, *told: dict[str, Any]) -> pl.DataFrame:
    common = {
        "uscc": FIRM, "source_system": "s", "source_record_no": "7", "known_at": KNOWN,
        "operation": "insert", "quality_status": "passed", "dispute_status": "none",
    } | ({"state": "effective"} if name == "penalty" else {})  # fmt: skip
    rows = [common | {"version": number} | one for number, one in enumerate(told, start=1)]
    return pl.DataFrame(rows, schema={n: stored_schema(name)[n] for n in force_columns(name)})


def spans(name: str, *told: dict[str, Any], by: Repairs = NOBODY) -> list[tuple[int, int, int]]:
    rows, since, until = in_force(name, versions(name, *told), by)
    found = zip(rows["version"].to_list(), since.tolist(), until.tolist(), strict=True)
    return [one for one in found if one[1] < one[2]]


ALWAYS = [(1, us(KNOWN), NEVER_US)]


@pytest.mark.parametrize(
    ("name", "told", "until"),
    [
        ("penalty", {}, NEVER_US),
        ("penalty", {"repaired_at": DAY}, us(MIDNIGHT)),
        ("penalty", {"publicity_until": DAY}, us(MIDNIGHT)),
        ("penalty", {"publicity_until": DAY, "repaired_at": date(2024, 6, 1)}, us(MIDNIGHT)),
        ("serious_list", {"term_until": DAY}, us(MIDNIGHT)),
        ("abnormal_list", {"removed_on": DAY}, NEVER_US),
    ],
    ids=str,
)  # fmt: skip
def test_a_record_is_in_force_until_its_first_end(
    name: str, told: dict[str, Any], until: int
) -> None:
    assert spans(name, told) == [(1, us(KNOWN), until)]


@pytest.mark.parametrize(
    "told",
    [
        {"operation": "withdraw"}, {"quality_status": "quarantined"},
        {"quality_status": "confirmed_once"}, {"dispute_status": "under_review"},
        {"dispute_status": "upheld"}, {"state": "revoked"}, {"state": "invalid"},
        {"decision_kind": "spared_minor"},
    ],
    ids=str,
)  # fmt: skip
def test_a_version_that_does_not_count_ends_the_one_before(told: dict[str, Any]) -> None:
    assert spans("penalty", told) == []
    assert spans("penalty", {}, {"known_at": LATER} | told) == [(1, us(KNOWN), us(LATER))]


def test_a_dispute_that_was_rejected_and_a_second_confirmation_put_in_force_from_then() -> None:
    decided = spans(
        "penalty",
        {"dispute_status": "under_review"},
        {"known_at": LATER, "dispute_status": "rejected"},
    )
    confirmed = spans(
        "penalty",
        {"quality_status": "quarantined"},
        {"known_at": LATER, "quality_status": "confirmed_twice"},
    )
    assert decided == confirmed == [(2, us(LATER), NEVER_US)]


def test_a_repair_that_was_undone_leaves_two_intervals() -> None:
    found = repairs(application(), application(version=2, known_at=LATER, result="rejected"))
    assert spans("penalty", {}, by=found) == [
        (1, us(KNOWN), us(MIDNIGHT)), (1, us(LATER), NEVER_US),
    ]  # fmt: skip
    assert spans("penalty", {}, by=repairs(application())) == [(1, us(KNOWN), us(MIDNIGHT))]
    assert spans("penalty", {}, {"known_at": LATER}, by=repairs(application())) == [
        (1, us(KNOWN), us(MIDNIGHT))
    ], "a later version of what is repaired is repaired"


def test_what_stands_unrepaired_is_told_without_asking_what_it_says() -> None:
    rows = versions("penalty", {"state": "revoked", "dispute_status": "under_review"})
    _, since, until = unrepaired("penalty", rows, NOBODY)
    assert (since[0], until[0]) == (us(KNOWN), NEVER_US)


_MOMENTS = st.integers(0, 12)


@given(
    st.lists(st.tuples(_MOMENTS, _MOMENTS), max_size=4),
    st.lists(st.tuples(st.integers(0, 3), _MOMENTS, _MOMENTS), max_size=8),
)
def test_pieces_are_the_moments_inside_an_interval_and_in_no_hole(
    intervals: list[tuple[int, int]], holes: list[tuple[int, int, int]]
) -> None:
    own = sorted(one for one in holes if one[0] < len(intervals) and one[1] < one[2])
    since, until = (np.array([one[i] for one in intervals], dtype=np.int64) for i in (0, 1))
    rows, begins, ends = pieces(
        since, until, *(np.array([one[i] for one in own], dtype=np.int64) for i in range(3))
    )
    found = [
        (row, at)
        for row, begin, end in zip(rows, begins, ends, strict=True)
        for at in range(begin, end)
    ]
    wanted = [
        (row, at)
        for row, (begin, end) in enumerate(intervals)
        for at in range(begin, end)
        if not any(r == row and b <= at < e for r, b, e in own)
    ]
    assert sorted(found) == wanted
    assert all(begins < ends)
