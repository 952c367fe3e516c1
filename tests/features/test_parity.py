"""The same number everywhere: in a batch, alone, from memory, on a cluster. Bit for bit."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from distributed import Client, LocalCluster

from xinheng.features.catalogue import catalogue, feature_columns
from xinheng.features.engine.compute import compute
from xinheng.features.engine.parts import FEW
from xinheng.features.memory import Memory
from xinheng.features.others.others import Others
from xinheng.features.store.offline import Wish, build, table
from xinheng.records.lake import Lake
from xinheng.records.tables import MOMENT, tables

COLUMNS = feature_columns(catalogue().values())
FIRST, LAST = datetime(2024, 3, 1, tzinfo=UTC), datetime(2025, 12, 31, tzinfo=UTC)
CHECKED = int(os.environ.get("XINHENG_PARITY", "60"))
"""Enterprises asked one by one; the batch is asked about all."""
CUT_OFFS = [datetime(2025, month, 1, tzinfo=UTC) for month in (3, 6, 9)]


def same_bits(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert one.columns == other.columns
    for name in one.columns[2:]:
        differs = one[name].ne_missing(other[name])
        assert not differs.any(), (name, one.filter(differs)[:3], other.filter(differs)[:3])


@pytest.fixture(scope="module")
def asked(city_lake: Lake) -> pl.DataFrame:
    """Every enterprise at a random moment of its own, some several times."""
    codes = city_lake.rows("entity").select("uscc").unique().sort("uscc").collect()["uscc"]
    rng = np.random.default_rng(4)
    usccs = [*codes, *rng.choice(codes.to_list(), 300)]
    seconds = rng.uniform(0, (LAST - FIRST).total_seconds(), len(usccs))
    moments = [FIRST + timedelta(seconds=round(s)) for s in seconds]
    return pl.DataFrame({"uscc": usccs, "as_of": moments}).cast({"as_of": MOMENT})


@pytest.fixture(scope="module")
def others(city_lake: Lake) -> Others:
    return Others.of(city_lake, COLUMNS, LAST)


@pytest.fixture(scope="module")
def batch(city_lake: Lake, asked: pl.DataFrame, others: Others) -> pl.DataFrame:
    return compute(catalogue().values(), asked, city_lake, others=others)


def test_the_batch_says_something_in_most_columns(batch: pl.DataFrame) -> None:
    told = [name for name in batch.columns[2:] if batch[name].n_unique() > 1]
    assert batch.height > 600
    assert len(told) > 120


def test_one_enterprise_alone_is_as_in_the_batch(
    city_lake: Lake, asked: pl.DataFrame, batch: pl.DataFrame, others: Others
) -> None:
    for row in range(CHECKED):
        alone = compute(catalogue().values(), asked.slice(row, 1), city_lake, others=others)
        same_bits(alone, batch.slice(row, 1))


def test_records_in_memory_are_as_in_the_lake(
    city_lake: Lake, asked: pl.DataFrame, batch: pl.DataFrame, others: Others
) -> None:
    """What is known of everybody comes beside the records of one: others, and proofs of duties."""
    for row in range(CHECKED):
        code = asked["uscc"][row]
        frames = {name: city_lake.rows(name, [code]).collect() for name in tables()}
        memory = Memory(frames, proofs=city_lake.proofs())
        told = compute(catalogue().values(), asked.slice(row, 1), memory, others=others)
        same_bits(told, batch.slice(row, 1))


def test_what_is_known_of_others_may_be_read_anew_or_kept(
    city_lake: Lake, asked: pl.DataFrame, batch: pl.DataFrame, others: Others, tmp_path: Path
) -> None:
    others.save(tmp_path / "others")
    kept = Others.load(tmp_path / "others", city_lake, COLUMNS)
    same_bits(compute(catalogue().values(), asked, city_lake, others=kept), batch)
    some = asked.head(FEW // 2)
    same_bits(compute(catalogue().values(), some, city_lake), batch.head(FEW // 2))


def built(lake: Lake, to: Path, **how: str) -> pl.DataFrame:
    steps: list[str] = []
    build(lake, Wish(cut_offs=CUT_OFFS, **how), to, on_step=steps.append)  # type: ignore[arg-type]
    assert "parts: 4 of 4" in steps
    return table(to).collect()


def test_a_cluster_with_a_killed_worker_gives_the_same_bits(
    city_lake: Lake, tmp_path: Path
) -> None:
    local = built(city_lake, tmp_path / "local")
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        victims = _pids(client)
        killed: list[int] = []

        def kill_one(step: str) -> None:
            if step.startswith("parts: 1 of") and not killed:
                killed.append(victims[0])
                os.kill(victims[0], signal.SIGKILL)

        wish = Wish(cut_offs=CUT_OFFS, engine="dask", scheduler=cluster.scheduler_address)
        build(city_lake, wish, tmp_path / "dask", on_step=kill_one)
    assert killed, "nobody was killed"
    same_bits(table(tmp_path / "dask").collect(), local)


def _pids(client: Client) -> Sequence[int]:
    return list(client.run(os.getpid).values())
