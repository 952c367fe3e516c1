"""The gate sees what stood when a row arrived: together, one by one, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records.handmade import ENVELOPE, GOOD, NAMES, A, B, C
from tests.records.test_gate import write_delivery
from tests.records.test_streaming import content, same
from xinheng.city.make import make_city
from xinheng.domain import surrogate_uscc
from xinheng.records.intake import Delivery, find_deliveries, ingest_all
from xinheng.records.lake import Lake
from xinheng.records.tickets.desk import keep_step
from xinheng.records.tickets.store import TicketStore

AT = datetime(2026, 1, 20, tzinfo=UTC)
Row = tuple[str, dict[str, Any], str, str]
FIRMS = (A, B, C)


def record(name: str, firm: str, number: str, **changes: object) -> Row:
    """A row of a table that the gate would pass by itself."""
    own = {"uscc": firm, "entity_name": NAMES[firm], "source_record_no": number}
    row = {**ENVELOPE, **GOOD[name], "operation": "insert", **own, **changes}
    if name == "entity":
        row |= {"name_zh": row["entity_name"]}
        row.setdefault("address_text", "示例路1号")
    return name, row, "", ""


def taken(root: Path, groups: Sequence[Sequence[Delivery]]) -> dict[str, pl.DataFrame]:
    """The lake after some calls; the numbers of batches are those of the calls."""
    for group in groups:
        ingest_all(group, Lake.at(root, buckets=2), at=AT)
    told = content(root)
    told["batches"] = told["batches"].drop("number").sort(pl.all())
    return told


def tickets(root: Path) -> list[tuple[object, ...]]:
    """The tickets that a lake opens, without their numbers and moments."""
    store = TicketStore.at(f"sqlite:///{root.parent / root.name}.db")
    keep_step(store, Lake(root), at=AT)
    found = [
        (t.kind, t.batch_id, t.record_type, t.source_dept, t.checks, t.records, t.record_id)
        for t in store.tickets(limit=100_000)
    ]
    store.close()
    return sorted(found)


def sent(day: int) -> str:
    return f"2024-06-{day:02d}T10:00:00+08:00"


def story(folder: Path, days: Sequence[tuple[int, Sequence[Row]]]) -> list[Delivery]:
    """Deliveries with the days on which they are sent."""
    for number, (day, rows) in enumerate(days):
        write_delivery(folder / f"d{number}", [*rows], sent=sent(day))
    return find_deliveries(folder, None, at=AT)


@pytest.mark.parametrize("end", ["moved_out", "cancelled", "corrected away"])
def test_a_firm_goes_on_under_a_new_code(tmp_path: Path, end: str) -> None:
    twin = {"entity_name": NAMES[A], "address_text": "示例路1号"}
    first = record("entity", A, "E1")
    if end == "corrected away":
        second = [record("entity", B, "E1", operation="correct", **twin)]
    else:
        ended = {"status": end, "ended_on": "2024-06-10", "operation": "correct"}
        second = [record("entity", A, "E1", **ended), record("entity", B, "E2", **twin)]
    found = story(tmp_path / "sent", [(5, [first]), (12, second)])
    together = taken(tmp_path / "all", [found])
    assert not {"reject", "quarantine"} & {*together["_findings"]["severity"]}
    assert not same(together, taken(tmp_path / "each", [[one] for one in found]))


def test_a_registration_is_not_rejected_because_of_one_that_comes_later(tmp_path: Path) -> None:
    twin = {"entity_name": NAMES[A], "address_text": "示例路1号"}
    found = story(
        tmp_path / "sent",
        [(5, [record("entity", A, "E1")]), (12, [record("entity", B, "E2", **twin)])],
    )
    together = taken(tmp_path / "all", [found])
    assert together["entity"]["uscc"].to_list() == [A]
    assert together["_findings"]["check"].to_list() == ["QC05"]
    assert not same(together, taken(tmp_path / "each", [[one] for one in found]))


def test_a_delivery_of_past_years_may_tell_of_the_register_after_a_visit(tmp_path: Path) -> None:
    """Whether a firm is registered is answered by what has arrived, whenever it was known."""
    register = record("entity", A, "E1", known_at="2024-06-15T12:00:00+08:00")
    early = record("inspection", A, "V1", known_at="2024-06-15T09:00:00+08:00")
    nobody = record("inspection", B, "V2", known_at="2024-06-15T13:00:00+08:00")
    lake = taken(tmp_path / "lake", [story(tmp_path / "d", [(19, [register, early, nobody])])])
    states = dict(lake["inspection"].select("uscc", "quality_status").iter_rows())
    assert states[A] in {"passed", "warned"}
    assert states[B] == "quarantined", "its code is on no register"


def test_what_became_of_a_row_counts_for_the_next_delivery(tmp_path: Path) -> None:
    """A registration that is rejected is no register for the visit that is sent later."""
    wrong = record("entity", A, "E1", ended_on="2024-06-01")
    found = story(
        tmp_path / "sent",
        [(4, [record("entity", B, "E2", address_text="示例路2号"), wrong]),
         (13, [record("inspection", A, "I1"), record("inspection", B, "I2")])],
    )  # fmt: skip
    together = taken(tmp_path / "all", [found])
    assert together["_findings"]["check"].sort().to_list() == ["QC02", "QC21"]
    assert not same(together, taken(tmp_path / "each", [[one] for one in found]))


numbers = st.sampled_from(["1", "2", "3"])
operations = st.sampled_from(["insert", "insert", "correct", "withdraw"])


@st.composite
def arriving(draw: st.DrawFn) -> Row:
    """A row that may correct, withdraw, repeat or contradict another, or say too much."""
    firm, number, operation = draw(st.sampled_from(FIRMS)), draw(numbers), draw(operations)
    name = draw(st.sampled_from(["entity", "penalty", "penalty_performance", "inspection"]))
    changes: dict[str, object] = {"operation": operation}
    if name == "entity":
        changes |= draw(st.sampled_from([
            {}, {"status": "moved_out", "ended_on": "2024-06-02"}, {"ended_on": "2024-06-02"},
            {"entity_name": NAMES[A]},
        ]))  # fmt: skip
    elif name == "penalty":
        decision = f"示市监罚〔2024〕{draw(numbers)}号"
        fine = draw(st.sampled_from([5000, 2_000_000, 0]))
        changes |= {"decision_no": decision, "fine_amount_yuan": fine}
    elif name == "inspection":
        changes |= {"minor_defects": draw(st.integers(0, 1))}
    else:
        changes |= {"decision_no": f"示市监罚〔2024〕{draw(numbers)}号"}
    return record(name, firm, f"{name[0]}{number}", **changes)


deliveries = st.lists(
    st.tuples(st.integers(20, 22), st.lists(arriving(), min_size=1, max_size=5)),
    min_size=2, max_size=4,
)  # fmt: skip


def numbers_of(rows: Sequence[Row]) -> set[tuple[str, str]]:
    return {(name, row["source_record_no"]) for name, row, _, _ in rows}


@settings(max_examples=20)
@given(days=deliveries, data=st.data())
def test_together_is_one_by_one_is_any_order_of_equal_arrivals(
    tmp_path_factory: pytest.TempPathFactory,
    days: list[tuple[int, list[Row]]],
    data: st.DataObject,
) -> None:
    """To the last version, finding, count and coverage line.

    Only one number in two deliveries of the same moment is left out: which of them was first
    nobody knows, and the one that is taken later is told so.
    """
    folder = tmp_path_factory.mktemp("story")
    seen: dict[tuple[int, tuple[str, str]], int] = {}
    told = [
        (day, [r for r in rows if seen.setdefault((day, *numbers_of([r])), at) == at])
        for at, (day, rows) in enumerate(days)
    ]
    found = story(folder / "sent", [one for one in told if one[1]])
    together = taken(folder / "all", [found])
    assert not same(together, taken(folder / "each", [[one] for one in found]))
    turned = sorted(data.draw(st.permutations(found)), key=lambda one: one.at)
    assert not same(together, taken(folder / "turned", [[one] for one in turned]))
    assert not same(together, taken(folder / "halves", [turned[:1], turned[1:]]))


def test_a_city_taken_together_is_the_city_taken_one_by_one(tmp_path: Path) -> None:
    make_city(tmp_path / "city", enterprises=50, years=1, seed=3)
    found = find_deliveries(tmp_path / "city/deliveries", None, at=AT)[:40]
    together = taken(tmp_path / "all", [found])
    half = len(found) // 3
    parts = [found[:half], *([one] for one in found[half : half + 8]), found[half + 8 :]]
    assert not same(together, taken(tmp_path / "parts", parts))
    assert tickets(tmp_path / "all") == tickets(tmp_path / "parts") != []


@pytest.mark.parametrize("is_chinese", [True, False])
def test_one_case_entered_twice_waits_but_a_foreign_register_numbers_its_own(
    tmp_path: Path, *, is_chinese: bool
) -> None:
    firm = A if is_chinese else str(surrogate_uscc("elsewhere", "7"))
    own = {"uscc": firm, "entity_name": NAMES[A]}
    cases = [record("penalty", A, f"P{n}", decision_no=f"示罚〔2024〕{n}号", **own) for n in (1, 2)]
    lake = taken(tmp_path / "lake", [story(tmp_path / "d", [(19, cases)])])
    twice = lake["_findings"].filter(pl.col("check") == "QC07")
    assert twice.height == (2 if is_chinese else 0)
