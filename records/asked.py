"""What is asked of a table of the lake, and which of its files may hold it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote
from uuid import uuid4

import polars as pl
import polars.selectors as cs

from xinheng.records.tables import table
from xinheng.records.versions import CONTENT, KEY

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from deltalake.transaction import AddAction, RemoveAction

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
    """A Delta table that names its files as the file system does."""
    return _literal_table()(path, version=version)


def has_version(path: Path, version: int) -> bool:
    """Whether a Delta table has come as far, without opening it."""
    return (path / "_delta_log" / f"{version:020}.json").exists()


def appended(
    path: Path, known: DeltaTable | None, frame: pl.DataFrame, options: dict[str, Any] | None = None
) -> DeltaTable:
    """A table with a frame's rows added; one that is known already reads only what came since."""
    if _BRACKET.search(str(path.resolve())):
        return _entered(path, known, frame, (options or {}).get("partition_by", []))
    if known is None and not path.exists():
        frame.write_delta(str(path), mode="append", delta_write_options=options or {})
        return open_table(str(path))
    table = known or open_table(str(path))
    table.update_incremental()
    frame.write_delta(table, mode="append", delta_write_options=options or {})
    table.update_incremental()
    return table


_BRACKET = re.compile(r"[\[\]]")
"""With one in its path the row writer of deltalake 1.6 stops; its log of files does not."""


@cache
def _literal_table() -> type[DeltaTable]:
    from deltalake import DeltaTable  # noqa: PLC0415  (readers of memory need no Delta)

    class LiteralTable(DeltaTable):
        """A table whose files have names, not percent-encoded parts of a URI."""

        def file_uris(self, *args: Any, **kwargs: Any) -> list[str]:
            return [unquote(uri) for uri in super().file_uris(*args, **kwargs)]

    return LiteralTable


def _entered(
    path: Path, known: DeltaTable | None, frame: pl.DataFrame, partitions: list[str]
) -> DeltaTable:
    """As `appended`: rows are written as one file a partition, which the table's log takes up."""
    from deltalake import Schema  # noqa: PLC0415  (as above)

    schema = Schema.from_arrow(frame.clear().to_arrow().schema)
    if known is None and not path.exists():
        _literal_table().create(str(path), schema=schema, partition_by=partitions)
    table = known or open_table(str(path))
    table.update_incremental()
    there = {field.name for field in table.schema().fields}
    if younger := [field for field in schema.fields if field.name not in there]:
        table.alter.add_columns(younger)
    parts = frame.partition_by(partitions, as_dict=True) if partitions else {(): frame}
    entries: list[AddAction | RemoveAction] = []
    for values, rows in parts.items():
        partition = {n: str(v) for n, v in zip(partitions, values, strict=True)}
        name = "/".join([*(f"{n}={v}" for n, v in partition.items()), f"{uuid4()}.parquet"])
        (path / name).parent.mkdir(exist_ok=True)
        rows.drop(partitions).write_parquet(path / name)
        entries.append(_entry(path, name, partition, rows.drop(partitions)))
    table.create_write_transaction(entries, "append", table.schema(), partitions)
    table.update_incremental()
    return table


def _entry(path: Path, name: str, partition: dict[str, str], rows: pl.DataFrame) -> AddAction:
    """What the log says of a file: size, and the bounds by which readers pass it by."""
    from deltalake.transaction import AddAction  # noqa: PLC0415  (as above)

    bounded = rows.select(cs.string() | cs.integer() | cs.date())
    lowest, highest = (
        {n: v for n, v in one.to_dicts()[0].items() if v is not None}
        for one in (bounded.select(pl.all().min()), bounded.select(pl.all().max()))
    )
    nulls = rows.select((cs.string() | cs.integer() | cs.date()).null_count()).to_dicts()[0]
    stats = {
        "numRecords": rows.height,
        "minValues": lowest,
        "maxValues": highest,
        "nullCount": nulls,
    }
    about = (path / name).stat()
    return AddAction(
        name, about.st_size, partition, int(about.st_mtime * 1000), data_change=True,
        stats=json.dumps(stats, default=str),
    )  # fmt: skip
