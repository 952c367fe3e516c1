"""Rows of runs as they are written, inside the transaction of who calls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Table, delete, insert, select, text

from xinheng.database import as_text
from xinheng.decisions.causes.shares import ClassChange
from xinheng.decisions.kept.rows import answer_row, change_row
from xinheng.decisions.kept.tables import ASSESSMENT, CHANGE, CURRENT, RUN

BATCH = 2_000
PART = 500
"""Codes in one statement; SQLite takes no more than some thousands of values."""
IN_ORDER = 5_830_173
"""Of PostgreSQL, held while class changes are written."""
Kind = Literal["all", "live", "open"]
"""A run of everyone on the register, of those that new records are about, or one being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHead:
    """What is said of a run as a whole."""

    as_of: datetime
    model_version: str
    lake_batch: int
    at: datetime
    assessed: int
    sources: Mapping[str, str] | None = None
    """When the newest record of each source became known."""
    ruling: str = ""
    """What hard rules and cuts decided, as `Office.ruling`."""

    def row(self, kind: Kind) -> dict[str, Any]:
        return {
            "kind": kind,
            "as_of": as_text(self.as_of),
            "model_version": self.model_version,
            "lake_batch": self.lake_batch,
            "made_at": as_text(self.at),
            "assessed": self.assessed,
            "sources": json.dumps(self.sources or {}),
            "ruling": self.ruling,
        }


def insert_run(connection: Connection, row: Mapping[str, Any]) -> int:
    key = connection.execute(insert(RUN).values(row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def insert_assessed(
    connection: Connection, run_id: int, rows: Iterable[tuple[int, Mapping[str, Any]]]
) -> None:
    """Rows of `ASSESSED`, each with its place by risk."""
    told = [answer_row(run_id, place, row) for place, row in rows]
    insert_all(connection, ASSESSMENT, told)


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
