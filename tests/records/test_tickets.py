"""Tickets: quarantined records wait for named persons, or for the delivery they lack."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.records.handmade import ENVELOPE, GOOD, OUTSIDE, rows
from tests.records.test_gate import write_delivery
from xinheng.errors import BadRequest, NotFound
from xinheng.records.intake import ingest
from xinheng.records.lake import FINDINGS, Lake
from xinheng.records.quality import monthly_quality, months_of
from xinheng.records.tickets import desk
from xinheng.records.tickets.store import STATES, Ticket, TicketStore

AT = datetime(2024, 6, 20, 2, tzinfo=UTC)
LATER = AT + timedelta(days=1)


@pytest.fixture
def store(url: str) -> Iterator[TicketStore]:
    opened = TicketStore.at(url)
    yield opened
    opened.close()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """The register, the fines and what concerns the firm outside the register."""
    made = [
        r
        for r in rows()
        if r[0] in {"entity", "penalty", "credit_repair"} or r[1]["uscc"] == OUTSIDE
    ]
    lake = Lake.at(tmp_path / "lake")
    ingest(write_delivery(tmp_path / "d", made), None, lake, at=AT)
    return lake


def large_fine(store: TicketStore, lake: Lake) -> Ticket:
    desk.keep_step(store, lake, at=AT)
    return next(t for t in store.tickets(check="QC12") if t.checks == "QC12")


def statuses(lake: Lake, ticket: Ticket) -> list[str]:
    rows = Lake(lake.root).rows(ticket.record_type, [ticket.uscc]).sort("version").collect()
    fact = ticket.record_id.rpartition("/v")[0]
    own = [r for r in rows.iter_rows(named=True) if r["record_id"].rpartition("/v")[0] == fact]
    return [row["quality_status"] for row in own]


def test_a_large_fine_needs_two_persons_one_of_the_source(store: TicketStore, lake: Lake) -> None:
    ticket = large_fine(store, lake)
    assert (ticket.needs, ticket.source_dept) == (2, "scj")
    said: dict[str, Any] = {"note": "原件已核对", "at": LATER}
    first = desk.confirm(store, lake, ticket.ticket_id, person="甲", department="fgw", **said)
    assert first.state == "confirmed_once"
    assert statuses(lake, ticket) == ["quarantined", "confirmed_once"]
    with pytest.raises(BadRequest, match="甲 has confirmed"):
        desk.confirm(store, lake, ticket.ticket_id, person="甲 ", department="scj", **said)
    with pytest.raises(BadRequest, match="must come from scj"):
        desk.confirm(store, lake, ticket.ticket_id, person="乙", department="fgw", **said)
    second = desk.confirm(store, lake, ticket.ticket_id, person="乙", department="scj", **said)
    assert second.state == "confirmed"
    assert [c.person for c in second.confirmations] == ["甲", "乙"]
    assert statuses(lake, ticket) == ["quarantined", "confirmed_once", "confirmed_twice"]
    with pytest.raises(BadRequest, match="is confirmed, it waits for nobody"):
        desk.confirm(store, lake, ticket.ticket_id, person="丙", department="scj", **said)


OLD_CODE = "91640302M0001QKT1B"
"""Of the right letters, with a check character outside the rule (6 by the rule)."""


def records_of(folder: Path, table: str, number: str, sent: str) -> Path:
    """A delivery of one record of the firm with the old code."""
    change = {"uscc": OLD_CODE, "entity_name": "示例市旧码有限公司", "source_record_no": number}
    row = {**ENVELOPE, **GOOD[table], **change}
    if table == "entity":
        row["name_zh"] = row["entity_name"]
    return write_delivery(folder, [(table, row, "", "")], sent=sent)


def test_the_register_confirms_a_code_outside_the_check_rule(
    store: TicketStore, tmp_path: Path
) -> None:
    lake = Lake.at(tmp_path / "lake")
    report = ingest(
        records_of(tmp_path / "1", "entity", "E1", "2024-06-20T10:00:00+08:00"), None, lake, at=AT
    )
    assert [(t.quarantined, t.rejected) for t in report.tables] == [(1, 0)]
    early = records_of(tmp_path / "2", "complaint", "C1", "2024-06-20T11:00:00+08:00")
    refused = ingest(early, None, lake.newest(), at=AT + timedelta(hours=1))
    assert [t.rejected for t in refused.tables] == [1]
    finding = lake.newest().told(FINDINGS).filter(pl.col("record_type") == "complaint").collect()
    assert finding["check"].to_list() == ["QC01"]
    assert "register has to send and confirm" in finding["message_en"][0]
    desk.keep_step(store, lake.newest(), at=AT)
    (ticket,) = [t for t in store.tickets() if t.kind == "quarantine"]
    assert (ticket.checks, ticket.needs) == ("QC01", 2)
    for person, department in (("甲", "fgw"), ("乙", "scj")):
        assert lake.newest().confirmed_codes() == {}
        desk.confirm(
            store, lake.newest(), ticket.ticket_id, person=person, department=department, at=LATER
        )
    assert lake.newest().confirmed_codes() == {OLD_CODE: LATER}
    late = records_of(tmp_path / "3", "complaint", "C2", "2024-06-22T11:00:00+08:00")
    taken = ingest(late, None, lake.newest(), at=LATER + timedelta(days=1))
    assert [(t.accepted, t.rejected, t.quarantined) for t in taken.tables] == [(1, 0, 0)]
    before = records_of(tmp_path / "4", "complaint", "C3", "2024-06-20T12:00:00+08:00")
    refused = ingest(before, None, lake.newest(), at=AT + timedelta(hours=2))
    assert [t.rejected for t in refused.tables] == [1], "the code was not valid when it came"


def test_the_record_counts_from_its_second_confirmation_on(store: TicketStore, lake: Lake) -> None:
    from xinheng.records.spans import with_spans  # noqa: PLC0415

    ticket = large_fine(store, lake)
    for days, (person, department) in enumerate([("甲", "fgw"), ("乙", "scj")], start=1):
        desk.confirm(
            store, lake, ticket.ticket_id, person=person, department=department,
            at=AT + timedelta(days=days),
        )  # fmt: skip
    rows = Lake(lake.root).rows("penalty", [ticket.uscc])
    spans = with_spans(rows.collect()).filter(_is(ticket))
    assert spans["usable_from"].to_list() == [AT + timedelta(days=2)]


def _is(ticket: Ticket) -> Any:
    import polars as pl  # noqa: PLC0415

    return pl.col("record_id").str.starts_with(ticket.record_id.rpartition("/v")[0] + "/")


def test_other_quarantines_need_one_person(store: TicketStore, lake: Lake) -> None:
    desk.keep_step(store, lake, at=AT)
    ticket = next(t for t in store.tickets(check="QC18"))
    told = desk.confirm(store, lake, ticket.ticket_id, person="甲", department="scj", at=LATER)
    assert told.state == "confirmed"
    assert statuses(lake, ticket) == ["quarantined", "warned"]


def test_a_returned_record_stays_out(store: TicketStore, lake: Lake) -> None:
    ticket = large_fine(store, lake)
    told = store.send_back(
        ticket.ticket_id, person="甲", department="fgw", reason="单位应为元", at=LATER
    )
    assert (told.state, told.answer) == ("returned", "甲 (fgw): 单位应为元")
    assert statuses(lake, ticket) == ["quarantined"]


def test_a_crash_between_the_two_stores_is_made_good(store: TicketStore, lake: Lake) -> None:
    ticket = large_fine(store, lake)
    store.confirm(ticket.ticket_id, person="甲", department="scj", note="", at=LATER)
    assert statuses(lake, ticket) == ["quarantined"], "the process ended here"
    desk.keep_step(store, Lake(lake.root), at=LATER)
    desk.keep_step(store, Lake(lake.root), at=LATER)
    assert statuses(lake, ticket) == ["quarantined", "confirmed_once"]


def test_tickets_open_once_however_often_they_are_asked_for(store: TicketStore, lake: Lake) -> None:
    assert desk.keep_step(store, lake, at=AT) > 0
    before = store.count(states=STATES)
    assert desk.keep_step(store, lake, at=AT) == 0
    assert store.count(states=STATES) == before


def test_each_failed_check_asks_its_department_for_a_correction(
    store: TicketStore, lake: Lake
) -> None:
    desk.keep_step(store, lake, at=AT)
    (ticket,) = [t for t in store.tickets(check="QC14") if t.record_type == "penalty"]
    assert (ticket.kind, ticket.records, ticket.source_dept) == ("correction", 3, "scj")
    with pytest.raises(BadRequest, match="asks for a correction"):
        desk.confirm(store, lake, ticket.ticket_id, person="甲", department="scj", at=LATER)


def test_the_register_releases_what_waited_for_it(
    store: TicketStore, lake: Lake, tmp_path: Path
) -> None:
    desk.keep_step(store, lake, at=AT)
    (ticket,) = [t for t in store.tickets(check="QC02") if t.record_type == "complaint"]
    assert desk.retry(store, lake, at=LATER) == (0, 0)
    base = rows()[0][1]
    firm = base | {
        "uscc": OUTSIDE, "entity_name": "示例市登记外有限公司", "name_zh": "示例市登记外有限公司",
        "address_text": "示例路99号", "source_record_no": "E-X",
    }  # fmt: skip
    folder = write_delivery(
        tmp_path / "e", [("entity", firm, "", "")], sent="2024-06-21T10:00:00+08:00"
    )
    ingest(folder, None, lake, at=LATER)
    assert desk.retry(store, lake, at=LATER)[0] >= 1
    assert statuses(lake, ticket) == ["quarantined", "passed"]
    assert store.ticket(ticket.ticket_id).state == "released"


def test_after_three_days_it_goes_back_to_its_source(store: TicketStore, lake: Lake) -> None:
    desk.keep_step(store, lake, at=AT)
    _, returned = desk.retry(store, lake, at=AT + timedelta(days=3, seconds=1))
    assert returned >= 2
    assert not [t for t in store.tickets(check="QC02") if t.checks == "QC02"]


def test_a_corrected_delivery_closes_the_ticket(
    store: TicketStore, lake: Lake, tmp_path: Path
) -> None:
    ticket = large_fine(store, lake)
    (row,) = [r for _, r, _, checks in rows() if checks == "QC12"]
    corrected = row | {"fine_amount_yuan": 100000}
    folder = write_delivery(
        tmp_path / "e", [("penalty", corrected, "", "")], sent="2024-06-22T10:00:00+08:00"
    )
    ingest(folder, None, lake, at=LATER)
    desk.keep_step(store, lake, at=LATER)
    assert store.ticket(ticket.ticket_id).state == "superseded"
    assert statuses(lake, ticket) == ["quarantined", "passed"]


def test_an_unknown_ticket_is_named(store: TicketStore) -> None:
    with pytest.raises(NotFound, match="no ticket 7"):
        store.ticket(7)


def test_the_monthly_report_counts_what_each_department_sent(
    store: TicketStore, lake: Lake
) -> None:
    desk.keep_step(store, lake, at=AT)
    (month,) = months_of(lake)
    report = {r["department"]: r for r in monthly_quality(lake, store, month).to_dicts()}
    mine, county = report["scj"], report["scj-lt"]
    batch = [
        r
        for r in rows()
        if r[0] in {"entity", "penalty", "credit_repair"} or r[1]["uscc"] == OUTSIDE
    ]
    own = [outcome for _, row, outcome, _ in batch if row["source_dept"] == "scj"]
    assert mine["rows"] == len(own)
    assert mine["rejected"] == own.count("rejected")
    assert mine["quarantined"] == own.count("quarantined")
    assert mine["warned"] == own.count("warned")
    assert mine["open_tickets"] > mine["quarantined"]
    assert (county["rows"], county["quarantined"], county["late"]) == (1, 1, 0)
    assert mine["late"] == 1
