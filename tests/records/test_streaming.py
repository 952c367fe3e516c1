"""Intake at size: chunk by chunk, group by group, and again after a crash, the same lake."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.records.handmade import rows
from tests.records.test_gate import write_delivery
from xinheng.city.make import make_city
from xinheng.records.intake import find_deliveries, ingest, ingest_all, staging, take
from xinheng.records.intake.judging import judge as judging
from xinheng.records.lake import PLATFORM_SCHEMAS, Lake
from xinheng.records.tables import tables

AT = datetime(2026, 1, 20, tzinfo=UTC)
KILLS = int(os.environ.get("XINHENG_KILLS", "6"))
"""Crashes in `test_kill_nine_...`; fifty were run by hand."""

TAKE = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from xinheng.records.intake import find_deliveries, ingest_all, take
from xinheng.records.lake import Lake
take.TOGETHER_BYTES = int(sys.argv[3])
at = datetime(2026, 1, 20, tzinfo=UTC)
found = find_deliveries(Path(sys.argv[1]), None, at=at)
print("ready", flush=True)
ingest_all(found, Lake.at(Path(sys.argv[2]), buckets=4), at=at)
"""


def content(root: Path) -> dict[str, pl.DataFrame]:
    """All records and all that is said of batches, in one order."""
    lake = Lake(root)
    found = {name: lake.rows(name).collect() for name in tables()}
    found |= {name: lake.told(name).collect() for name in PLATFORM_SCHEMAS}
    found["batches"] = lake.batches().select("number", "batch_id", "digest", "report")
    return {name: frame.sort(pl.all()) for name, frame in found.items()}


def same(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> list[str]:
    """Tables that differ."""
    return [name for name in one if not one[name].equals(other[name])]


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    make_city(folder, enterprises=80, years=1, seed=11)
    return folder / "deliveries"


@pytest.fixture(scope="module")
def undisturbed(deliveries: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("undisturbed") / "lake"
    ingest_all(find_deliveries(deliveries, None, at=AT), Lake.at(root, buckets=4), at=AT)
    return root


def test_small_chunks_and_groups_give_the_same_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_delivery(tmp_path / "d", rows())
    ingest(folder, None, Lake.at(tmp_path / "whole", buckets=4), at=AT)
    monkeypatch.setattr(staging, "CHUNK_ROWS", 3)
    monkeypatch.setattr(judging, "GROUP_ROWS", 5)
    ingest(folder, None, Lake.at(tmp_path / "parts", buckets=4), at=AT)
    assert not same(content(tmp_path / "whole"), content(tmp_path / "parts"))


def test_deliveries_taken_one_by_one_keep_the_same_records(
    deliveries: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(take, "TOGETHER_BYTES", 200_000)
    ingest_all(
        find_deliveries(deliveries, None, at=AT), Lake.at(tmp_path / "lake", buckets=4), at=AT
    )
    whole, parts = content(undisturbed), content(tmp_path / "lake")
    for name in tables():
        key = ["source_system", "source_record_no", "version", "known_at", "content_hash"]
        assert whole[name].select(key).equals(parts[name].select(key)), name


def test_a_crash_while_reading_goes_on_where_it_was(
    deliveries: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "CHUNK_ROWS", 2_000)
    real, calls = staging.shape, [0]
    found = find_deliveries(deliveries, None, at=AT)

    def dying(*args: object, **kwargs: object) -> object:
        calls[0] += 1
        if calls[0] == 6:
            raise KeyboardInterrupt
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(staging, "shape", dying)
    with pytest.raises(KeyboardInterrupt):
        ingest_all(found, Lake.at(tmp_path / "lake", buckets=4), at=AT)
    assert Lake(tmp_path / "lake").batches().height == 0
    ingest_all(found, Lake(tmp_path / "lake"), at=AT)
    monkeypatch.setattr(staging, "shape", real)
    total = calls[0]
    calls[0] = 100
    monkeypatch.setattr(staging, "shape", dying)
    ingest_all(found, Lake.at(tmp_path / "fresh", buckets=4), at=AT)
    assert total - 6 == calls[0] - 100 - 5, "five chunks were not made again"
    assert not same(content(undisturbed), content(tmp_path / "lake"))


def test_kill_nine_at_random_moments_and_the_same_ingest_again(
    deliveries: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """Whole batches or none; the repeated ingest makes the undisturbed lake."""
    rng = random.Random(20261122)
    together = take.TOGETHER_BYTES
    whole = content(undisturbed)
    for number in range(KILLS):
        root = tmp_path / str(number) / "lake"
        command = [sys.executable, "-c", TAKE, str(deliveries), str(root), str(together)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(rng.uniform(0, 4))
        process.kill()
        process.wait()
        process.stdout.close()
        left = Lake.at(root, buckets=4)
        assert left.batches().height in {0, whole["batches"].height}
        ingest_all(find_deliveries(deliveries, None, at=AT), Lake(root), at=AT)
        assert not same(whole, content(root)), number


def test_a_compacted_lake_says_the_same_in_fewer_files(undisturbed: Path, tmp_path: Path) -> None:
    import shutil  # noqa: PLC0415

    root = shutil.copytree(undisturbed, tmp_path / "lake")
    before = content(root)
    lake = Lake(root)
    lake.compact(at=AT)
    after = content(root)
    assert same(before, after) == ["batches"], "one more line says that it was compacted"
    assert Lake(root).snapshot.number == lake.snapshot.number
