"""What the columns of a table say of a record's being in force."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from xinheng.records.frames import NONE
from xinheng.records.in_force.rules import (
    force_rules,
    is_valid,
    rule_columns,
    statutory_ends,
    values_in_force,
)
from xinheng.records.tables import tables


def test_every_end_of_validity_is_decided_by_a_row() -> None:
    ends = {
        (name, column.stored)
        for name, table in tables().items()
        for column in table.own
        if "valid_to" in column.roles
    }
    decided = {(name, one.column) for name, rules in force_rules().items() for one in rules}
    assert ends <= decided
    assert {name for name, _ in decided} <= set(tables())


def test_every_value_of_a_rule_is_one_of_its_column() -> None:
    for name, rules in force_rules().items():
        options = {column.stored: set(column.options) for column in tables()[name].own}
        for one in rules:
            assert one.values <= options[one.column], (name, one.column)
            assert bool(one.values) == (one.rule in {"only", "never", "empty"}), (name, one.column)


def test_the_states_in_force_are_told_by_the_same_row() -> None:
    assert values_in_force("penalty", "state") == {"effective", "changed"}


@pytest.mark.parametrize(
    ("name", "told", "valid"),
    [
        ("penalty", {"state": "effective"}, True),
        ("penalty", {"state": "changed"}, True),
        ("penalty", {"state": "revoked"}, False),
        ("penalty", {"state": "invalid"}, False),
        ("penalty", {"state": "effective", "decision_kind": "reduced"}, True),
        ("penalty", {"state": "effective", "decision_kind": "spared_first_offence"}, False),
        ("penalty", {"state": "effective", "decision_kind": "spared_minor"}, False),
        ("abnormal_list", {"removal_kind": "repaired"}, True),
        ("abnormal_list", {"removal_kind": "cancelled_decision"}, False),
        ("serious_list", {"removal_kind": "expired"}, True),
        ("serious_list", {"removal_kind": "revoked"}, False),
        ("inspection", {}, True),
    ],
)
def test_annulled_and_spared_decisions_are_none(
    name: str, told: dict[str, str], valid: bool
) -> None:
    row = dict.fromkeys(rule_columns(name)) | told or {"record_id": "1"}
    schema = {column: pl.String() for column in row}
    rows = pl.DataFrame([row], schema=schema)
    assert is_valid(name, rows).tolist() == [valid]


@pytest.mark.parametrize(
    ("kinds", "fine", "taken", "valid"),
    [
        pytest.param(["fine"], 100, 0, True, id="a fine"),
        pytest.param(["fine"], 0, 0, False, id="a fine corrected to 0"),
        pytest.param(["fine", "confiscate_income"], 0, None, False, id="both corrected to 0"),
        pytest.param(["fine", "confiscate_income"], 0, 100, True, id="the fine alone is gone"),
        pytest.param(["warn"], 0, 0, True, id="a warning never had an amount"),
        pytest.param(["fine", "revoke_licence"], 0, 0, True, id="the licence is still revoked"),
    ],
)
def test_a_decision_of_money_alone_is_annulled_by_a_correction_to_0(
    kinds: list[str], fine: int, taken: int | None, valid: bool
) -> None:
    told = {"state": "effective", "penalty_kinds": kinds}
    amounts = {"fine_amount_fen": fine, "confiscated_fen": taken}
    row = dict.fromkeys(rule_columns("penalty")) | told | amounts
    schema = {name: tables()["penalty"].schema[name] for name in row}
    assert is_valid("penalty", pl.DataFrame([row], schema=schema)).tolist() == [valid]


def test_a_statutory_end_is_the_first_moment_of_its_day() -> None:
    rows = pl.DataFrame({"term_until": [date(2024, 6, 1), None]})
    (ends,) = statutory_ends("serious_list", rows)
    assert ends.tolist() == [1_717_171_200_000_000, NONE], "31 May, 16:00 UTC"
    assert not statutory_ends("serious_list", rows.tail(1)), "nobody's term ends"
    assert not statutory_ends("penalty", rows)
