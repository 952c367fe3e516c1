"""A duty past its deadline is overdue only where its proof is delivered."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.proven import NOTHING
from tests.records.test_ledger import FIRM, Row, filing, fine, firm, moment, paid, record, source
from xinheng.domain import bucket_of
from xinheng.records.asked import BUCKET, stored_schema
from xinheng.records.duties.ledger import ledger
from xinheng.records.duties.proofs import Proofs, proof_tables
from xinheng.records.duties.rules import clocks
from xinheng.records.frames import microsecond
from xinheng.records.lake import Lake
from xinheng.records.manifest import Batch
from xinheng.records.versions import CONTENT

OTHER = "91440400192548256N"
DUE = date(2024, 4, 1)


def order(known: str, done: date | None, uscc: str = OTHER, dept: str = "m", **more: Any) -> Any:
    told = {"checked_on": date(2024, 3, 1), "rectify_due_on": DUE, "rectified_on": done}
    number = {"uscc": uscc, "source_dept": dept, "source_record_no": f"{uscc}{dept}{known}"}
    return record("inspection", known, **(told | number | more))


def state(at: str, *records: tuple[str, Row], kind: str = "rectification") -> str:
    own = ledger(source(*records), moment(at)).filter(pl.col("uscc") == FIRM, kind=kind)
    (found,) = own["state"].unique()
    return str(found)


OWN = order("2024-03-02", None, FIRM)


@pytest.mark.parametrize(
    ("at", "others", "wanted"),
    [
        pytest.param("2024-04-01T23:59:59", [], "open", id="before the deadline"),
        pytest.param("2024-04-02", [], "not_observable", id="nobody has a proof"),
        pytest.param("2024-04-02", [order("2024-03-20", date(2024, 3, 19))], "overdue", id="one"),
        pytest.param(
            "2024-05-02", [order("2024-05-03", date(2024, 4, 1))], "not_observable",
            id="the first proof is not known yet",
        ),
        pytest.param("2024-05-03", [order("2024-05-03", date(2024, 4, 1))], "overdue", id="known"),
        pytest.param(
            "2024-05-03", [order("2024-03-20", date(2024, 3, 19), dept="n")], "not_observable",
            id="another department delivers proofs",
        ),
        pytest.param(
            "2024-05-03", [order("2024-03-20", date(2024, 3, 19), quality_status="quarantined")],
            "not_observable", id="a proof that may not be used",
        ),
    ],
)  # fmt: skip
def test_an_order_is_overdue_once_its_department_is_known_to_tell_what_was_done(
    at: str, others: list[tuple[str, Row]], wanted: str
) -> None:
    assert state(at, OWN, *others) == wanted


def test_fines_are_overdue_where_payments_of_anybody_are_delivered() -> None:
    theirs = paid("2024-03-10", 100)
    theirs[1]["uscc"] = OTHER
    assert state("2024-04-01", fine(), kind="penalty_payment") == "not_observable"
    assert state("2024-04-01", fine(), theirs, kind="penalty_payment") == "overdue"
    assert state("2024-03-09", fine(), theirs, kind="penalty_payment") == "open"


def test_reports_are_overdue_where_filings_of_anybody_are_delivered() -> None:
    theirs = filing("2024-05-01T10:00", "2024-05-02")
    theirs[1]["uscc"] = OTHER
    own = firm("2023-05-01")
    assert state("2024-07-01", own, kind="annual_report") == "not_observable"
    assert state("2024-07-01", own, theirs, kind="annual_report") == "overdue"


@pytest.mark.parametrize("outcome", ["kept", "late", "broken", "false_statement"])
def test_a_department_that_finds_promises_broken_looks_at_all(outcome: str) -> None:
    made = {"made_on": date(2024, 1, 5), "due_on": DUE, "source_dept": "m"}
    own = record("commitment", "2024-01-06", outcome="pending", **made)
    other = record("commitment", "2024-01-06", uscc=OTHER, outcome=outcome, **made)
    assert state("2024-05-01", own, kind="commitment") == "not_observable"
    assert state("2024-05-01", own, other, kind="commitment") == "overdue"


def licence(no: str, uscc: str, granted: int, known: str, **more: Any) -> tuple[str, Row]:
    told = {
        "uscc": uscc, "source_record_no": no, "source_dept": "m", "licence_kind": "food_business",
        "granted_on": date(granted, 1, 10), "valid_to": date(granted + 5, 1, 9), "status": "valid",
    }  # fmt: skip
    return record("licence", known, **(told | more))


def test_a_successor_proves_that_renewals_are_delivered_from_the_day_it_is_known() -> None:
    own = licence("a", FIRM, 2018, "2018-01-11")
    former = licence("b", OTHER, 2018, "2018-01-11")
    later = licence("c", OTHER, 2023, "2023-01-20")
    kind = {"kind": "licence_renewal"}
    assert state("2024-01-01", own, former, **kind) == "not_observable"
    assert state("2023-01-19", own, former, later, **kind) == "not_observable"
    assert state("2023-01-20", own, former, later, **kind) == "overdue"
    applied = licence("d", OTHER, 2021, "2022-12-30", renewal_applied_on=date(2022, 12, 1))
    assert state("2023-01-01", own, applied, **kind) == "overdue"


def test_who_delivers_a_table_without_rows_delivers_the_proofs() -> None:
    told = [
        {"record_type": "penalty_performance", "state": "covered", "known_at": moment("2024-04-02")}
    ]
    proofs = Proofs.of(source(), clocks(), pl.DataFrame(told))
    since = proofs.since("penalty_payment", "penalty_performance", None, 1)
    assert since.tolist() == [microsecond(moment("2024-04-02"))]
    own = ledger(source(fine()), moment("2024-04-02"), proofs=proofs)
    assert own["state"].to_list() == ["overdue"]


days = st.dates(date(2024, 3, 2), date(2024, 8, 1)).map(str)
orders = st.builds(
    order,
    known=days,
    done=st.none() | st.dates(date(2024, 3, 2), date(2024, 7, 1)),
    uscc=st.sampled_from([FIRM, OTHER]),
    dept=st.sampled_from(["m", "n"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(orders, min_size=1, max_size=6, unique_by=lambda r: r[1]["source_record_no"]), days)
def test_the_state_at_a_moment_depends_only_on_what_was_known(
    records: list[tuple[str, Row]], at: str
) -> None:
    now = moment(at)
    known = [one for one in records if one[1]["known_at"] <= now]
    told = ledger(source(*records), now)
    assert told.equals(ledger(source(*known), now))
    whole = Proofs.of(source(*records), clocks())
    assert told.equals(ledger(source(*known), now, proofs=whole)), "or on proofs known later"
    assert told.equals(ledger(source(*known), now, proofs=whole.known_by(now)))
    bare = ledger(source(*known), now, proofs=NOTHING)
    hidden = pl.col("state").replace("overdue", "not_observable")
    assert bare.equals(told.with_columns(hidden)), "nothing else changes"


def published(lake: Lake, rows: list[tuple[str, Row]], number: int) -> Lake:
    names = {name for name, _ in rows}
    with lake.writing():
        versions = {}
        for name in names:
            schema = stored_schema(name)
            own = [dict.fromkeys(schema) | row for table, row in rows if table == name]
            placed = [row | {CONTENT: 0, BUCKET: bucket_of(row["uscc"], 2)} for row in own]
            versions[name] = lake.append(name, pl.DataFrame(placed, schema=schema))
        at = datetime(2025, 1, 1, tzinfo=UTC)
        lake.publish([Batch(f"b{number}", f"d{number}", "{}", at)], versions, at=at)
    return lake.newest()


licences = st.builds(
    licence,
    no=st.sampled_from("abcdef"),
    uscc=st.sampled_from([FIRM, OTHER]),
    granted=st.integers(2010, 2022),
    known=days,
    source_dept=st.sampled_from(["m", "n"]),
    renewal_applied_on=st.sampled_from([None, None, None, date(2023, 1, 1)]),
)
deliveries = st.lists(st.lists(orders | licences, min_size=1, max_size=3), min_size=1, max_size=4)


@settings(max_examples=15, deadline=None)
@given(deliveries)
def test_a_lake_that_grows_knows_the_same_as_one_that_is_read_whole(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[str, Row]]]
) -> None:
    root = Path(tmp_path_factory.mktemp("lake"))
    lake = Lake.at(root, buckets=2)
    for number, rows in enumerate(batches):
        lake = published(lake, rows, number)
        whole = Proofs.of(lake.rows, clocks())
        assert plain(lake.proofs()) == plain(whole) == plain(Lake(root).proofs())


def plain(proofs: Proofs) -> dict[tuple[str, str], dict[str | None, int]]:
    return {key: {**first} for key, first in proofs.first.items() if first}


def test_every_duty_has_a_proof() -> None:
    rules = clocks()
    assert {*proof_tables(rules)} >= {duty.table for duty in rules.duties}
    assert {*rules.proof_tables} == {"annual_report", "penalty_payment"}
