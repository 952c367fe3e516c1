"""The unit of work: one bucket of the lake, done by the same function wherever it runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import polars as pl

from xinheng.errors import NotReady
from xinheng.features.catalogue import feature_columns, indicator
from xinheng.features.engine.compute import Engine
from xinheng.features.indicator import FeatureColumn
from xinheng.features.knowledge import Knowledge
from xinheng.features.others.others import Others
from xinheng.records.lake import Lake

if TYPE_CHECKING:
    from distributed import Client

Task = TypeVar("Task")
Where = Literal["local", "dask"]
RETRIES = 3
"""Times a bucket is tried again after its worker was lost."""


@dataclass(frozen=True, slots=True)
class BucketTask:
    """Questions about the enterprises of one bucket, and where the answers go."""

    lake: Path
    lake_batch: int
    """The snapshot that every worker must see."""
    indicators: tuple[str, ...]
    others: Path
    questions: Path
    bucket: int
    to: Path


def answer_bucket(task: BucketTask) -> int:
    """Write the values of one bucket, whole or not at all; the number of its rows."""
    lake = _lake(task.lake, task.lake_batch)
    columns = _columns(task.indicators)
    question = pl.read_parquet(task.questions, glob=False).filter(pl.col("bucket") == task.bucket)
    asked = question.select("q", "uscc", "as_of")
    until = asked["as_of"].max()
    assert isinstance(until, datetime)
    others = _others(task.others, task.lake, task.lake_batch, task.indicators)
    knowledge = Knowledge(lake, until, buckets=(task.bucket,), coverage=others.coverage)
    values = Engine(columns, others).answer(asked, knowledge)
    scratch = task.to.with_suffix(f".{os.getpid()}.new")
    values.write_parquet(scratch)
    scratch.replace(task.to)
    return values.height


def run_tasks(
    work: Callable[[Task], int],
    tasks: Sequence[Task],
    *,
    engine: Where = "local",
    scheduler: str = "",
    processes: int = 1,
    on_done: Callable[[int], None] = lambda _: None,
) -> None:
    """Do all tasks, here or on a Dask cluster; told how many are done after each.

    All ways give the same bits. On a cluster a task whose worker is lost is done again by another.

    Parameters
    ----------
    work
        A function of a module, that every process can import.
    processes
        Of this machine, beside each other.
    """
    if engine == "dask":
        _clustered(work, tasks, scheduler, on_done)
    elif processes > 1 and len(tasks) > 1:
        with ProcessPoolExecutor(min(processes, len(tasks)), get_context("spawn")) as pool:
            futures = [pool.submit(work, task) for task in tasks]
            for number, future in enumerate(as_completed(futures), start=1):
                future.result()
                on_done(number)
    else:
        for number, task in enumerate(tasks, start=1):
            work(task)
            on_done(number)


def _clustered(
    work: Callable[[Task], int],
    tasks: Sequence[Task],
    scheduler: str,
    on_done: Callable[[int], None],
) -> None:
    with dask_client(scheduler) as client:
        from distributed import as_completed as completed  # noqa: PLC0415  (the extra `cluster`)

        futures = client.map(work, tasks, retries=RETRIES, pure=False)
        for number, future in enumerate(completed(futures), start=1):
            future.result()
            on_done(number)


@contextmanager
def dask_client(scheduler: str = "") -> Iterator[Client]:
    """A client of the scheduler, or of a cluster of this machine's cores that ends with it.

    Raises
    ------
    NotReady
        If the extra is not installed or nobody answers.
    """
    try:
        from distributed import Client, LocalCluster  # noqa: PLC0415
    except ModuleNotFoundError:
        raise NotReady(
            "the engine `dask` is not installed", hint="pip install xinheng[cluster]"
        ) from None
    try:
        if scheduler:
            with Client(scheduler, timeout="10s") as client:
                yield client
        else:
            options: dict[str, Any] = {"processes": True, "threads_per_worker": 1}
            with LocalCluster(dashboard_address=None, **options) as cluster, Client(cluster) as own:
                yield own
    except (OSError, TimeoutError) as fault:
        raise NotReady(
            f"no Dask scheduler answers at {scheduler or 'this machine'}: {fault}",
            hint="start one with `dask scheduler`, or leave out --scheduler",
        ) from None


@lru_cache(maxsize=2)
def _lake(root: Path, batch: int) -> Lake:
    lake = Lake(root)
    if lake.snapshot.number != batch:
        raise NotReady(
            f"the lake has batch {lake.snapshot.number}, the work began at {batch}",
            hint="begin again with --fresh",
        )
    return lake


@lru_cache(maxsize=2)
def _columns(indicators: tuple[str, ...]) -> tuple[FeatureColumn, ...]:
    return feature_columns(indicator(name) for name in indicators)


@lru_cache(maxsize=2)
def _others(folder: Path, lake: Path, batch: int, indicators: tuple[str, ...]) -> Others:
    return Others.load(folder, _lake(lake, batch), _columns(indicators))


@dataclass(slots=True)
class Steps:
    """Tells how far the work is."""

    on_step: Callable[[str], None]
    total: int
    what: str
    done: int = field(default=0)

    def __call__(self, done: int) -> None:
        self.done = done
        self.on_step(f"{self.what}: {done:,} of {self.total:,}")
