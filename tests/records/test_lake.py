from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from filelock import FileLock

from tests.records.deliveries import FIRM, GOOD, OTHER, write_csv, write_mapping
from xinheng.errors import Busy, NotReady
from xinheng.records.asked import Asked
from xinheng.records.intake import ingest
from xinheng.records.lake import Lake
from xinheng.records.manifest import MANIFEST, Batch
from xinheng.records.sources.mapping import load_mapping

AT = datetime(2024, 6, 1, tzinfo=UTC)
SECOND = f"{OTHER},乙,N2,2024-03-01,2024-03-05,bad,2"
REJECT = f"{OTHER},乙,N3,2024-02-30,2024-03-05,bad,2"

# Ends the process with no chance to clean up, at the k-th write of a Delta table.
CRASH = """
import os, sys
from datetime import datetime, UTC
from pathlib import Path
import polars as pl
from xinheng.records.intake import ingest
from xinheng.records.lake import Lake
from xinheng.records.sources.mapping import load_mapping
folder, when = Path(sys.argv[1]), int(sys.argv[2])
real, calls = pl.DataFrame.write_delta, []
def dying(*args, **kwargs):
    calls.append(1)
    if len(calls) > when:
        os._exit(9)
    return real(*args, **kwargs)
pl.DataFrame.write_delta = dying
ingest(folder / "second.csv", load_mapping(folder / "mapping.toml"), Lake(folder / "lake"),
       at=datetime(2024, 6, 2, tzinfo=UTC))
os._exit(0)
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake of four buckets with one batch of one accepted and one rejected row."""
    mapping = load_mapping(write_mapping(tmp_path))
    lake = Lake.at(tmp_path / "lake", buckets=4)
    first_reject = REJECT.replace("N3", "N4")
    ingest(write_csv(tmp_path, GOOD, first_reject), mapping, lake, at=AT)
    write_csv(tmp_path, SECOND, REJECT, name="second.csv")
    return lake


@pytest.mark.parametrize(
    "writes",
    [
        pytest.param(0, id="before the first table"),
        pytest.param(1, id="between two tables"),
        pytest.param(2, id="before the manifest"),
    ],
)
def test_a_crash_leaves_none_of_the_batch_and_the_next_try_all_of_it(
    tmp_path: Path, lake: Lake, writes: int
) -> None:
    before = lake.rows("inspection").collect()
    ended = subprocess.run(
        [sys.executable, "-c", CRASH, str(tmp_path), str(writes)], check=False, timeout=120
    )
    assert ended.returncode == 9
    seen = Lake(tmp_path / "lake")
    assert seen.rows("inspection").collect().equals(before)
    assert seen.rejected().height == 1
    assert seen.snapshot.number == 1

    mapping = load_mapping(tmp_path / "mapping.toml")
    report = ingest(tmp_path / "second.csv", mapping, seen, at=AT)
    assert not report.already_taken
    again = Lake(tmp_path / "lake")
    assert sorted(again.rows("inspection").collect()["source_record_no"]) == ["N1", "N2"]
    assert again.rejected().height == 2


def test_a_whole_second_batch_needs_no_retry(tmp_path: Path, lake: Lake) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CRASH, str(tmp_path), "99"], check=False, timeout=120
    )
    assert ended.returncode == 0
    assert Lake(tmp_path / "lake").rows("inspection").collect().height == 2


def test_a_crash_in_the_first_batch_leaves_an_empty_lake(tmp_path: Path) -> None:
    write_mapping(tmp_path)
    write_csv(tmp_path, SECOND, name="second.csv")
    Lake.at(tmp_path / "lake")
    script = [sys.executable, "-c", CRASH, str(tmp_path), "1"]
    assert subprocess.run(script, check=False, timeout=120).returncode == 9
    lake = Lake(tmp_path / "lake")
    assert lake.rows("inspection").collect().height == 0
    ingest(tmp_path / "second.csv", load_mapping(tmp_path / "mapping.toml"), lake, at=AT)
    assert lake.rows("inspection").collect().height == 1


def test_an_open_snapshot_does_not_change_under_its_reader(tmp_path: Path, lake: Lake) -> None:
    reader = Lake(tmp_path / "lake")
    ingest(tmp_path / "second.csv", load_mapping(tmp_path / "mapping.toml"), lake, at=AT)
    assert reader.rows("inspection").collect().height == 1
    assert lake.rows("inspection").collect().height == 2


def test_rows_of_some_enterprises_are_theirs_alone(tmp_path: Path, lake: Lake) -> None:
    ingest(tmp_path / "second.csv", load_mapping(tmp_path / "mapping.toml"), lake, at=AT)
    assert lake.rows("inspection", [FIRM]).collect()["uscc"].to_list() == [FIRM]
    assert lake.rows("inspection", []).collect().height == 0


def test_a_lake_made_before_a_column_was_declared_goes_on(tmp_path: Path, lake: Lake) -> None:
    _forget_column(lake, "inspection", "score")
    mapping = load_mapping(tmp_path / "mapping.toml")
    assert Lake(lake.root).rows("inspection").select("score").collect()["score"].to_list() == [None]
    ingest(tmp_path / "second.csv", mapping, Lake(lake.root), at=AT)
    seen = Lake(lake.root)
    assert seen.rows("inspection").collect()["score"].to_list() == [None, None]
    assert seen.versions("inspection", Asked(["uscc", "score"], [FIRM, OTHER])).height == 2
    assert seen.all_of(["inspection"], [FIRM, OTHER])["inspection"]["score"].null_count() == 2


def _forget_column(lake: Lake, name: str, column: str) -> None:
    """Rewrite a table as a version of the product wrote it that had no such column."""
    rows = lake.rows(name).collect().drop(column)
    options = {"schema_mode": "overwrite", "partition_by": ["bucket"]}
    rows.write_delta(str(lake.root / name), mode="overwrite", delta_write_options=options)
    lake.publish([Batch("c2", "rewritten:2", "{}", AT)], {name: 1}, at=AT)


def test_two_writers_do_not_meet(tmp_path: Path, lake: Lake) -> None:
    with FileLock(lake.root / "writer.lock"), pytest.raises(Busy, match="another process writes"):
        ingest(tmp_path / "second.csv", load_mapping(tmp_path / "mapping.toml"), lake, at=AT)


def test_a_table_never_delivered_is_empty_typed_and_not_covered(lake: Lake) -> None:
    rows = lake.rows("penalty").collect()
    assert rows.height == 0
    assert rows.schema["fine_amount_fen"] == pl.Int64
    assert lake.covered_from("penalty") is None
    with pytest.raises(NotReady, match="no penalty record was ever delivered"):
        lake.known_until("penalty")


def test_no_lake_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="xinheng records ingest"):
        Lake(tmp_path / "nowhere")


def test_the_manifest_tells_every_batch(tmp_path: Path, lake: Lake) -> None:
    batches = lake.batches()
    assert batches["number"].to_list() == [1]
    assert '"rejected": 1' in batches["report"][0]
    assert (lake.root / MANIFEST).is_dir()
