"""The table of committed batches: what makes a batch visible, and which state a reader sees."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import polars as pl

from xinheng.records.asked import appended, has_version, open_table
from xinheng.records.tables import MOMENT

if TYPE_CHECKING:
    from deltalake import DeltaTable

MANIFEST = "_batches"
SCHEMA: dict[str, pl.DataType] = {
    "number": pl.Int64(),
    "batch_id": pl.String(),
    "digest": pl.String(),
    "arrived_at": MOMENT,
    "committed_at": MOMENT,
    "department": pl.String(),
    "period_from": pl.Date(),
    "period_days": pl.Int64(),
    "table_rows": pl.String(),
    "report": pl.String(),
    "delta_versions": pl.String(),
}

NOTES: dict[str, pl.DataType] = {
    "record_type": pl.String(),
    "source_dept": pl.String(),
    "region_code": pl.String(),
    "month": pl.Date(),
    "state": pl.String(),
    "known_at": MOMENT,
    "scope": pl.String(),
}
"""Which department delivered which month of a table, for which region, and since when we know.

`scope`: the only region that the delivery speaks of; empty: all that the department serves.
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """One delivery as the manifest of the lake tells it."""

    batch_id: str
    digest: str
    report: str
    arrived_at: datetime
    department: str = ""
    period_from: date | None = None
    period_days: int = 0
    table_rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The lake after one committed batch: its number and the Delta version of every table.

    Readers open tables at these versions, so a batch is seen whole or not at all, and a number
    names the exact content that a score was made from.
    """

    number: int
    delta_versions: Mapping[str, int]


class Manifest:
    """The batches of a lake, a row each; a reader knows in no time whether there are new ones."""

    def __init__(self, root: Path) -> None:
        self._path = root / MANIFEST
        self._version = -1
        self._table: DeltaTable | None = None
        self._lock = Lock()

    def has_grown(self) -> bool:
        """Whether a batch was committed since `newest` or `add`."""
        return has_version(self._path, self._version + 1)

    def newest(self) -> Snapshot:
        """The state after the last batch; only the file that tells it is read."""
        if not self._path.exists():
            return Snapshot(0, {})
        with self._lock:
            table = self._table = self._table or open_table(str(self._path))
            table.update_incremental()
            self._version = table.version()
            told = pl.DataFrame(table.get_add_actions(flatten=True)).sort("max.number")
            uris = {uri.rpartition("/")[2]: uri for uri in table.file_uris()}
        newest = uris[told["path"][-1].rpartition("/")[2]]
        rows = pl.read_parquet(newest, columns=["number", "delta_versions"], glob=False).sort(
            "number"
        )
        return Snapshot(rows["number"][-1], json.loads(rows["delta_versions"][-1]))

    def batches(self, columns: Sequence[str] = tuple(SCHEMA)) -> pl.DataFrame:
        """The committed batches, oldest first."""
        if not self._path.exists():
            return pl.DataFrame(schema={name: SCHEMA[name] for name in columns})
        wanted = list(dict.fromkeys(["number", *columns]))
        return (
            pl.read_delta(open_table(str(self._path)), columns=wanted)
            .sort("number")
            .select(columns)
        )

    def add(self, before: Snapshot, batches: Sequence[Batch], now: Mapping[str, int],
            at: datetime) -> Snapshot:  # fmt: skip
        """Commit batches, all at once; the state after them.

        Parameters
        ----------
        now
            The Delta version of every table that they have.
        """
        rows = [
            {
                **asdict(batch),
                "table_rows": json.dumps(dict(batch.table_rows)),
                "number": before.number + place,
                "committed_at": at,
                "delta_versions": json.dumps(dict(now)),
            }
            for place, batch in enumerate(batches, start=1)
        ]
        with self._lock:
            self._table = appended(self._path, self._table, pl.DataFrame(rows, schema=SCHEMA))
            self._version = self._table.version()
        return Snapshot(before.number + len(batches), now)

    def compact(self) -> None:
        """Make its many small files few."""
        table = open_table(str(self._path))
        table.optimize.compact()
        table.create_checkpoint()


def delivery_notes(
    batches: Callable[[Sequence[str]], pl.DataFrame], told: pl.LazyFrame
) -> pl.DataFrame | None:
    """The coverage lines of the batches that came with a manifest, as `NOTES`; None: no batch."""
    sent = batches(["batch_id", "arrived_at", "department"]).filter(pl.col("department") != "")
    if sent.height == 0:
        return None
    named = sent.lazy().select("batch_id", known_at="arrived_at")
    # A delivery of the whole department has a line without a region for each of its tables.
    is_whole = (pl.col("region_code") == "").any().over("batch_id", "record_type")
    scope = pl.when(is_whole).then(pl.lit("")).otherwise("region_code")
    return told.join(named, on="batch_id").with_columns(scope=scope).select(list(NOTES)).collect()
