"""Which code stands for which firm when: stated, late, withdrawn, in chains and in circles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from xinheng.domain import surrogate_uscc
from xinheng.records.codes.succession import (
    BEGINNING_US,
    NO_SUCCESSIONS,
    REGISTER_COLUMNS,
    Successions,
)
from xinheng.records.frames import microsecond
from xinheng.records.spans import FROM, NEVER_US, READ_FROM, READ_UNTIL, UNTIL
from xinheng.records.tables import tables

A, B, C, D = (surrogate_uscc("succession", key) for key in "ABCD")
SCHEMA = {name: tables()["entity"].schema[name] for name in REGISTER_COLUMNS}
DAY_0 = datetime(2024, 3, 1, 9, tzinfo=UTC)


def day(number: int) -> datetime:
    return DAY_0 + timedelta(days=number)


def entry(uscc: str, known: int, **more: Any) -> dict[str, Any]:
    """A version of the register's entry of a code."""
    return {
        "uscc": uscc, "source_system": "register", "source_record_no": f"no-{uscc}", "version": 1,
        "known_at": day(known), "operation": "insert", "quality_status": "passed",
        "status": "active", "former_uscc": None,
    } | more  # fmt: skip


def ended(uscc: str, known: int, status: str = "moved_out") -> dict[str, Any]:
    return entry(uscc, known, version=2, operation="correct", status=status)


def of(*entries: dict[str, Any]) -> Successions:
    return Successions.of(pl.DataFrame([*entries], schema=SCHEMA))


def test_a_register_without_changes_costs_nothing() -> None:
    assert of() is NO_SUCCESSIONS
    assert of(entry(A, 0), entry(B, 1)) is NO_SUCCESSIONS


def test_a_stated_former_code_is_followed_from_the_moment_it_was_known() -> None:
    codes = of(entry(A, 0), ended(A, 10), entry(B, 12, former_uscc=A))
    assert codes.present(A, day(12) - timedelta(microseconds=1)) == A
    assert codes.present(A, day(12)) == B
    assert codes.present(B, day(5)) == B
    assert [(one.uscc, one.until) for one in codes.former(B, day(20))] == [(A, day(12))]
    assert codes.former(B, day(11)) == []


def test_what_was_stated_late_counts_from_then() -> None:
    stated = entry(B, 40, former_uscc=A, version=2, operation="correct")
    codes = of(entry(A, 0), ended(A, 10), entry(B, 12), stated)
    assert codes.present(A, day(39)) == A
    assert codes.present(A, day(40)) == B


def test_a_statement_that_was_withdrawn_ends() -> None:
    codes = of(
        entry(A, 0),
        ended(A, 10),
        entry(B, 12, former_uscc=A),
        entry(B, 30, version=2, operation="correct"),
    )
    assert [codes.present(A, day(n)) for n in (11, 12, 29, 30)] == [A, B, B, A]


def test_a_code_that_still_stands_is_not_succeeded() -> None:
    codes = of(entry(A, 0), entry(B, 12, former_uscc=A), ended(A, 20))
    assert codes.present(A, day(19)) == A
    assert codes.present(A, day(20)) == B


def test_a_revoked_firm_keeps_its_code() -> None:
    assert of(entry(A, 0), ended(A, 10, "revoked"), entry(B, 12, former_uscc=A)) is not None
    codes = of(entry(A, 0), ended(A, 10, "revoked"), entry(B, 12, former_uscc=A))
    assert codes.present(A, day(30)) == A


def test_an_entry_that_is_filed_under_another_code_takes_its_records_along() -> None:
    number = {"source_record_no": "7"}
    codes = of(
        entry(A, 0, **number),
        entry(A, 10, **number, version=2, operation="withdraw"),
        entry(B, 10, **number, version=3, operation="correct"),
    )
    assert codes.present(A, day(9)) == A
    assert codes.present(A, day(10)) == B


def test_a_former_number_of_the_register_stands_for_its_code() -> None:
    codes = of(
        entry(A, 0, source_record_no="640300200001234"),
        ended(A, 10) | {"source_record_no": "640300200001234"},
        entry(B, 12, former_uscc=" 640300200001234 "),
    )
    assert codes.present(A, day(12)) == B


def test_an_entry_that_is_not_confirmed_states_nothing() -> None:
    waiting = entry(B, 12, former_uscc=A, quality_status="quarantined")
    confirmed = waiting | {"version": 2, "known_at": day(15), "quality_status": "warned"}
    assert of(entry(A, 0), ended(A, 10), waiting) is NO_SUCCESSIONS
    codes = of(entry(A, 0), ended(A, 10), waiting, confirmed)
    assert [codes.present(A, day(n)) for n in (14, 15)] == [A, B]


def test_a_chain_ends_at_its_last_code() -> None:
    codes = of(
        entry(A, 0), ended(A, 5), entry(B, 5, former_uscc=A), ended(B, 9) | {"former_uscc": A},
        entry(C, 9, former_uscc=B),
    )  # fmt: skip
    assert [codes.present(A, day(n)) for n in (4, 5, 8)] == [A, B, B]
    assert codes.present(B, day(9)) == C
    assert {*codes.family([C])} == {A, B, C} == {*codes.family([A])}
    assert codes.read_with([D]) == [D]


def test_of_two_that_claim_a_code_the_first_has_it_and_a_circle_moves_nobody() -> None:
    both = of(ended(A, 1), entry(C, 5, former_uscc=A), entry(B, 3, former_uscc=A))
    assert both.present(A, day(9)) == B
    circle = of(
        entry(A, 1, former_uscc=B, status="cancelled"),
        entry(B, 1, former_uscc=A, status="cancelled"),
    )
    assert {circle.present(A, day(9)), circle.present(B, day(9))} == {A, B}


def test_records_are_read_with_the_code_of_their_time_and_the_entry_ends() -> None:
    codes = of(entry(A, 0), ended(A, 10), entry(B, 12, former_uscc=A))
    rows = pl.DataFrame([entry(A, 0), entry(A, 20), entry(D, 3)], schema=SCHEMA)
    read = codes.read("penalty", rows)
    change = microsecond(day(12))
    spans = read.select("uscc", "known_at", pl.col(READ_FROM, READ_UNTIL).to_physical()).rows()
    assert sorted(spans) == sorted(
        [
            (A, day(0), BEGINNING_US, change),
            (B, day(0), change, NEVER_US),
            (B, day(20), change, NEVER_US),
            (D, day(3), BEGINNING_US, NEVER_US),
        ]
    )
    assert {*codes.read("entity", rows)["uscc"]} == {A, D}
    alone = rows.filter(pl.col("uscc") == D)
    assert codes.read("penalty", alone) is alone


def test_whose_records_lie_in_other_buckets_is_known() -> None:
    codes = of(entry(A, 0), ended(A, 10), entry(B, 12, former_uscc=A))
    for number in range(64):
        strangers = codes.strangers([number], 64)
        assert strangers in ([], [A])
    assert sum(codes.strangers([n], 64) == [A] for n in range(64)) == 1


@st.composite
def registers(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Entries of four codes that name one another, end, come back and are withdrawn."""
    entries = []
    for uscc in (A, B, C, D):
        known = draw(st.lists(st.integers(0, 60), min_size=1, max_size=3, unique=True))
        for version, moment in enumerate(sorted(known), start=1):
            row = entry(uscc, moment, version=version)
            row["status"] = draw(st.sampled_from(["active", "moved_out", "cancelled", "revoked"]))
            row["former_uscc"] = draw(st.sampled_from([None, A, B, C, D]))
            row["operation"] = draw(st.sampled_from(["correct", "correct", "withdraw"]))
            entries.append(row)
    return entries


@given(registers(), st.integers(-1, 61))
def test_what_is_known_at_a_moment_depends_on_nothing_later(
    entries: list[dict[str, Any]], moment: int
) -> None:
    later, then = of(*entries), of(*[row for row in entries if row["known_at"] <= day(moment)])
    for code in (A, B, C, D):
        present = later.present(code, day(moment))
        assert present == then.present(code, day(moment))
        assert later.present(present, day(moment)) == present
        assert present in later.family([code])
        assert code in later.read_with([present])


def test_a_column_that_names_a_firm_names_it_by_its_code_of_the_time() -> None:
    codes = of(entry(A, 0), ended(A, 10), entry(B, 12, former_uscc=A))
    spans = pl.DataFrame(
        {"uscc": [D, D], "party_key": [A, C], FROM: [day(1)] * 2, UNTIL: [day(30)] * 2},
        schema_overrides=dict.fromkeys((FROM, UNTIL), SCHEMA["known_at"]),
    )
    named = codes.name_presently(
        codes.read("party_link", spans.with_columns(known_at=FROM)), "uscc"
    )
    assert named.drop("known_at").equals(spans)
    rows = sorted(codes.name_presently(spans, "party_key").rows())
    assert rows == sorted(
        [(D, C, day(1), day(30)), (D, A, day(1), day(12)), (D, B, day(12), day(30))]
    )
