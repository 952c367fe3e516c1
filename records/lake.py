"""The lake: one Delta table a record type, read only as of a committed batch."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from filelock import FileLock, Timeout

from xinheng.domain import bucket_of
from xinheng.errors import Busy, NotReady
from xinheng.records.asked import (
    BUCKET,
    Asked,
    File,
    appended,
    file_schema,
    files_of,
    has_version,
    of_enterprises,
    open_table,
    scan_files,
    scan_table,
    stored_schema,
    whole_facts,
)
from xinheng.records.codes.deployment import CodeTables, codes_of
from xinheng.records.duties.proofs import ProofReader
from xinheng.records.duties.workdays import Workdays, workdays_of
from xinheng.records.held import Held
from xinheng.records.manifest import SCHEMA, Batch, Manifest, Snapshot, delivery_notes
from xinheng.records.privacy.seal import Seal
from xinheng.records.tables import MOMENT, tables

if TYPE_CHECKING:
    from deltalake import DeltaTable

REJECTED, FINDINGS, COUNTS, COVERAGE = "_rejected", "_findings", "_counts", "_coverage"
_SETTINGS = "lake.json"
MERGED = 16 * 1024**2  # bytes up to which small files are made one
PLATFORM_SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    REJECTED: {
        "batch_id": pl.String(),
        "record_type": pl.String(),
        "file": pl.String(),
        "row": pl.Int64(),
        "reasons": pl.String(),
        "content": pl.String(),
    },
    FINDINGS: {
        "batch_id": pl.String(),
        "record_type": pl.String(),
        "file": pl.String(),
        "row": pl.Int64(),
        "uscc": pl.String(),
        "source_dept": pl.String(),
        "source_record_no": pl.String(),
        "event_at": MOMENT,
        "check": pl.String(),
        "severity": pl.String(),
        "field": pl.String(),
        "message_en": pl.String(),
        "message_zh": pl.String(),
    },
    COUNTS: {
        "batch_id": pl.String(),
        "record_type": pl.String(),
        "file": pl.String(),
        "source_dept": pl.String(),
        "region_code": pl.String(),
        "month": pl.Date(),
        "outcome": pl.String(),
        "n": pl.Int64(),
    },
    COVERAGE: {
        "batch_id": pl.String(),
        "record_type": pl.String(),
        "source_dept": pl.String(),
        "region_code": pl.String(),
        "month": pl.Date(),
        "state": pl.String(),
        "rows": pl.Int64(),
    },
}
"""What the platform itself says of batches, beside the records."""


class Lake(ProofReader):
    """Records as delivered, by table and bucket of the USCC hash."""

    def __init__(self, root: Path, manifest: Manifest | None = None) -> None:
        super().__init__()
        self.root, self.staging = root, root / "_staging"
        settings = root / _SETTINGS
        if not settings.exists():
            raise NotReady(f"there is no lake at {root}", hint="run `xinheng records ingest` first")
        self.buckets: int = json.loads(settings.read_text(encoding="utf-8"))["buckets"]
        self._manifest = manifest or Manifest(root)
        self.snapshot = self._manifest.newest()
        self._since: dict[tuple[str, int], datetime | None] = {}
        self._notes: dict[int, pl.DataFrame | None] = {}
        self._opened: dict[tuple[str, int], DeltaTable] = {}
        self._files: dict[tuple[str, int], list[File]] = {}
        self._held = Held()
        self._writers: dict[str, DeltaTable] = {}

    @property
    def codes(self) -> CodeTables:
        """Code tables: as delivered, and as files of the home that the lake lies in extend them."""
        return codes_of(self.root.parent)

    @cached_property
    def calendar(self) -> Workdays:
        """Working days as the home that the lake lies in has them."""
        return workdays_of(self.root.parent / "calendar")

    @classmethod
    def at(cls, root: Path, *, buckets: int = 1) -> Lake:
        """Open the lake, or make an empty one with this many buckets."""
        if not (root / _SETTINGS).exists():
            root.mkdir(parents=True, exist_ok=True)
            scratch = root / f"{_SETTINGS}.new"
            scratch.write_text(json.dumps({"buckets": buckets}), encoding="utf-8")
            scratch.replace(root / _SETTINGS)
        return cls(root)

    def seal(self) -> Seal:
        """The salt under which hashes of refused personal data are kept."""
        return Seal.in_folder(self.root)

    def newest(self) -> Lake:
        """The lake as it is now: this, or another in which what has not changed stays open."""
        if not self._manifest.has_grown():
            return self
        other = Lake(self.root, self._manifest)
        there = {*other.snapshot.delta_versions.items()}
        for name in ("_since", "_successions", "_confirmed", "_opened", "_files"):
            kept = {key: told for key, told in getattr(self, name).items() if key in there}
            setattr(other, name, kept)
        other._notes, other._held, other._writers = dict(self._notes), self._held, self._writers
        other._proof_cache = self._proof_cache
        return other

    def at_batch(self, number: int) -> Lake:
        """The lake as it was after a batch; `NotReady` if there is none of that number."""
        found = self.batches(["number", "delta_versions"]).filter(pl.col("number") == number)
        if found.height == 0:
            raise NotReady(f"the lake has no batch {number}", hint="was it set aside?")
        other = Lake(self.root)
        other.snapshot = Snapshot(number, json.loads(found["delta_versions"][0]))
        return other

    def rows(
        self,
        name: str,
        usccs: Sequence[str] | None = None,
        *,
        buckets: Collection[int] | None = None,
    ) -> pl.LazyFrame:
        """All versions of a table's records in this snapshot: of all, or some enterprises.

        `buckets` narrows the reading to parts of the lake, without a promise about enterprises.
        """
        version = self.snapshot.delta_versions.get(name)
        if version is None:
            return pl.LazyFrame(schema=stored_schema(name))
        frame = self._scan(name, version, stored_schema(name))
        if usccs is not None:
            wanted = {bucket_of(uscc, self.buckets) for uscc in usccs}
            return frame.filter(pl.col(BUCKET).is_in(wanted), of_enterprises(usccs))
        if buckets is not None and len(buckets) < self.buckets:
            return frame.filter(pl.col(BUCKET).is_in(list(buckets)))
        return frame

    def versions(self, name: str, asked: Asked) -> pl.DataFrame:
        """Versions of a table's records, all of each fact that is asked for."""
        if asked.usccs is not None:
            files = self._paths_of(self.files_of(name), asked.usccs)
            if not files:
                return _empty(name).select(asked.columns)
            rows = scan_files(files, name).filter(of_enterprises(asked.usccs))
        else:
            rows = self.rows(name, buckets=asked.buckets)
        if asked.until is not None:
            rows = rows.filter(pl.col("known_at") <= pl.lit(asked.until, dtype=MOMENT))
        wanted = rows.select(asked.columns)
        if asked.since is None:
            return wanted.collect()
        recent = pl.col("event_at") >= pl.lit(asked.since, dtype=MOMENT)
        return whole_facts(wanted.filter(recent | (pl.col("version") > 1)).collect(), recent)

    def all_of(self, names: Sequence[str], usccs: Sequence[str]) -> dict[str, pl.DataFrame]:
        """By table all versions of some enterprises' records; tables without any are not there.

        In the columns of `stored_schema`, but for the bucket. Small tables stay in memory.
        """
        found: dict[str, pl.DataFrame] = {}
        large: dict[str, pl.LazyFrame] = {}
        for name in names if usccs else ():
            files, schema = self.files_of(name), file_schema(name)
            held = self._held.rows(name, {one.path: one.size for one in files}, schema)
            if held is not None:
                found[name] = held.filter(of_enterprises(usccs))
            elif paths := self._paths_of(files, usccs):
                own = scan_files(paths, name).filter(of_enterprises(usccs))
                large[name] = own.select(list(schema))
        return found | dict(zip(large, pl.collect_all(large.values()), strict=True))

    def covered_from(self, name: str) -> datetime | None:
        """Moment from which the table is delivered: before it, absence of rows says nothing."""
        version = self.snapshot.delta_versions.get(name)
        if version is None:
            return None
        if (name, version) not in self._since:
            first = self.rows(name).select(pl.col("known_at").min()).collect().item()
            self._since[name, version] = first if isinstance(first, datetime) else None
        return self._since[name, version]

    def coverage(self) -> pl.DataFrame | None:
        """What deliveries with a manifest say of tables, regions and months: `NOTES`, if any."""
        version = self.snapshot.delta_versions.get(COVERAGE, -1)
        if version not in self._notes:
            self._notes = {version: delivery_notes(self.batches, self.told(COVERAGE))}
        return self._notes[version]

    def known_until(self, name: str = "") -> datetime:
        """Moment at which the newest record of a table, or of any, became known.

        Raises
        ------
        NotReady
            If nothing of it was ever delivered.
        """
        names = [name] if name else [n for n in self.snapshot.delta_versions if n in tables()]
        newest = [self.rows(one).select(pl.col("known_at").max()) for one in names]
        moments = [one.item() for one in pl.collect_all(newest)]
        known = [moment for moment in moments if isinstance(moment, datetime)]
        if not known:
            what = f"{name} record" if name else "record"
            raise NotReady(f"no {what} was ever delivered", hint="ingest a delivery first")
        return max(known)

    def batches(self, columns: Sequence[str] = tuple(SCHEMA)) -> pl.DataFrame:
        """The committed batches, oldest first."""
        return self._manifest.batches(columns)

    def deliveries(self) -> pl.DataFrame:
        """The batches that departments sent: without confirmations and compactions."""
        own = pl.col("digest").str.contains(":")
        return self.batches().filter(~own)

    def rejected(self) -> pl.DataFrame:
        """Rows that were sent back, with their reasons."""
        return self.told(REJECTED).collect()

    def told(self, name: str) -> pl.LazyFrame:
        """What the platform says of batches: `PLATFORM_SCHEMAS[name]`."""
        version = self.snapshot.delta_versions.get(name)
        if version is None:
            return pl.LazyFrame(schema=PLATFORM_SCHEMAS[name])
        return self._scan(name, version, PLATFORM_SCHEMAS[name])

    def files_of(self, name: str) -> list[File]:
        """The files of a table; what the log says is read once."""
        version = self.snapshot.delta_versions.get(name)
        if version is None:
            return []
        if (name, version) not in self._files:
            self._files[name, version] = files_of(self._table(name, version))
        return self._files[name, version]

    def _paths_of(self, files: Sequence[File], usccs: Sequence[str]) -> list[str]:
        """Those that may hold rows of some enterprises."""
        wanted = [(bucket_of(uscc, self.buckets), uscc) for uscc in usccs]
        return [
            one.path
            for one in files
            if any(one.bucket == own and one.first <= uscc <= one.last for own, uscc in wanted)
        ]

    def _scan(self, name: str, version: int, schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
        return scan_table(self._table(name, version), schema)

    def _table(self, name: str, version: int) -> DeltaTable:
        """A table at a version; what its log says is read once."""
        if (name, version) not in self._opened:
            self._opened[name, version] = open_table(str(self.root / name), version)
        return self._opened[name, version]

    def set_aside(self) -> Path:
        """Move the whole lake beside its place, under the name of its last batch; where it went."""
        name, number = f"{self.root.name}-{self.batches()['batch_id'][-1]}", 1
        target = self.root.with_name(name)
        while target.exists():
            number += 1
            target = self.root.with_name(f"{name}-{number}")
        return self.root.rename(target)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lake alone and forget what a crashed writer left unfinished.

        Raises
        ------
        Busy
            If another process is writing.
        """
        lock = FileLock(self.root / "writer.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise Busy(f"another process writes to {self.root}", hint="try again later") from None
        with lock:
            self.snapshot = self._manifest.newest()
            self._roll_back()
            yield

    def append(self, name: str, frame: pl.DataFrame) -> int:
        """Write rows that nobody sees before `publish`; the Delta version that has them.

        Call inside `writing()`, with the columns of `stored_schema` or `PLATFORM_SCHEMAS`.
        """
        options: dict[str, Any] = {"schema_mode": "merge"}  # a table may have grown a column
        if name not in PLATFORM_SCHEMAS:
            frame = frame.select(list(stored_schema(name))).sort(BUCKET, "uscc", "event_at")
            options["partition_by"] = [BUCKET]
        self._writers[name] = appended(self.root / name, self._writers.get(name), frame, options)
        return self._writers[name].version()

    def publish(
        self, batches: Sequence[Batch], versions: Mapping[str, int], *, at: datetime
    ) -> Snapshot:
        """Make what was appended visible, all batches at once, with their manifest rows."""
        merged = {**self.snapshot.delta_versions, **versions}
        self.snapshot = self._manifest.add(self.snapshot, batches, merged, at)
        return self.snapshot

    def compact(
        self, *, at: datetime, on_step: Callable[[str], None] = lambda _: None
    ) -> tuple[int, int]:
        """Rewrite each table as few files, sorted by enterprise; the rows stay the same.

        Returns the number of files before and after. Former files stay for open readers.
        """
        before = after = 0
        with self.writing():
            versions = {}
            for name in self.snapshot.delta_versions:
                on_step(name)
                found = open_table(str(self.root / name))
                before += len(found.file_uris())
                if name in PLATFORM_SCHEMAS:
                    found.optimize.compact()
                else:
                    found.optimize.z_order(["uscc", "event_at"])
                after += len(found.file_uris())
                versions[name] = found.version()
            self._manifest.compact()
            number = self.snapshot.number + 1
            self.publish([Batch(f"c{number}", f"compact:{number}", "{}", at)], versions, at=at)
        return before, after

    def merge(self, *, at: datetime, least: int) -> int:
        """Make one of the small files of tables that have so many files; of how many tables."""
        with self.writing():
            versions = {}
            for name in self.snapshot.delta_versions:
                found = open_table(str(self.root / name))
                if len(found.file_uris()) >= least:
                    found.optimize.compact(target_size=MERGED)
                    found.create_checkpoint()  # else a reader goes through every step since
                    versions[name] = found.version()
            self._manifest.compact()
            if versions:
                number = self.snapshot.number + 1
                self.publish([Batch(f"m{number}", f"merge:{number}", "{}", at)], versions, at=at)
        return len(versions)

    def _roll_back(self) -> None:
        for name in (*tables(), *PLATFORM_SCHEMAS):
            path = self.root / name
            if not path.exists():
                continue
            version = self.snapshot.delta_versions.get(name)
            if version is None:
                shutil.rmtree(path)
            elif has_version(path, version + 1):
                open_table(str(path)).restore(version)


@cache
def _empty(name: str) -> pl.DataFrame:
    return pl.DataFrame(schema=stored_schema(name))
