"""History for training: one Parquet table keyed `(uscc, as_of)`, with what it was made from.

A folder holds `manifest.json`, the questions, what is known of others (the one global step) and a
part a bucket. A part is whole or not there: the same command goes on where a former one stopped.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
import polars as pl

from xinheng.domain import bucket_of
from xinheng.errors import BadRequest, NotReady
from xinheng.features.catalogue import catalogue, feature_columns, indicator, version_of
from xinheng.features.others.others import Others
from xinheng.features.population import population
from xinheng.features.store.work import BucketTask, Steps, Where, answer_bucket, run_tasks
from xinheng.records.lake import Lake

MANIFEST = "manifest.json"
HASH_SPACE = 2**32


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a feature table was made from."""

    catalogue: str
    """Version of the indicators' meaning."""
    indicators: tuple[str, ...]
    lake_batch: int
    delta_versions: dict[str, int]
    cut_offs: tuple[str, ...]
    sample: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is built, and how."""

    cut_offs: Sequence[datetime]
    indicators: Sequence[str] = ()
    """Ids; none: the whole catalogue."""
    sample: float = 1.0
    """Share of the enterprises, the same ones at each cut-off and in each run."""
    engine: Where = "local"
    scheduler: str = ""
    fresh: bool = False
    """Begin again where the folder holds a table made from something else."""


def build(
    lake: Lake, wish: Wish, to: Path, *, on_step: Callable[[str], None] = lambda _: None
) -> Manifest:
    """Compute the indicators of everyone on the register at each cut-off, bucket by bucket.

    Raises
    ------
    BadRequest
        If the folder holds a table made from something else.
    NotReady
        If nobody is on the register at any cut-off.
    """
    names = tuple(wish.indicators or catalogue())
    chosen = [indicator(name) for name in names]
    manifest = Manifest(
        catalogue=version_of(chosen),
        indicators=names,
        lake_batch=lake.snapshot.number,
        delta_versions=dict(lake.snapshot.delta_versions),
        cut_offs=tuple(moment.isoformat() for moment in wish.cut_offs),
        sample=wish.sample,
    )
    _begin(to, manifest, fresh=wish.fresh)
    buckets = _questions(lake, wish, to, on_step)
    if not (to / "others").exists():
        others = Others.of(lake, feature_columns(chosen), max(wish.cut_offs), on_step=on_step)
        others.save(to / "others")
    parts = to / "parts"
    parts.mkdir(exist_ok=True)
    tasks = [
        BucketTask(
            lake.root.resolve(), lake.snapshot.number, names, (to / "others").resolve(),
            (to / "questions.parquet").resolve(), bucket,
            (parts / f"bucket-{bucket:04}.parquet").resolve(),
        )
        for bucket in buckets
    ]  # fmt: skip
    missing = [task for task in tasks if not task.to.exists()]
    if len(missing) < len(tasks):
        on_step(f"{len(tasks) - len(missing):,} of {len(tasks):,} parts are there already")
    steps = Steps(on_step, len(missing), "parts")
    run_tasks(answer_bucket, missing, engine=wish.engine, scheduler=wish.scheduler, on_done=steps)
    return manifest


def manifest_of(folder: Path) -> Manifest:
    """What a feature table was made from.

    Raises
    ------
    NotReady
        If the folder holds none.
    """
    path = folder / MANIFEST
    if not path.exists():
        raise NotReady(f"{folder} holds no feature table", hint="make one: xinheng features build")
    told = json.loads(path.read_text(encoding="utf-8"))
    lists = {name: tuple(told[name]) for name in ("indicators", "cut_offs")}
    return Manifest(**{**told, **lists})


def table(folder: Path) -> pl.LazyFrame:
    """The feature table: `uscc`, `as_of` and the feature columns."""
    manifest_of(folder)
    return pl.scan_parquet(sorted((folder / "parts").glob("*.parquet")), glob=False).sort(
        "as_of", "uscc"
    )


@dataclass(frozen=True, slots=True)
class Matrix:
    """A feature table as model owners use it."""

    frame: pd.DataFrame
    """Index `uscc`, `as_of`; floats, and categories where a code has no order. NaN: not known."""
    directions: dict[str, int]
    """By column: +1 may only raise risk, -1 may only lower it, 0 free."""
    names: dict[str, tuple[str, str]]
    """By column: the Chinese and the English name."""


def matrix(folder: Path) -> Matrix:
    """The feature table as a pandas frame with names, dtypes and directions."""
    columns = feature_columns(indicator(name) for name in manifest_of(folder).indicators)
    rows = table(folder).collect().to_pandas()
    frame = rows.set_index(["uscc", "as_of"])[[column.name for column in columns]]
    for column in columns:
        if column.indicator.categorical:
            frame[column.name] = frame[column.name].astype("Int64").astype("category")
    return Matrix(
        frame=frame,
        directions={column.name: column.monotone for column in columns},
        names={c.name: (c.indicator.name_zh, c.indicator.name_en) for c in columns},
    )


def _begin(to: Path, manifest: Manifest, *, fresh: bool) -> None:
    path = to / MANIFEST
    if fresh and path.exists():
        shutil.rmtree(to)
    if path.exists() and manifest_of(to) != manifest:
        raise BadRequest(
            f"{to} holds a table of other cut-offs, indicators or another state of the lake",
            hint="choose another folder, or begin again with --fresh",
        )
    if to.exists() and not path.exists() and any(to.iterdir()):
        raise BadRequest(f"{to} is not empty and holds no feature table", hint="choose another")
    to.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps(asdict(manifest), indent=2), encoding="utf-8")
    scratch.replace(path)


def _questions(lake: Lake, wish: Wish, to: Path, on_step: Callable[[str], None]) -> list[int]:
    """Write who is asked about when, with the bucket of each; the buckets."""
    path = to / "questions.parquet"
    if not path.exists():
        asked = []
        for cut_off in wish.cut_offs:
            on_step(f"who is on the register at {cut_off:%Y-%m-%d}")
            asked.append(population(lake, cut_off).select("uscc", "as_of"))
        everyone = pl.concat(asked)
        codes = everyone["uscc"].unique().to_list()
        placed = pl.DataFrame(
            {
                "uscc": codes,
                "bucket": [bucket_of(code, lake.buckets) for code in codes],
                "_share": np.array([crc32(code.encode()) / HASH_SPACE for code in codes]),
            },
            schema_overrides={"bucket": pl.Int32},
        )
        chosen = everyone.join(placed.filter(pl.col("_share") < wish.sample), on="uscc")
        ordered = chosen.sort("bucket", "as_of", "uscc").drop("_share").with_row_index("q")
        scratch = path.with_suffix(".new")
        ordered.write_parquet(scratch)
        scratch.replace(path)
    buckets = (
        pl.read_parquet(path, columns=["bucket"], glob=False)["bucket"].unique().sort().to_list()
    )
    if not buckets:
        raise NotReady(
            "no enterprise or branch was on the register at any cut-off",
            hint="is the entity table delivered, and are the dates right?",
        )
    return buckets
