"""Rows of runs as they are written, inside the transaction of who calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Table, delete, insert, select, text

from xinheng.database import as_text
from xinheng.decisions.assess import Assessment
from xinheng.decisions.changes import ClassChange
from xinheng.decisions.kept.rows import answer_row, change_row
from xinheng.decisions.kept.tables import ASSESSMENT, CHANGE, CURRENT, RUN

BATCH = 2_000
PART = 500
"""Codes in one statement; SQLite takes no more than some thousands of values."""
IN_ORDER = 5_830_173
"""Of PostgreSQL, held while class changes are written."""
Kind = Literal["all", "live"]
"""A run of everyone on the register, or of those that new records are about."""


def run_row(
    kind: Kind,
    first: Assessment,
    lake_batch: int,
    at: datetime,
    assessed: int,
    sources: Mapping[str, str] | None,
) -> dict[str, Any]:
    return {
        "kind": kind,
        "as_of": as_text(first.as_of),
        "model_version": first.model_version,
        "lake_batch": lake_batch,
        "made_at": as_text(at),
        "assessed": assessed,
        "sources": json.dumps(sources or {}),
    }


def insert_run(connection: Connection, row: Mapping[str, Any]) -> int:
    key = connection.execute(insert(RUN).values(row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def insert_assessed(connection: Connection, run_id: int, assessed: Sequence[Assessment]) -> None:
    for start in range(0, len(assessed), BATCH):
        part = assessed[start : start + BATCH]
        rows = [answer_row(run_id, place, a) for place, a in enumerate(part, start=start + 1)]
        connection.execute(insert(ASSESSMENT), rows)


def insert_all(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    for start in range(0, len(rows), BATCH):
        connection.execute(insert(table), rows[start : start + BATCH])


def insert_changes(
    connection: Connection, run_id: int, as_of: datetime, changes: Sequence[ClassChange]
) -> None:
    if changes and connection.dialect.name == "postgresql":
        # numbers become visible in their order, so that who reads on from a number misses none
        connection.execute(text(f"SELECT pg_advisory_xact_lock({IN_ORDER})"))
    insert_all(connection, CHANGE, [change_row(run_id, as_of, one) for one in changes])


def nights(connection: Connection, usccs: Sequence[str]) -> dict[str, str]:
    """Of some enterprises the class by the score alone at the last run of everyone."""
    found: dict[str, str] = {}
    for part in parts_of(usccs):
        query = select(CURRENT.c.uscc, CURRENT.c.night_class).where(CURRENT.c.uscc.in_(part))
        found |= {str(uscc): str(one) for uscc, one in connection.execute(query)}
    return found


def forget(connection: Connection, usccs: Sequence[str]) -> None:
    for part in parts_of(usccs):
        connection.execute(delete(CURRENT).where(CURRENT.c.uscc.in_(part)))


def parts_of(usccs: Sequence[str]) -> list[Sequence[str]]:
    return [usccs[start : start + PART] for start in range(0, len(usccs), PART)]
