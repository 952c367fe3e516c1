"""Receipts become batches of the lake through the same gate as every delivery."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from xinheng.records.inbox.store import InboxStore, Outcome, Receipt, Sent, Settled
from xinheng.records.intake.books import PERSONAL_DATA
from xinheng.records.intake.deliveries import one_delivery
from xinheng.records.intake.take import ingest_all
from xinheng.records.lake import FINDINGS, Lake
from xinheng.records.tables import DERIVED_COLUMNS, PLATFORM_COLUMNS, Table, table

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
    lake_batch: int


def take_waiting(store: InboxStore, lake: Lake, folder: Path, *, at: datetime) -> Taken | None:
    """Take the oldest receipts into the lake and tell each row's outcome; None: nothing waits.

    A crash at any moment is made good by the next call: a receipt that is in the lake already is
    known by its content, and its outcomes are told by what the lake says of its batch.

    Parameters
    ----------
    folder
        Where receipts lie as files while they are taken.
    """
    receipts = store.waiting(MOST_ROWS)
    if not receipts:
        return None
    sent = {one.receipt_id: store.sent(one.receipt_id) for one in receipts}
    places = [_written(one, sent[one.receipt_id], folder) for one in receipts]
    deliveries = [
        one_delivery(place, None, at=receipt.received_at)
        for place, receipt in zip(places, receipts, strict=True)
    ]
    ingest_all(deliveries, lake, at=at)
    batches = {r.receipt_id: d.batch_id for r, d in zip(receipts, deliveries, strict=True)}
    found = _findings(lake, [*batches.values()])
    outcomes = {
        number: _outcomes(sent[number], found.get(batch, {})) for number, batch in batches.items()
    }
    store.settle(outcomes, batches, at=at)
    for place in places:
        shutil.rmtree(place)
    return Taken(tuple(receipts), lake.snapshot.number)


def _written(receipt: Receipt, sent: Sequence[Sent], folder: Path) -> Path:
    """A receipt as a delivery: a file a table, the same bytes whenever it is written."""
    place = folder / f"receipt-{receipt.receipt_id}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    by_table: dict[str, list[Mapping[str, Any]]] = {}
    for one in sent:
        by_table.setdefault(one.record_type, []).append(one.values)
    for name, rows in by_table.items():
        frame = as_sent(table(name), rows, receipt.received_at)
        frame.write_parquet(place / f"{name}.parquet", compression="uncompressed")
    return place


def given_columns(target: Table) -> list[str]:
    """Columns of a table that a sender may fill; when it became known is not among them."""
    platform = DERIVED_COLUMNS | PLATFORM_COLUMNS | {"known_at"}
    return ["uscc", *(c.name for c in target.columns if c.name not in platform)]


def as_sent(target: Table, rows: Sequence[Mapping[str, Any]], known_at: datetime) -> pl.DataFrame:
    """Records of one table as a delivered file has them: texts, and the moment of arrival."""
    columns = {
        name: pl.Series(name, [_text(row.get(name)) for row in rows], dtype=pl.String())
        for name in given_columns(target)
    }
    frame = pl.DataFrame(columns)
    return frame.with_columns(known_at=pl.lit(known_at.isoformat()))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "|".join(map(str, value))
    return str(value)


def _findings(
    lake: Lake, batches: Sequence[str]
) -> dict[str, dict[tuple[str, int], list[Mapping[str, str]]]]:
    """By batch, table and row the checks that failed."""
    rows = lake.told(FINDINGS).filter(pl.col("batch_id").is_in(list(batches)))
    found: dict[str, dict[tuple[str, int], list[Mapping[str, str]]]] = defaultdict(dict)
    for row in rows.select(*_PLACE, *_TOLD).collect().iter_rows(named=True):
        place = (str(row["record_type"]), int(row["row"] or 0))
        told = {name: str(row[name] or "") for name in _TOLD}
        found[str(row["batch_id"])].setdefault(place, []).append(told)
    return found


def _outcomes(
    sent: Sequence[Sent], found: Mapping[tuple[str, int], Sequence[Mapping[str, str]]]
) -> list[Settled]:
    """What became of each record; rows of a table are numbered from 1 in the order sent.

    Of a receipt with personal data no record is taken.
    """
    refusal = [one for many in found.values() for one in many if one["check"] == PERSONAL_DATA]
    numbers: dict[str, int] = defaultdict(int)
    settled = []
    for place, one in enumerate(sent):
        numbers[one.record_type] += 1
        own = found.get((one.record_type, numbers[one.record_type]), ())
        findings = own or refusal[:1]
        uscc = str(one.values.get("uscc") or "")
        settled.append(Settled(place, one.record_type, uscc, _outcome(findings), tuple(findings)))
    return settled


def _outcome(findings: Sequence[Mapping[str, str]]) -> Outcome:
    severities = {one["severity"] for one in findings if one["check"] != TWICE}
    for severity, outcome in _GRAVEST:
        if severity in severities:
            return outcome
    return "duplicate" if findings else "accepted"
