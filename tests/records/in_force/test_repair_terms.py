"""The terms of repairs as data: which term a record follows, and that each is complete."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinheng.records.in_force.repair_terms import (
    REPAIR_DAYS,
    repair_days,
    repair_terms,
    term_columns,
    term_named,
)
from xinheng.records.tables import table


@pytest.mark.parametrize("name", list(repair_terms()))
def test_terms_read_columns_of_their_table(name: str) -> None:
    assert term_columns(name) <= set(table(name).schema)
    rules = [term.rule for term in repair_terms()[name]]
    assert len({*rules}) == len(rules)
    assert all(term_named(name, rule).rule == rule for rule in rules)


def listed(**told: object) -> pl.DataFrame:
    schema = table("serious_list").schema
    names = ["uscc", "record_id", *sorted(term_columns("serious_list"))]
    row = {"uscc": "u", "record_id": "r", "listed_on": date(2024, 2, 29)} | told
    return pl.DataFrame([row], schema={name: schema[name] for name in names})


def test_the_first_term_that_holds_counts_and_a_removed_entry_has_none() -> None:
    assert repair_days("serious_list", listed(field="wage"))["rule"].to_list() == ["LC16 wage list"]
    own = repair_days("serious_list", listed(field="tax"))
    assert own.schema == REPAIR_DAYS
    assert own["earliest_on"].to_list() == [date(2025, 2, 28)], "of a leap day the last of February"
    gone = listed(field="tax", removed_on=date(2024, 5, 1))
    assert repair_days("serious_list", gone).height == 0


@given(
    st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.sampled_from(["minor", "general", "serious"])
)
def test_graver_decisions_wait_longer(day: date, severity: str) -> None:
    schema = table("penalty").schema
    names = ["uscc", "record_id", *sorted(term_columns("penalty"))]
    rows = [{"decided_on": day, "severity": one} for one in ("minor", severity, "serious")]
    told = repair_days("penalty", pl.DataFrame(rows, schema={n: schema[n] for n in names}))
    earliest = told["earliest_on"].to_list()
    assert earliest == sorted(earliest)
    assert earliest[0] == day
