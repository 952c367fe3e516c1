"""How fast the feature store is, on a lake of a made-up city; the machine is shared.

xinheng city make --size wuzhong --to CITY
python benchmarks/load.py CITY LAKE
python benchmarks/features.py LAKE                    # everybody, one moment
python benchmarks/features.py LAKE --cut-offs 12      # twelve months
python benchmarks/features.py LAKE --one 200          # single enterprises
python benchmarks/features.py LAKE --against          # pandas and DuckDB (use the town)
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from against import compare

from xinheng.features.catalogue import catalogue, feature_columns
from xinheng.features.engine.compute import compute
from xinheng.features.memory import Memory
from xinheng.features.others.others import Others
from xinheng.records.lake import Lake
from xinheng.records.tables import MOMENT, tables

YEAR = 2025
REPEATS = 7
COLUMNS = feature_columns(catalogue().values())
AS_OF = datetime(YEAR, 12, 1, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake", type=Path)
    parser.add_argument("--cut-offs", type=int, default=1)
    parser.add_argument("--one", type=int, default=0)
    parser.add_argument("--against", action="store_true")
    chosen = parser.parse_args()
    lake = Lake(chosen.lake)
    print(f"{len(catalogue())} indicators, {len(COLUMNS)} columns, {lake.buckets} buckets")
    if chosen.against:
        compare(lake, AS_OF)
    elif chosen.one:
        one_by_one(lake, chosen.one)
    else:
        everybody(lake, chosen.cut_offs)


def everybody(lake: Lake, number: int) -> None:
    """All enterprises of the register, active or not, at some month's beginnings."""
    compute(catalogue().values(), firms(lake).head(1).with_columns(as_of=moments(1)[0]), lake)
    codes = firms(lake)
    question = pl.concat(
        [codes.with_columns(as_of=pl.lit(moment, dtype=MOMENT)) for moment in moments(number)]
    )
    begun, used = time.perf_counter(), cpu()
    others = Others.of(lake, COLUMNS, max(moments(number)))
    known = time.perf_counter()
    found = compute(catalogue().values(), question, lake, others=others)
    ended = time.perf_counter()
    print(f"{found.height:,} rows of {codes.height:,} enterprises at {number} moments")
    print(f"  what is known of others (the global step)  {known - begun:8.1f} s")
    print(f"  indicators, relations included             {ended - known:8.1f} s")
    print(f"  together                                   {ended - begun:8.1f} s")
    print(f"  processor time                             {cpu() - used:8.1f} s")
    print(f"  memory                                     {memory():8.2f} GB")


def one_by_one(lake: Lake, number: int) -> None:
    """Single enterprises, from the lake and from their records in memory."""
    others = Others.of(lake, COLUMNS, AS_OF)
    codes = random.Random(1).sample(firms(lake)["uscc"].to_list(), number)
    questions = [
        pl.DataFrame({"uscc": [c], "as_of": [AS_OF]}).cast({"as_of": MOMENT}) for c in codes
    ]
    frames = [{n: lake.rows(n, [c]).collect() for n in tables()} for c in codes]
    covered = {n: s for n in tables() if (s := lake.covered_from(n)) is not None}
    records = sum(frame.height for own in frames for frame in own.values()) / number
    print(f"{number} enterprises, {records:,.0f} records each")
    tell(
        "from the lake",
        lambda i: compute(catalogue().values(), questions[i], lake, others=others),
        number,
    )
    tell(
        "from memory",
        lambda i: compute(
            catalogue().values(), questions[i], Memory(frames[i], covered=covered), others=others
        ),
        number,
    )


def tell(what: str, work: Callable[[int], object], number: int) -> None:
    """Median and 99th percentile of all, and of the best time of each enterprise.

    The best of some repeats is what a quiet machine gives; the machine is shared.
    """
    for i in range(min(5, number)):
        work(i)
    spent = np.array([[clocked(work, i) for i in range(number)] for _ in range(REPEATS)])
    for which, times in (("all", spent.ravel()), ("best of each", spent.min(axis=0))):
        p50, p99 = np.quantile(times * 1e3, [0.5, 0.99])
        print(f"  {what:<14} {which:<14} p50 {p50:7.1f} ms   p99 {p99:7.1f} ms")


def clocked(work: Callable[[int], object], i: int) -> float:
    begun = time.perf_counter()
    work(i)
    return time.perf_counter() - begun


def firms(lake: Lake) -> pl.DataFrame:
    return lake.rows("entity").select("uscc").unique().sort("uscc").collect()


def moments(number: int) -> list[datetime]:
    return [datetime(YEAR, 12 - back, 1, tzinfo=UTC) for back in range(number)]


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
