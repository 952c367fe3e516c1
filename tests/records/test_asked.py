from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.records.deliveries import FIRM, GOOD, OTHER, write_csv, write_mapping
from xinheng.config import Home
from xinheng.errors import XinhengError
from xinheng.records.asked import appended, files_of, open_table
from xinheng.records.intake import ingest
from xinheng.records.lake import Lake
from xinheng.records.sources.mapping import load_mapping

AT = datetime(2024, 6, 1, tzinfo=UTC)
SECOND = f"{OTHER},乙,N2,2024-03-01,2024-03-05,bad,2"
NAMES = [
    "plain",
    "my home",
    "信衡数据",
    "run#1",
    "100%",
    "a[1]",
    "b*",
    "{x}",
    "家 目录 #1 100% [2]",
]
odd_names = pytest.mark.parametrize("name", NAMES)


@odd_names
def test_a_lake_lies_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir()
    mapping = load_mapping(write_mapping(home))
    lake = Lake.at(home / "lake", buckets=4)
    ingest(write_csv(home, GOOD), mapping, lake, at=AT)
    ingest(write_csv(home, SECOND, name="d[2].csv"), mapping, lake, at=AT)
    lake.compact(at=AT)
    again = Lake(home / "lake")
    assert again.rows("inspection").collect()["uscc"].sort().to_list() == [OTHER, FIRM]
    assert again.rows("inspection", [FIRM]).collect().height == 1
    assert again.all_of(["inspection"], [OTHER])["inspection"].height == 1
    assert again.batches().height == 3
    assert {path.name for path in tmp_path.iterdir()} == {name}, "no folder of an encoded name"


@odd_names
def test_what_an_aborted_writer_left_is_taken_back(tmp_path: Path, name: str) -> None:
    lake = Lake.at(tmp_path / name / "lake")
    mapping = load_mapping(write_mapping(tmp_path))
    ingest(write_csv(tmp_path, GOOD), mapping, lake, at=AT)
    with lake.writing():
        lake.append("inspection", lake.rows("inspection").collect())
    ingest(write_csv(tmp_path, SECOND), mapping, lake, at=AT)
    assert lake.rows("inspection").collect().height == 2


def test_the_log_of_a_folder_with_brackets_says_what_any_log_says(tmp_path: Path) -> None:
    """The same rows: the same bounds by which readers pass a file by, and the same types."""
    rows = pl.DataFrame(
        {"bucket": [0, 0, 1], "uscc": ["b", "a", None], "at": [AT, AT, AT], "n": [1, 2, 3]},
        schema_overrides={"bucket": pl.Int32, "at": pl.Datetime("us", "UTC")},
    )
    told = []
    for name in ("plain", "a[1]"):
        options = {"partition_by": ["bucket"]}
        table = appended(tmp_path / name, None, rows, options)
        grown = rows.with_columns(young=pl.lit("y"))
        merge = {**options, "schema_mode": "merge"}
        table = appended(tmp_path / name, table, grown, merge)
        files = [(one.bucket, one.first, one.last) for one in files_of(table)]
        there = open_table(str(tmp_path / name))
        read = pl.scan_delta(there).filter(pl.col("uscc") == "a").collect()
        told.append(
            (sorted(files, key=str), dict(read.schema), read.select(sorted(read.columns)).rows())
        )
    assert told[0] == told[1]


@pytest.mark.parametrize("name", ["a=b", "a%20b", "what?", "a\\b"])
def test_a_home_that_the_formats_would_misread_is_refused_at_once(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(XinhengError, match="a home's path may not have"):
        Home.at(tmp_path / name)
    assert not list(tmp_path.iterdir())
