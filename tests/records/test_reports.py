"""Annual reports of firms that the register does not tell of: what was filed, as it was dated."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records.test_ledger import Row, firm, ledger, moment, only, record, source

DUE = date(2024, 6, 30)


def filed(day: str, known: str = "", **more: Any) -> tuple[str, Row]:
    at = f"{day}T10:00"
    told = {"report_year": 2023, "submitted_at": moment(at), "revision_no": 0, "due_on": DUE}
    return record("annual_report", known or at, **(told | more))


CASES = [
    pytest.param({"is_late_supplement": False}, "2024-06-30", "performed", id="in time"),
    pytest.param({"is_late_supplement": True}, "2024-07-01", "performed_late", id="late"),
    pytest.param({"is_late_supplement": False}, "2024-07-01", "performed", id="an edit in July"),
    pytest.param({}, "2024-07-01", "performed_late", id="no mark, by its day"),
    pytest.param({"due_on": date(2024, 9, 30)}, "2024-09-30", "performed", id="another last day"),
    pytest.param({"due_on": None}, "2024-06-30", "performed", id="no day, by the clock"),
    pytest.param({"due_on": None}, "2024-07-01", "performed_late", id="no day, late by the clock"),
]


@pytest.mark.parametrize(("told", "day", "state"), CASES)
def test_a_report_is_late_as_its_source_says(told: Row, day: str, state: str) -> None:
    own = only(ledger(source(filed(day, **told)), moment("2024-12-01")), "annual_report")
    last = told.get("due_on", DUE) or DUE
    assert own["state"] == state
    assert own["due_at"] == moment(str(last + timedelta(days=1)))
    assert own["opened_on"] == date(2024, 1, 1)
    assert own["due_rule"] == ("LC01 v1" if told.get("due_on", DUE) is None else
                               "LC01 day of the report")  # fmt: skip


def test_a_report_that_nobody_filed_is_not_there() -> None:
    first = filed("2024-05-01", report_year=2021)
    second = filed("2024-05-01", report_year=2023, source_record_no="2")
    records = source(first, second)
    found = ledger(records, moment("2024-12-01"))
    years = found["obligation_id"].str.split("/").list.last().to_list()
    assert sorted(years) == ["2021", "2023"]
    assert set(found["state"]) == {"performed"}


def test_a_report_filed_before_the_year_of_its_deadline_opens_when_it_is_filed() -> None:
    early = filed("2023-12-20", is_late_supplement=False)
    own = only(ledger(source(early), moment("2023-12-21")), "annual_report")
    assert (own["opened_on"], own["state"]) == (date(2023, 12, 20), "performed")


def test_the_first_filing_counts_not_its_corrections() -> None:
    first = filed("2024-06-01", is_late_supplement=False)
    edit = filed("2024-08-01", is_late_supplement=True, revision_no=1, source_record_no="2")
    assert only(ledger(source(first, edit), moment("2024-12-01")), "annual_report")["state"] == (
        "performed"
    )


def test_the_register_takes_over_once_it_is_known() -> None:
    edited = filed("2024-07-05", is_late_supplement=False)
    entry = firm("2020-05-01")
    entry[1]["known_at"] = moment("2024-09-01")
    records = source(edited, entry)
    before = ledger(records, moment("2024-08-31"))
    assert only(before, "annual_report")["state"] == "performed"
    after = ledger(records, moment("2024-09-01"))
    states = {
        row["obligation_id"].rpartition("/")[2]: row["state"] for row in after.iter_rows(named=True)
    }
    assert states == {"2020": "overdue", "2021": "overdue", "2022": "overdue",
                      "2023": "performed_late"}  # fmt: skip


def test_a_withdrawn_entry_gives_back_what_was_filed() -> None:
    gone = record("entity", "2024-09-01", version=2, operation="withdraw")
    records = source(filed("2024-05-05"), firm("2023-05-01"), gone)
    assert only(ledger(records, moment("2024-08-01")), "annual_report")["due_rule"] == "LC01 v1"
    after = only(ledger(records, moment("2024-09-02")), "annual_report")
    assert (after["state"], after["due_rule"]) == ("performed", "LC01 day of the report")


def test_an_institution_owes_none_whatever_it_files() -> None:
    theirs = filed("2024-05-01", uscc="52640302MAP000002H")
    assert ledger(source(theirs), moment("2024-12-01")).height == 0


days = st.dates(date(2024, 1, 1), date(2024, 12, 31))
filings = st.builds(
    lambda day, lag, late, year, number: filed(
        str(day), str(day + timedelta(days=lag)), is_late_supplement=late, report_year=year,
        source_record_no=str(number),
    ),
    days, st.integers(0, 90), st.none() | st.booleans(), st.integers(2021, 2023),
    st.integers(0, 9),
)  # fmt: skip


@given(st.lists(filings, max_size=5, unique_by=lambda one: one[1]["source_record_no"]), days)
def test_in_any_order_and_whatever_arrives_later(records: list[tuple[str, Row]], day: date) -> None:
    at = moment(str(day))
    told = ledger(source(*records), at)
    assert told.equals(ledger(source(*reversed(records)), at))
    assert told.equals(ledger(source(*(r for r in records if r[1]["known_at"] <= at)), at))
    assert told.height == told["obligation_id"].n_unique()
    assert set(told["state"]) <= {"performed", "performed_late"}
    assert told.filter(pl.col("performance_known_at") > at).height == 0
