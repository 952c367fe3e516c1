"""Load a whole made-up city into a lake without the gate, to measure reading at full size.

    python benchmarks/load.py CITY LAKE
    python benchmarks/intake.py CITY --lake LAKE --compact

The gate is measured by `intake.py` on ten million rows; this only makes a large lake quickly. Rows
are stored as `passed`, corrections as version 2.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from xinheng.domain import bucket_of
from xinheng.records.asked import BUCKET, stored_schema
from xinheng.records.duties.days import first_moment
from xinheng.records.lake import Lake
from xinheng.records.manifest import Batch
from xinheng.records.tables import Table, tables
from xinheng.records.versions import CONTENT, KEY

BUCKETS = 64
ROWS_AT_ONCE = 6_000_000
AT = datetime(2026, 1, 20, tzinfo=UTC)


def main() -> None:
    """Append every delivered file to its table, some millions of rows at a time."""
    city, root = map(Path, sys.argv[1:3])
    lake = Lake.at(root, buckets=BUCKETS)
    codes = pl.read_parquet(city / "truth" / "firms.parquet")["uscc"]
    buckets = pl.DataFrame(
        {"uscc": codes, BUCKET: [bucket_of(code, BUCKETS) for code in codes]},
        schema_overrides={BUCKET: pl.Int32},
    ).lazy()
    begun = time.perf_counter()
    versions = {}
    with lake.writing():
        for table in tables().values():
            for files in groups(sorted((city / "deliveries").glob(f"*/*/{table.name}.parquet"))):
                rows = stored(table, files, buckets)
                versions[table.name] = lake.append(table.name, rows)
                print(f"{time.perf_counter() - begun:6.0f} s  {table.name}", flush=True)
        lake.publish([Batch("load", "load", "{}", AT)], versions, at=AT)


def groups(files: list[Path]) -> list[list[Path]]:
    """Files of about so many rows together."""
    found: list[list[Path]] = [[]]
    rows = 0
    for file in files:
        own = pl.scan_parquet(file).select(pl.len()).collect().item()
        if found[-1] and rows + own > ROWS_AT_ONCE:
            found.append([])
            rows = 0
        found[-1].append(file)
        rows += own
    return [group for group in found if group]


def stored(table: Table, files: list[Path], buckets: pl.LazyFrame) -> pl.DataFrame:
    """Delivered rows in the columns of the lake."""
    rows = pl.scan_parquet(files, include_file_paths="_path", missing_columns="insert",
                           extra_columns="ignore")  # fmt: skip
    folder = pl.col("_path").str.extract(r"/(\d{4}-\d{2}-[AB])/", 1)
    first = folder.str.slice(0, 7).add("-01").str.to_date()
    sent = (
        pl.when(folder.str.ends_with("A"))
        .then(first.dt.offset_by("16d"))
        .otherwise(first.dt.offset_by("1mo1d"))
    )
    version = pl.when(pl.col("operation") == "insert").then(1).otherwise(2)
    told = rows.join(buckets, on="uscc", how="inner").with_columns(
        known_at=first_moment(sent), version=version, quality_status=pl.lit("passed"),
        batch_id=pl.lit("load"), dispute_status=pl.lit("none"),
        record_id=pl.format(f"{table.name}/{{}}/{{}}/v{{}}", *KEY, version),
    )  # fmt: skip
    there = told.collect_schema()
    columns = []
    for column in table.columns:
        if column.name not in there:
            value = pl.lit(None, dtype=column.dtype)
        elif column.is_money:
            value = (pl.col(column.name).cast(pl.Float64) * 100).round().cast(pl.Int64)
        elif column.dtype == pl.List(pl.String):
            value = pl.col(column.name).str.split("|")
        elif column.kind == "boolean" and there[column.name] == pl.String:
            value = pl.col(column.name) == "是"
        elif column.kind == "datetime" and there[column.name] == pl.String:
            value = pl.col(column.name).str.to_datetime("%Y-%m-%dT%H:%M:%S%z", time_zone="UTC")
        else:
            value = pl.col(column.name).cast(column.dtype)
        columns.append(value.alias(column.stored))
    event = table.event.stored
    days = told.select(*columns, BUCKET, pl.lit(0, dtype=pl.Int64).alias(CONTENT))
    moment = pl.col(event) if table.event.kind == "datetime" else first_moment(pl.col(event))
    full = days.with_columns(event_at=moment)
    return full.select(pl.col(n).cast(d) for n, d in stored_schema(table.name).items()).collect()


if __name__ == "__main__":
    main()
