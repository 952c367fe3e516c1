"""What is unlikely: large and strange amounts of decisions that stand, and unexplained visits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.records.test_identity import Record, Town, record
from xinheng.records.gate.plausibility import MIN_PENALTIES_OF_AN_ACT


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path)
    town.take(record("entity", "E1"))
    return town


def penalty(number: int, **told: Any) -> Record:
    base = {"decision_no": f"示市监罚〔2024〕{number}号", "illegal_act_code": "act9"}
    return record("penalty", f"P{number}", **(base | told))


LARGE = {"fine_amount_yuan": 2_000_000}
OVER = [
    pytest.param({"state": "revoked"}, id="revoked"),
    pytest.param({"state": "invalid"}, id="invalid"),
    pytest.param({"operation": "withdraw"}, id="withdrawn"),
]


@pytest.mark.parametrize("told", OVER)
def test_a_large_amount_of_a_decision_that_is_over_waits_for_nobody(
    town: Town, told: dict[str, Any]
) -> None:
    assert town.take(penalty(1, **LARGE)) == [(0, 1, 0)]
    assert len(town.findings("QC12")) == 1
    assert town.take(penalty(1, **({"operation": "correct"} | LARGE | told))) == [(1, 0, 0)]
    assert len(town.findings("QC12")) == 1, "the first one alone"


def test_a_large_confiscation_waits_for_two_confirmations_too(town: Town) -> None:
    taken = {"penalty_kinds": "confiscate_income", "fine_amount_yuan": 0,
             "confiscated_yuan": 1_000_000.01}  # fmt: skip
    assert town.take(penalty(1, **taken)) == [(0, 1, 0)]
    exact = taken | {"confiscated_yuan": 1_000_000}
    assert town.take(penalty(2, **exact)) == [(1, 0, 0)]


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        pytest.param({}, 1, id="effective"),
        pytest.param({"state": "changed"}, 1, id="changed"),
        *(pytest.param(one.values[0], 0, id=one.id) for one in OVER),
    ],
)
def test_the_unit_is_asked_of_decisions_that_stand(
    town: Town, told: dict[str, Any], asked: int
) -> None:
    days = range(1, 2 + MIN_PENALTIES_OF_AN_ACT)
    usual = [penalty(10 + n, decided_on=f"2024-05-{n:02}") for n in days]
    assert town.take(*usual) == [(len(usual), 0, 0)]
    tiny = {"fine_amount_yuan": 0.5} | told
    assert town.take(penalty(1, **tiny)) == [(1 - asked, asked, 0)]
    assert len(town.findings("QC13")) == asked


VISITS = [
    pytest.param({}, [], id="drawn, with its probability"),
    pytest.param({"selection_reason": None}, ["selection_reason"], id="no reason"),
    pytest.param({"selection_reason": None, "selection_prob": None}, ["selection_reason"],
                 id="nothing is told"),
    pytest.param({"selection_prob": None}, ["selection_prob"], id="drawn, no probability"),
    pytest.param({"selection_reason": "complaint", "selection_prob": None}, [],
                 id="after a complaint: there is no probability"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "fields"), VISITS)
def test_a_visit_without_its_reason_is_taken_with_a_warning(
    town: Town, told: dict[str, Any], fields: list[str]
) -> None:
    assert town.take(record("inspection", "I1", **told)) == [(1, 0, 0)]
    assert found(town, "QC27") == fields
    assert found(town, "QC08") == []
    stored = town.lake.rows("inspection").collect()
    assert stored["quality_status"].to_list() == ["warned" if fields else "passed"]


def test_a_source_without_the_column_of_reasons_is_taken_with_a_warning(town: Town) -> None:
    table, made, *rest = record("inspection", "I1")
    bare = {k: v for k, v in made.items() if not k.startswith("selection_")}
    assert town.take((table, bare, *rest)) == [(1, 0, 0)]
    assert found(town, "QC27") == ["selection_reason"]


def found(town: Town, check: str) -> list[str]:
    """The fields that a check named."""
    from xinheng.records.lake import FINDINGS  # noqa: PLC0415

    rows = town.lake.told(FINDINGS).filter(pl.col("check") == check).collect()
    return rows["field"].to_list()
