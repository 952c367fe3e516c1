"""Receipts become batches of the lake through the same gate as every delivery."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import structlog

from xinheng.records.inbox.columns import SentColumns
from xinheng.records.inbox.faults import may_pass, said
from xinheng.records.inbox.rows import as_sent
from xinheng.records.inbox.store import InboxStore, Outcome, Receipt, Sent, Settled, code_of
from xinheng.records.intake.deliveries import one_delivery
from xinheng.records.intake.take import ingest_all
from xinheng.records.lake import FINDINGS, Lake
from xinheng.records.privacy.delivery import CHECK as PERSONAL_DATA
from xinheng.records.tables import table

log = structlog.get_logger()
MOST_ROWS = 500
"""Records that are taken in one step."""
TWICE = "QC06"
_PLACE = ("batch_id", "record_type", "row")
_TOLD = ("check", "severity", "field", "message_en", "message_zh")
_GRAVEST: tuple[tuple[str, Outcome], ...] = (
    ("reject", "rejected"),
    ("quarantine", "quarantined"),
    ("warn", "warned"),
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What one step did."""

    receipts: tuple[Receipt, ...]
    batches: int
    """Of the lake, that they are."""


def take_waiting(store: InboxStore, lake: Lake, folder: Path, *, at: datetime) -> Taken | None:
    """Take the oldest receipts into the lake as one batch and tell each row's outcome.

    None: nothing waits. Where one of them holds personal data, which refuses a batch whole, or
    brings about a fault of our own, each is a batch of its own, and that one is set aside. A crash
    at any moment is made good by the next call: what is in the lake already is known by its
    content, and its outcomes are told by what the lake says of its batch.

    Parameters
    ----------
    folder
        Where receipts lie as files while they are taken.
    """
    step, receipts = store.claim(MOST_ROWS)
    if not receipts:
        return None
    sent = {one.receipt_id: store.sent(one.receipt_id) for one in receipts}
    takes = partial(_taken, sent=sent, lake=lake, at=at)
    try:
        places = dict.fromkeys(sent, takes(folder / step, receipts))
        found = _findings(lake, [*{*places.values()}])
        each = len(receipts) > 1 and _is_refused(found)
    except Exception as fault:
        if may_pass(fault):
            raise
        each = True
    if each:
        places = _apart(store, folder, receipts, takes)
        found = _findings(lake, [*places.values()])
    numbers: dict[str, dict[str, int]] = {batch: defaultdict(int) for batch in places.values()}
    outcomes = {
        number: _outcomes(sent[number], found.get(batch, {}), numbers[batch])
        for number, batch in places.items()
    }
    store.settle(outcomes, places, at=at)
    for place in (folder / step, *(folder / f"receipt-{one.receipt_id}" for one in receipts)):
        shutil.rmtree(place, ignore_errors=True)
    taken = tuple(one for one in receipts if one.receipt_id in places)
    return Taken(taken, len({*places.values()}))


def _apart(
    store: InboxStore,
    folder: Path,
    receipts: Sequence[Receipt],
    takes: Callable[[Path, Sequence[Receipt]], str],
) -> dict[int, str]:
    """Each receipt as a batch of its own; what brings about a fault of our own is set aside."""
    places: dict[int, str] = {}
    for one in receipts:
        try:
            places[one.receipt_id] = takes(folder / f"receipt-{one.receipt_id}", [one])
        except Exception as fault:
            if may_pass(fault):
                raise
            store.set_aside(one, said(fault))
            log.exception("a receipt was set aside", receipt_id=one.receipt_id)
    return places


def _taken(
    place: Path,
    receipts: Sequence[Receipt],
    sent: Mapping[int, Sequence[Sent]],
    lake: Lake,
    at: datetime,
) -> str:
    """Some receipts as one batch of the lake; its id."""
    _write(place, receipts, sent)
    delivery = one_delivery(place, None, at=receipts[-1].received_at)
    ingest_all([delivery], lake, at=at)
    return delivery.batch_id


def _is_refused(found: Mapping[str, Findings]) -> bool:
    return any(
        one["check"] == PERSONAL_DATA
        for told in found.values()
        for many in told.values()
        for one in many
    )


def _write(place: Path, receipts: Sequence[Receipt], sent: Mapping[int, Sequence[Sent]]) -> None:
    """Receipts as a delivery: a file a table, the same bytes whenever it is written."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    by_table: dict[str, list[tuple[Mapping[str, Any], datetime]]] = {}
    for receipt in receipts:
        for one in sent[receipt.receipt_id]:
            by_table.setdefault(one.record_type, []).append((one.values, receipt.received_at))
    for name, rows in by_table.items():
        sent_rows = SentColumns.of(name, [values for values, _ in rows])
        told = as_sent(table(name), sent_rows, [moment for _, moment in rows])
        told.rows.write_parquet(place / f"{name}.parquet", compression="uncompressed")


Findings = dict[tuple[str, int], list[Mapping[str, str]]]
"""By table and row the checks that failed."""


def _findings(lake: Lake, batches: Sequence[str]) -> dict[str, Findings]:
    """By batch, table and row the checks that failed."""
    rows = lake.told(FINDINGS).filter(pl.col("batch_id").is_in(list(batches)))
    found: dict[str, Findings] = defaultdict(dict)
    for row in rows.select(*_PLACE, *_TOLD).collect().iter_rows(named=True):
        place = (str(row["record_type"]), int(row["row"] or 0))
        told = {name: str(row[name] or "") for name in _TOLD}
        found[str(row["batch_id"])].setdefault(place, []).append(told)
    return found


def _outcomes(sent: Sequence[Sent], found: Findings, numbers: dict[str, int]) -> list[Settled]:
    """What became of each record; of a batch with personal data none is taken.

    Parameters
    ----------
    numbers
        Rows of each table in the batch so far; they are numbered from 1 in the order sent.
    """
    refusal = [one for many in found.values() for one in many if one["check"] == PERSONAL_DATA]
    settled = []
    for place, one in enumerate(sent):
        numbers[one.record_type] += 1
        own = found.get((one.record_type, numbers[one.record_type]), ())
        findings = own or refusal[:1]
        uscc = code_of(one)
        settled.append(Settled(place, one.record_type, uscc, _outcome(findings), tuple(findings)))
    return settled


def _outcome(findings: Sequence[Mapping[str, str]]) -> Outcome:
    severities = {one["severity"] for one in findings if one["check"] != TWICE}
    for severity, outcome in _GRAVEST:
        if severity in severities:
            return outcome
    return "duplicate" if findings else "accepted"
