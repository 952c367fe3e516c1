"""What is asked of a table of the lake, and which of its files may hold it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from xinheng.records.tables import table
from xinheng.records.versions import CONTENT, KEY

if TYPE_CHECKING:
    from deltalake import DeltaTable

BUCKET = "bucket"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows and columns of a table are wanted; more rows may come."""

    columns: Sequence[str]
    usccs: Sequence[str] | None = None
    buckets: Collection[int] | None = None
    until: datetime | None = None
    """Nothing that became known later is needed."""
    since: datetime | None = None
    """Facts whose event lies before it, in all versions, are not needed."""


def of_enterprises(usccs: Sequence[str]) -> pl.Expr:
    """Rows of one of these enterprises."""
    return pl.col("uscc") == usccs[0] if len(usccs) == 1 else pl.col("uscc").is_in(list(usccs))


@cache
def stored_schema(name: str) -> dict[str, pl.DataType]:
    """Columns of a record table in the lake."""
    return {**table(name).schema, CONTENT: pl.Int64(), BUCKET: pl.Int32()}


@cache
def file_schema(name: str) -> dict[str, pl.DataType]:
    """Columns in the files of a table: the bucket is told by the folder."""
    return {column: dtype for column, dtype in stored_schema(name).items() if column != BUCKET}


def scan_files(paths: Sequence[str], name: str) -> pl.LazyFrame:
    """Rows of some files of a table; null in columns that are younger than a file."""
    return pl.scan_parquet(
        list(paths), schema=file_schema(name), missing_columns="insert", glob=False
    )


def scan_table(opened: DeltaTable, schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """A table at its version; null in columns that are younger than it."""
    there = {field.name for field in opened.schema().fields}
    younger = [pl.lit(None, dtype=d).alias(c) for c, d in schema.items() if c not in there]
    frame = pl.scan_delta(opened)
    return frame.with_columns(younger) if younger else frame


class File(NamedTuple):
    """One file of a table."""

    path: str
    bucket: int
    first: str
    """Code of an enterprise."""
    last: str
    size: int
    """Bytes."""


def files_of(table: DeltaTable) -> list[File]:
    """The files of a table."""
    told = pl.DataFrame(table.get_add_actions(flatten=True))
    uris = {uri.rpartition("/")[2]: uri for uri in table.file_uris()}
    columns = ("path", f"partition.{BUCKET}", "min.uscc", "max.uscc", "size_bytes")
    return [
        File(uris[path.rpartition("/")[2]], int(bucket), first, last, size)
        for path, bucket, first, last, size in told.select(columns).iter_rows()
    ]


def whole_facts(versions: pl.DataFrame, recent: pl.Expr) -> pl.DataFrame:
    """Recent versions, and what came later of the same facts with an older event."""
    young, old = versions.filter(recent), versions.filter(~recent)
    if old.height == 0:
        return young
    return pl.concat([young, old.join(young.select("uscc", *KEY), on=["uscc", *KEY], how="semi")])


def open_table(path: str, version: int | None = None) -> DeltaTable:
    from deltalake import DeltaTable  # noqa: PLC0415  (readers of memory need no Delta)

    return DeltaTable(path, version=version)


def has_version(path: Path, version: int) -> bool:
    """Whether a Delta table has come as far, without opening it."""
    return (path / "_delta_log" / f"{version:020}.json").exists()


def appended(
    path: Path, known: DeltaTable | None, frame: pl.DataFrame, options: dict[str, Any] | None = None
) -> DeltaTable:
    """A table with a frame's rows added; one that is known already reads only what came since."""
    if known is None and not path.exists():
        frame.write_delta(str(path), mode="append", delta_write_options=options or {})
        return open_table(str(path))
    table = known or open_table(str(path))
    table.update_incremental()
    frame.write_delta(table, mode="append", delta_write_options=options or {})
    table.update_incremental()
    return table
