"""What a row contradicts: not the end of a decision, nor the payments of one that is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.records.test_identity import Record, Town, record

NUMBER = "示市监罚〔2024〕71号"
FINED = {"decision_no": NUMBER, "fine_amount_yuan": 5000}


def penalty(**told: Any) -> Record:
    return record("penalty", "P1", **(FINED | told))


def payment(number: str, **told: Any) -> Record:
    return record("penalty_performance", number, decision_no=NUMBER, **told)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path)
    town.take(record("entity", "E1"))
    return town


ANNULLED = [
    pytest.param({"state": "revoked", "fine_amount_yuan": 0}, id="revoked, to 0"),
    pytest.param({"state": "revoked"}, id="revoked, its amount kept"),
    pytest.param({"state": "invalid", "penalty_kinds": "warn"}, id="invalid, a fine on a warning"),
    pytest.param({"fine_amount_yuan": 0}, id="corrected to 0"),
    pytest.param({"operation": "withdraw", "fine_amount_yuan": 0}, id="withdrawn, to 0"),
    pytest.param({"state": "revoked", "confiscated_yuan": 9}, id="revoked, with a confiscation"),
]


@pytest.mark.parametrize("told", ANNULLED)
def test_an_annulled_decision_is_never_refused_for_its_amount(
    town: Town, told: dict[str, Any]
) -> None:
    assert town.take(penalty()) == [(1, 0, 0)]
    assert town.take(penalty(**({"operation": "correct"} | told))) == [(1, 0, 0)]
    assert town.findings("QC14") == []


STANDING = [
    pytest.param({"fine_amount_yuan": 0}, id="inserted with 0"),
    pytest.param({"penalty_kinds": "warn"}, id="a fine on a warning"),
    pytest.param({"confiscated_yuan": 9}, id="a confiscation without its kind"),
    pytest.param({"state": "changed", "operation": "correct", "penalty_kinds": "warn"},
                 id="changed, not annulled"),
    pytest.param({"state": "revoked", "fine_amount_yuan": -5}, id="less than nothing, revoked"),
]  # fmt: skip


@pytest.mark.parametrize("told", STANDING)
def test_a_decision_that_stands_must_agree_with_its_kinds(town: Town, told: dict[str, Any]) -> None:
    assert town.take(penalty(**told)) == [(0, 0, 1)]
    assert len(town.findings("QC14")) >= 1


def test_payments_of_a_withdrawn_decision_are_no_mistake(town: Town) -> None:
    town.take(penalty())
    town.take(penalty(operation="withdraw"))
    assert town.take(payment("Z1")) == [(1, 0, 0)]
    assert town.findings("QC17") == []


def test_payments_of_an_annulled_decision_are_held_against_what_was_owed(town: Town) -> None:
    town.take(penalty())
    town.take(penalty(operation="correct", state="revoked", fine_amount_yuan=0))
    assert town.take(payment("Z1", amount_yuan=10_000)) == [(1, 0, 0)], "fine and surcharge"
    assert town.take(payment("Z2", amount_yuan=0.01)) == [(0, 1, 0)]
    (message,) = town.findings("QC17")
    assert "exceeds what can be owed (10000)" in message


def test_a_withdrawn_payment_is_not_questioned_and_counts_no_more(town: Town) -> None:
    town.take(penalty())
    assert town.take(payment("Z1", amount_yuan=6000)) == [(1, 0, 0)]
    assert town.take(payment("Z1", amount_yuan=6000, operation="withdraw")) == [(1, 0, 0)]
    assert town.take(payment("Z2", amount_yuan=10_000)) == [(1, 0, 0)]
    assert town.findings("QC17") == []


def test_the_withdrawal_of_a_payment_wants_no_decision(town: Town) -> None:
    assert town.take(payment("Z1")) == [(0, 1, 0)], "for a decision that nobody sent"
    assert town.take(payment("Z1", operation="withdraw")) == [(1, 0, 0)]
    assert len(town.findings("QC17")) == 1
