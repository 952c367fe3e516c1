"""Which duties count: not those of a disputed record, nor unperformed ones of a repaired one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from tests.records.in_force.test_intervals import versions
from tests.records.in_force.test_repairs import application, repairs
from xinheng.records.in_force.duties import counting_duties
from xinheng.records.in_force.repairs import Repairs
from xinheng.records.spans import FROM, NEVER, UNTIL
from xinheng.records.tables import MOMENT

FIRM = "91440300192317458F"
KNOWN = datetime(2024, 1, 5, tzinfo=UTC)
DUE = datetime(2024, 2, 1, 16, tzinfo=UTC)
MIDNIGHT = datetime(2024, 3, 9, 16, tzinfo=UTC)
NOBODY = Repairs({})


def counting(
    standing: str,
    by: Repairs = NOBODY,
    *,
    dispute: str = "none",
    observable: datetime = KNOWN,
    **told: Any,
) -> list[tuple[datetime, datetime]]:
    """The spans in which the duty of a fine counts."""
    duty = {
        "uscc": FIRM, "source_table": "penalty", "source_system": "s", "source_record_no": "7",
        "source_record_id": "penalty/s/7/v1", "standing": standing, "dispute_status": dispute,
        "due_at": DUE, "observable_from": observable, FROM: KNOWN, UNTIL: NEVER,
    }  # fmt: skip
    moments = (FROM, UNTIL, "due_at", "observable_from")
    rows = pl.DataFrame([duty]).with_columns(pl.col(moments).cast(MOMENT))
    records = versions("penalty", told).with_columns(record_id=pl.lit("penalty/s/7/v1"))
    found = counting_duties(rows, lambda _: records, by)
    return found.select(FROM, UNTIL).rows()


@pytest.mark.parametrize("standing", ["open", "paused", "waived"])
@pytest.mark.parametrize("by", ["application", "record"])
def test_an_unperformed_duty_ends_with_the_repair_of_its_record(standing: str, by: str) -> None:
    if by == "application":
        found = counting(standing, repairs(application()))
    else:
        found = counting(standing, repaired_at=date(2024, 3, 10))
    assert found == [(KNOWN, MIDNIGHT)]


@pytest.mark.parametrize("standing", ["performed", "performed_late"])
def test_when_it_was_performed_stays_a_fact_after_the_repair(standing: str) -> None:
    assert counting(standing, repairs(application())) == [(KNOWN, NEVER)]


@pytest.mark.parametrize("standing", ["open", "performed_late"])
@pytest.mark.parametrize("dispute", ["under_review", "upheld"])
def test_a_duty_under_dispute_is_held(standing: str, dispute: str) -> None:
    assert counting(standing, dispute=dispute) == []


@pytest.mark.parametrize(
    ("standing", "left"),
    [("performed_late", []), ("performed", []), ("waived", [(KNOWN, NEVER)])],
)
def test_what_was_paid_on_an_annulled_decision_says_nothing(
    standing: str, left: list[tuple[datetime, datetime]]
) -> None:
    assert counting(standing, state="revoked") == left


def test_the_end_of_publicity_ends_no_duty() -> None:
    assert counting("open", publicity_until=date(2024, 3, 10)) == [(KNOWN, NEVER)]


FIRST_PROOF = datetime(2024, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize("standing", ["open", "paused"])
@pytest.mark.parametrize(
    ("observable", "left"),
    [
        pytest.param(NEVER, [(KNOWN, DUE)], id="never"),
        pytest.param(FIRST_PROOF, [(KNOWN, DUE), (FIRST_PROOF, NEVER)], id="later"),
        pytest.param(DUE, [(KNOWN, NEVER)], id="by the deadline"),
    ],
)
def test_past_its_deadline_a_duty_counts_only_where_proofs_are_delivered(
    standing: str, observable: datetime, left: list[tuple[datetime, datetime]]
) -> None:
    assert counting(standing, observable=observable) == left


@pytest.mark.parametrize("standing", ["performed", "performed_late", "waived"])
def test_what_was_performed_or_waived_needs_no_other_proof(standing: str) -> None:
    assert counting(standing, observable=NEVER) == [(KNOWN, NEVER)]
