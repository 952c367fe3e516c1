"""What is told of an enterprise's duties: who owes what until when, and what repairs wait for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from xinheng.domain import ZONE
from xinheng.features.knowledge import Knowledge
from xinheng.features.source import Source
from xinheng.records.duties.ledger import standing_duties
from xinheng.records.duties.rules import clocks
from xinheng.records.duties.spans import FIRM
from xinheng.records.frames import is_in, where
from xinheng.records.in_force.repair_terms import (
    repair_days,
    repair_terms,
    term_columns,
    term_named,
)

PENDING = ("open", "overdue")
UNMET = ("open", "overdue", "paused", "not_observable")
"""States in which nobody knows a duty to be performed."""


def pending_duties(source: Source, as_of: datetime, spans: pl.DataFrame) -> pl.DataFrame:
    """Rows of the ledger that are open or overdue, the next due first.

    Parameters
    ----------
    spans
        What is known of duties: `DUTY_SCHEMA`.
    """
    return pending_of(source, standing_duties(spans, as_of.astimezone(UTC)))


def pending_of(source: Source, standing: pl.DataFrame) -> pl.DataFrame:
    """Of duties as they stand those that are open or overdue, the next due first.

    A duty that began before its proofs were delivered is left out: that no proof is there says
    nothing then.
    """
    is_told = is_in(standing["state"], PENDING)
    opened = standing["opened_on"].to_numpy()  # what has no such day is not later
    for kind, proof in clocks().proof_tables.items():
        since = source.covered_from(proof)
        first = date.max if since is None else since.astimezone(ZONE).date()
        is_told &= ~is_in(standing["kind"], (kind,)) | (opened >= np.datetime64(first))
    return where(standing, is_told).sort("due_at", "obligation_id")


def days_left(due_at: datetime, as_of: datetime) -> int:
    """Days to the last day of a duty; 0 on it, below 0 once it has passed."""
    last_day = (due_at.astimezone(ZONE) - timedelta(microseconds=1)).date()
    return (last_day - as_of.astimezone(ZONE).date()).days


def repairs_of(
    known: Iterable[Knowledge], standing: pl.DataFrame, as_of: datetime
) -> dict[str, list[dict[str, Any]]]:
    """By enterprise from which day on the repair of each record in force may be asked for.

    Parameters
    ----------
    known
        What was known of the enterprises at that moment.
    standing
        Their duties as they stand.
    """
    unmet = _Unmet.of(standing)
    found: dict[str, list[dict[str, Any]]] = {}
    for knowledge in known:
        for name in repair_terms():
            days = repair_days(name, knowledge.known(name, term_columns(name)))
            for row in days.sort("earliest_on", "record_id").iter_rows(named=True):
                found.setdefault(row["uscc"], []).append(_repair(row, unmet, as_of))
    return found


class _Unmet:
    """Duties of firms that nobody knows to be performed, by their record and by their kind."""

    def __init__(self) -> None:
        self.by_record: dict[str, list[str]] = {}
        self.by_kind: dict[tuple[str, str], list[str]] = {}

    @classmethod
    def of(cls, standing: pl.DataFrame) -> _Unmet:
        found = cls()
        is_unmet = is_in(standing["state"], UNMET) & is_in(standing["owed_by"], (FIRM,))
        for row in where(standing, is_unmet).iter_rows(named=True):
            number = str(row["obligation_id"])
            if row["source_record_id"]:
                found.by_record.setdefault(row["source_record_id"], []).append(number)
            if row["state"] != "open":
                found.by_kind.setdefault((row["uscc"], row["kind"]), []).append(number)
        return found


def _repair(row: Mapping[str, Any], unmet: _Unmet, as_of: datetime) -> dict[str, Any]:
    term = term_named(row["table"], row["rule"])
    first = [unmet.by_record.get(row["record_id"], [])]
    first += [unmet.by_kind.get((row["uscc"], kind), []) for kind in term.duties]
    today, earliest = as_of.astimezone(ZONE).date(), row["earliest_on"]
    return {
        "record_id": row["record_id"],
        "table": row["table"],
        "rule": term.rule,
        "name_zh": term.name_zh,
        "name_en": term.name_en,
        "earliest_on": earliest and earliest.isoformat(),
        "days_left": earliest and max(0, (earliest - today).days),
        "ends_on": row["ends_on"] and row["ends_on"].isoformat(),
        "waits_for": sorted({number for numbers in first for number in numbers}),
    }
