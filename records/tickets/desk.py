"""Tickets and the lake kept in step: opened after each batch, answered by versions and arrivals."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import polars as pl

from xinheng.errors import BadRequest
from xinheng.records.gate.catalogue import Scene, examine
from xinheng.records.gate.identity import REGISTER
from xinheng.records.gate.logic import LOGIC
from xinheng.records.gate.validity import DELIVERY
from xinheng.records.intake.judging.neighbourhood import stored_archive
from xinheng.records.lake import FINDINGS, Lake
from xinheng.records.manifest import Batch
from xinheng.records.tables import MOMENT, table, tables
from xinheng.records.tickets.store import (
    CONFIRMED,
    CORRECTION,
    ONCE,
    OPEN,
    QUARANTINE,
    RELEASED,
    RETURNED,
    SUPERSEDED,
    WAITING,
    Ticket,
    TicketStore,
)
from xinheng.records.versions import KEY

TWO_PERSONS = frozenset({"QC01", "QC12"})
"""Checks whose records count only once two persons have confirmed them."""
RETRIED = {"QC02": REGISTER["QC02"], "QC17": LOGIC["QC17"]}
"""Checks that another delivery may answer: the register, or the decision that is paid for."""
RETRY_DAYS = 3
"""After so many days without an answer the record goes back to its source (QC02)."""


def keep_step(store: TicketStore, lake: Lake, *, at: datetime) -> int:
    """Open tickets of new batches, finish what a crash left, close what arrivals answered.

    Returns the number of tickets opened.
    """
    for ticket in store.tickets(states=(ONCE, CONFIRMED, RELEASED), limit=100_000):
        if ticket.kind == QUARANTINE and ticket.in_lake < _confirmed(store, ticket):
            _tell_the_lake(store, lake, ticket)
    batches = lake.deliveries().filter(pl.col("number") > store.reached())
    if batches.height == 0:
        return 0
    rows = _quarantined(lake, batches) + _corrections(lake, batches)
    store.open_all(rows, reached=int(batches["number"].max()))  # type: ignore[arg-type]
    _close_superseded(store, lake, batches, at=at)
    return len(rows)


def confirm(  # noqa: PLR0913  (who, where, when)
    store: TicketStore,
    lake: Lake,
    ticket_id: int,
    *,
    person: str,
    department: str,
    note: str = "",
    at: datetime,
) -> Ticket:
    """Confirm a quarantined record; the lake gets a version that says so, known from now on."""
    ticket = store.confirm(ticket_id, person=person, department=department, note=note, at=at)
    _tell_the_lake(store, lake, ticket)
    return store.ticket(ticket_id)


def retry(store: TicketStore, lake: Lake, *, at: datetime) -> tuple[int, int]:
    """Look again at records that waited for another delivery.

    Returns how many were released, and how many went back after `RETRY_DAYS`.
    """
    waiting = [
        ticket
        for check in RETRIED
        for ticket in store.tickets(states=(OPEN,), check=check, limit=100_000)
        if ticket.kind == QUARANTINE and set(ticket.checks.split(",")) <= set(RETRIED)
    ]
    released = returned = 0
    for name in sorted({ticket.record_type for ticket in waiting}):
        own = {t.record_id: t for t in waiting if t.record_type == name}
        failing = _failing(lake, name, list(own), at=at)
        for record_id, ticket in own.items():
            if record_id not in failing:
                store.move(ticket.ticket_id, RELEASED, at)
                _tell_the_lake(store, lake, store.ticket(ticket.ticket_id))
                released += 1
            elif at - datetime.fromisoformat(ticket.opened_at) > timedelta(days=RETRY_DAYS):
                answer = f"still so after {RETRY_DAYS} days"
                store.move(ticket.ticket_id, RETURNED, at, answer=answer)
                returned += 1
    return released, returned


def _failing(lake: Lake, name: str, record_ids: list[str], *, at: datetime) -> set[str]:
    """Which of these records still fail a check that another delivery may answer."""
    rows = lake.rows(name).filter(pl.col("record_id").is_in(record_ids)).collect()
    usccs = rows["uscc"].unique().to_list()
    now = rows.with_columns(pl.lit(0).alias(DELIVERY), known_at=pl.lit(at).cast(MOMENT))
    scene = Scene(
        table(name), now, lambda n: stored_archive(lake, n, usccs), partial(stored_archive, lake),
        codes=lake.codes, calendar=lake.calendar, successions=lake.successions(),
    )  # fmt: skip
    found = examine(scene, RETRIED)
    return set(rows["record_id"].gather(found["at"].unique()))


def _confirmed(store: TicketStore, ticket: Ticket) -> int:
    """Versions that the lake should have after the ticket's decisions."""
    if ticket.state == RELEASED:
        return 1
    return len(store.ticket(ticket.ticket_id).confirmations)


def _tell_the_lake(store: TicketStore, lake: Lake, ticket: Ticket) -> None:
    """Append the record's next version with its new status; once for each decision."""
    number = _confirmed(store, ticket)
    digest = f"ticket:{ticket.ticket_id}:{number}"
    with lake.writing():
        if digest not in set(lake.batches(["digest"])["digest"]):
            row = _newest(lake, ticket)
            moment = datetime.fromisoformat(ticket.changed_at)
            if row["known_at"].item() > moment:
                raise BadRequest(
                    f"record {ticket.record_id} became known after {moment:%Y-%m-%d %H:%M}"
                )
            batch_id = f"t{ticket.ticket_id}-{number}"
            version = _confirmed_version(row, ticket, moment, batch_id)
            written = lake.append(ticket.record_type, version)
            batch = Batch(batch_id, digest, "{}", moment)
            lake.publish([batch], {ticket.record_type: written}, at=moment)
    store.told_the_lake(ticket.ticket_id, number)


def _newest(lake: Lake, ticket: Ticket) -> pl.DataFrame:
    """What the ticket's version says, as the newest version of its record."""
    rows = lake.rows(ticket.record_type, [ticket.uscc])
    bare = pl.col("record_id").str.replace(r"/v\d+$", "")
    fact = lake.rows(ticket.record_type).filter(bare == ticket.record_id.rpartition("/v")[0])
    number = fact.select(pl.col("version").max()).collect().item()
    last = rows.filter(bare == ticket.record_id.rpartition("/v")[0]).select(
        pl.col("known_at").max()
    )
    own = rows.filter(pl.col("record_id") == ticket.record_id).collect()
    return own.with_columns(
        version=pl.lit(number, dtype=own.schema["version"]), known_at=last.collect()["known_at"]
    )


def _confirmed_version(
    row: pl.DataFrame, ticket: Ticket, moment: datetime, batch_id: str
) -> pl.DataFrame:
    status = {ONCE: "confirmed_once", RELEASED: "passed"}.get(
        ticket.state, "confirmed_twice" if ticket.needs > 1 else "warned"
    )
    known = pl.lit(moment).dt.convert_time_zone("UTC").cast(row.schema["known_at"])
    return row.with_columns(
        version=pl.col("version") + 1,
        quality_status=pl.lit(status),
        known_at=known,
        batch_id=pl.lit(batch_id),
    ).with_columns(
        record_id=pl.col("record_id").str.replace(r"v\d+$", pl.format("v{}", "version")),
    )


def _quarantined(lake: Lake, batches: pl.DataFrame) -> list[dict[str, Any]]:
    """One ticket for each quarantined record of the batches."""
    ids = batches["batch_id"].to_list()
    findings = (
        lake.told(FINDINGS)
        .filter(pl.col("batch_id").is_in(ids), pl.col("severity") == "quarantine")
        .collect()
    )
    key = ["batch_id", "record_type", "uscc", "source_record_no"]
    told = findings.group_by(key, maintain_order=True).agg(
        pl.col("source_dept").first(),
        checks=pl.col("check").unique(maintain_order=True),
        message_en=pl.col("message_en").unique(maintain_order=True).str.join(" "),
        message_zh=pl.col("message_zh").unique(maintain_order=True).str.join(""),
    )
    held = (
        pl.concat(
            lake.rows(name)
            .filter(pl.col("batch_id").is_in(ids), pl.col("quality_status") == "quarantined")
            .select(*(k for k in key if k != "record_type"), "record_id")
            .with_columns(record_type=pl.lit(name))
            for name in told["record_type"].unique().sort()
        )
        if told.height
        else None
    )
    if held is None:
        return []
    joined = held.collect().join(told, on=key, how="inner").sort("record_id")
    opened = dict(batches.select("batch_id", "committed_at").iter_rows())
    return [_row(row, QUARANTINE, opened[row["batch_id"]]) for row in joined.iter_rows(named=True)]


def _corrections(lake: Lake, batches: pl.DataFrame) -> list[dict[str, Any]]:
    """One ticket for each check that rows of a batch, table and department failed."""
    ids = batches["batch_id"].to_list()
    asked = pl.col("severity").is_in(["reject", "warn"]) & (pl.col("check") != "QC06")
    grouped = (
        lake.told(FINDINGS)
        .filter(pl.col("batch_id").is_in(ids), asked)
        .group_by("batch_id", "record_type", "source_dept", "check")
        .agg(
            records=pl.len(),
            message_en=pl.col("message_en").sort().first(),
            message_zh=pl.col("message_zh").sort().first(),
        )
        .sort("batch_id", "record_type", "source_dept", "check")
        .collect()
    )
    opened = dict(batches.select("batch_id", "committed_at").iter_rows())
    return [
        _row({**row, "checks": [row["check"]]}, CORRECTION, opened[row["batch_id"]])
        for row in grouped.iter_rows(named=True)
    ]


def _row(told: dict[str, Any], kind: str, opened: datetime) -> dict[str, Any]:
    return {
        "kind": kind,
        "batch_id": told["batch_id"],
        "record_type": told["record_type"],
        "source_dept": told["source_dept"] or "",
        "checks": ",".join(told["checks"]),
        "records": told.get("records", 1),
        "record_id": told.get("record_id", ""),
        "uscc": told.get("uscc", ""),
        "message_en": told["message_en"],
        "message_zh": told["message_zh"],
        "needs": 1 if TWO_PERSONS.isdisjoint(told["checks"]) else 2,
        "opened_at": opened.isoformat(),
        "state": OPEN,
        "changed_at": opened.isoformat(),
        "answer": "",
        "in_lake": 0,
    }


def _close_superseded(
    store: TicketStore, lake: Lake, batches: pl.DataFrame, *, at: datetime
) -> None:
    """A record that came again in another version is judged by that version."""
    ids = set(batches["batch_id"])
    waiting = [
        t
        for t in store.tickets(states=(*WAITING, RETURNED), limit=100_000)
        if t.kind == QUARANTINE and t.batch_id not in ids
    ]
    for name in [n for n in tables() if any(t.record_type == n for t in waiting)]:
        own = [t for t in waiting if t.record_type == name]
        newer = (
            lake.rows(name)
            .filter(pl.col("batch_id").is_in(list(ids)))
            .select(fact=pl.concat_str(pl.lit(name), *KEY, separator="/"))
            .unique()
            .collect()["fact"]
        )
        facts = set(newer)
        for ticket in own:
            if ticket.record_id.rpartition("/v")[0] in facts:
                store.move(ticket.ticket_id, SUPERSEDED, at, answer="a newer version arrived")
