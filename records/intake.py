"""One delivery becomes one batch of the lake, whole or not at all; every row is accounted for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from fnmatch import fnmatch
from hashlib import blake2b
from pathlib import Path

import polars as pl

from xinheng.errors import BadMapping
from xinheng.records.gate import judge
from xinheng.records.lake import REJECTED as REJECTED_TABLE
from xinheng.records.lake import REJECTED_SCHEMA, Lake
from xinheng.records.mapping import Mapping, TableMapping
from xinheng.records.reading import delivered_files, read_file
from xinheng.records.shaping import ROW, shape
from xinheng.records.tables import Table
from xinheng.records.versions import CONTENT, KEY, content_hash, number_versions

REASON_LIMIT = 5
"""Different reasons of rejection that a report quotes for one table."""


@dataclass(frozen=True, slots=True)
class TableReport:
    """What became of the rows that one file offered to one table."""

    file: str
    record_type: str
    offered: int
    left_out: int
    """By the mapping's row filter, or empty cells of an unpivoted file."""
    accepted: int
    quarantined: int
    rejected: int
    duplicate: int
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ended = self.left_out + self.accepted + self.quarantined + self.rejected + self.duplicate
        assert ended == self.offered, f"{self.offered} rows offered, {ended} accounted for"


@dataclass(frozen=True, slots=True)
class Report:
    """One ingest. A delivery that was taken before adds nothing and says so."""

    batch_id: str
    already_taken: bool
    tables: tuple[TableReport, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one table from one file, ready for the lake."""

    report: TableReport
    table: Table
    rows: pl.DataFrame
    rejected: pl.DataFrame


def ingest(
    path: Path,
    mapping: Mapping,
    lake: Lake,
    *,
    at: datetime,
    on_step: Callable[[str], None] = lambda _: None,
) -> Report:
    """Take a file or a folder of files into the lake as one batch.

    Parameters
    ----------
    path
        A CSV or Parquet file, or a folder of them.
    at
        The moment of arrival; it is `known_at` where the mapping gives none.
    on_step
        Told what is being read, for progress.

    Raises
    ------
    BadDelivery, BadMapping, UnknownName, Busy
        Before anything is written.
    """
    files = delivered_files(path)
    digest = _digest(files, mapping)
    with lake.writing():
        batch_id = f"b{digest[:12]}"
        if digest in lake.batches()["digest"]:
            return Report(batch_id, already_taken=True, tables=())
        stored: dict[str, pl.DataFrame] = {}
        parts = []
        for file, part in _assigned(files, mapping):
            on_step(f"{file.name}: {part.name}")
            parts.append(_take(file, mapping, part, lake, stored, batch_id=batch_id, at=at))
        on_step("writing to the lake")
        report = Report(batch_id, already_taken=False, tables=tuple(p.report for p in parts))
        batch = {"batch_id": batch_id, "digest": digest, "report": json.dumps(asdict(report))}
        lake.commit(_by_table(parts), batch=batch, at=at)
    return report


def was_taken(path: Path, mapping: Mapping, lake: Lake) -> bool:
    """Whether this very delivery, mapped this very way, is a batch of the lake."""
    return _digest(delivered_files(path), mapping) in lake.batches()["digest"]


def _digest(files: Sequence[Path], mapping: Mapping) -> str:
    """Of the files' bytes and the mapping's meaning."""
    total = blake2b(mapping.model_dump_json(by_alias=True).encode(), digest_size=16)
    for file in files:
        total.update(file.name.encode())
        with file.open("rb") as handle:
            while block := handle.read(1 << 20):
                total.update(block)
    return total.hexdigest()


def _assigned(files: Sequence[Path], mapping: Mapping) -> Iterator[tuple[Path, TableMapping]]:
    for part in mapping.tables:
        matching = [file for file in files if fnmatch(file.name, part.file)]
        if not matching:
            names = ", ".join(file.name for file in files[:5])
            raise BadMapping(
                f"table {part.name}: no delivered file matches {part.file!r}",
                hint=f"the delivery has {names}",
            )
        yield from ((file, part) for file in matching)


def _take(  # noqa: PLR0913  (one part of one ingest)
    file: Path,
    mapping: Mapping,
    part: TableMapping,
    lake: Lake,
    stored: dict[str, pl.DataFrame],
    *,
    batch_id: str,
    at: datetime,
) -> _Part:
    frame = read_file(file, mapping)
    shaped = shape(frame, mapping, part, file=file.name)
    rows = shaped.rows
    if "known_at" not in rows.columns:
        rows = rows.with_columns(known_at=pl.lit(at).dt.convert_time_zone("UTC"))
    judged = judge(part.table, rows)
    if part.name not in stored:
        stored[part.name] = _newest(lake, part.name)
    good = judged.filter(pl.col("quality_status") != "rejected")
    good = good.with_columns(content_hash(part.table, good))
    numbered = number_versions(good, stored[part.name])
    kept = numbered.filter(~pl.col("is_duplicate") & ~pl.col("is_back_dated"))
    stored[part.name] = _with(stored[part.name], kept)
    late = numbered.filter("is_back_dated").with_columns(
        reasons=pl.lit("QC10 known_at is before that of a version already stored")
    )
    columns = [ROW, "reasons", "uscc", "source_record_no", "event_at", "known_at"]
    refused = pl.concat(
        [
            judged.filter(pl.col("quality_status") == "rejected").select(columns),
            late.select(columns),
        ]
    )
    held = kept.filter(pl.col("quality_status") == "quarantined").height
    report = TableReport(
        file=file.name,
        record_type=part.name,
        offered=rows.height + shaped.left_out,
        left_out=shaped.left_out,
        accepted=kept.height - held,
        quarantined=held,
        rejected=refused.height,
        duplicate=numbered.filter("is_duplicate").height,
        reasons=_commonest(refused),
    )
    complete = _complete(kept, part.table, batch_id=batch_id)
    return _Part(report, part.table, complete, _kept_refusals(refused, frame, report, batch_id))


def _newest(lake: Lake, name: str) -> pl.DataFrame:
    """The newest stored version of each fact."""
    columns = [*KEY, "version", "known_at", CONTENT]
    rows = lake.rows(name).select(columns).collect()
    return rows.sort("version").unique(KEY, keep="last", maintain_order=True)


def _with(stored: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """The newest versions after this part, for the next part of the same batch."""
    both = pl.concat([stored, kept.select(stored.columns)], how="vertical_relaxed")
    return both.sort("version", maintain_order=True).unique(KEY, keep="last", maintain_order=True)


def _commonest(refused: pl.DataFrame) -> tuple[str, ...]:
    """The first rejected rows of each kind of reason, as `row 7: ...`."""
    kinds = refused.with_columns(kind=pl.col("reasons").str.replace_all(r"'[^']*'|\d", ""))
    grouped = (
        kinds.sort(ROW)
        .group_by("kind", maintain_order=True)
        .agg(pl.len().alias("n"), pl.col(ROW).first(), pl.col("reasons").first())
    )
    top = grouped.sort("n", descending=True).head(REASON_LIMIT)
    return tuple(
        f"row {row[ROW]}: {row['reasons']}" + (f" (and {row['n'] - 1} alike)" * (row["n"] > 1))
        for row in top.iter_rows(named=True)
    )


def _complete(kept: pl.DataFrame, table: Table, *, batch_id: str) -> pl.DataFrame:
    """Add the platform's columns and the table's unmapped ones."""
    named = kept.with_columns(
        batch_id=pl.lit(batch_id),
        record_id=pl.concat_str(
            pl.lit(table.name), *KEY, pl.format("v{}", pl.col("version")), separator="/"
        ),
    )
    missing = {n: d for n, d in table.schema.items() if n not in named.columns}
    filled = named.with_columns(pl.lit(None, dtype=d).alias(n) for n, d in missing.items())
    return filled.select(*(pl.col(n).cast(d) for n, d in table.schema.items()), CONTENT)


def _kept_refusals(
    refused: pl.DataFrame, frame: pl.DataFrame, report: TableReport, batch_id: str
) -> pl.DataFrame:
    """Rejected rows with the source row as it came, so that nothing is lost."""
    source = frame.with_row_index(ROW, offset=1).with_columns(pl.col(ROW).cast(pl.Int64))
    wanted = source.filter(pl.col(ROW).is_in(refused[ROW].to_list()))
    told = wanted.select(ROW, content=pl.struct(pl.exclude(ROW)).struct.json_encode())
    named = refused.join(told, on=ROW, how="left").with_columns(
        batch_id=pl.lit(batch_id),
        record_type=pl.lit(report.record_type),
        file=pl.lit(report.file),
        row=pl.col(ROW),
    )
    return named.select(pl.col(n).cast(d) for n, d in REJECTED_SCHEMA.items())


def _by_table(parts: Sequence[_Part]) -> dict[str, pl.DataFrame]:
    frames: dict[str, list[pl.DataFrame]] = {}
    for part in parts:
        frames.setdefault(part.table.name, []).append(part.rows)
        frames.setdefault(REJECTED_TABLE, []).append(part.rejected)
    return {name: pl.concat(group) for name, group in frames.items()}
