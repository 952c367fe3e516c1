"""Intake and archive at the size of a city: rows a second, memory, one enterprise's records.

    xinheng city make --size wuzhong --to CITY
    python benchmarks/intake.py CITY --rows 10000000 --lake LAKE

Takes whole deliveries in the order of arrival until so many rows have come; with `--rows 0` all.
A lake that is there already is only read.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from xinheng.records.archive import archive
from xinheng.records.intake import Delivery, find_deliveries, ingest_all
from xinheng.records.lake import Lake
from xinheng.records.tables import tables

AT = datetime(2026, 1, 20, tzinfo=UTC)
BUCKETS = 64
READS = 20


def main() -> None:
    """Take the deliveries in, then read single enterprises."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("city", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--compact", action="store_true")
    wanted = parser.parse_args()
    if not wanted.lake.exists():
        take(wanted.city, wanted.lake, wanted.rows)
    lake = Lake(wanted.lake)
    if wanted.compact:
        begun = time.perf_counter()
        files = lake.compact(at=AT)
        print(f"compacted {files[0]:,} files to {files[1]:,} in {since(begun):.0f} s")
    read(lake)
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def take(city: Path, root: Path, rows: int) -> None:
    """Rows a second of gate and lake together."""
    found = find_deliveries(city / "deliveries", None, at=AT)
    chosen = first(found, rows) if rows else found
    begun = time.perf_counter()
    reports = ingest_all(chosen, Lake.at(root, buckets=BUCKETS), at=AT, on_step=print_step(begun))
    taken = sum(t.offered for r in reports for t in r.tables)
    accepted = sum(t.accepted for r in reports for t in r.tables)
    spent = since(begun)
    rate = taken / spent
    print(f"{len(reports):,} deliveries, {taken:,} rows in {spent:.0f} s: {rate:,.0f} rows/s")
    print(f"accepted {accepted:,}")


def first(found: Sequence[Delivery], rows: int) -> list[Delivery]:
    chosen, total = [], 0
    for delivery in found:
        if total >= rows:
            break
        assert delivery.manifest is not None
        chosen.append(delivery)
        total += sum(delivery.manifest.rows.values())
    return chosen


def read(lake: Lake) -> None:
    """The complete archive of single enterprises."""
    stored = sum(
        lake.rows(name).select("version").collect(engine="streaming").height for name in tables()
    )
    sample = (
        lake.rows("entity").select("uscc").unique().collect()["uscc"].sort().sample(READS, seed=1)
    )
    spent, records = [], []
    for uscc in sample:
        begun = time.perf_counter()
        records.append(sum(frame.height for frame in archive(lake, uscc).values()))
        spent.append(since(begun))
    ordered = sorted(spent)
    print(
        f"one enterprise of {stored:,} records: median {1e3 * ordered[READS // 2]:.0f} ms, "
        f"slowest {1e3 * ordered[-1]:.0f} ms, {sum(records) // READS:,} records on average"
    )


def print_step(begun: float) -> Callable[[str], None]:
    """Progress, at most a line in ten seconds."""
    last = [0.0]

    def told(step: str) -> None:
        if since(begun) - last[0] > 10:
            last[0] = since(begun)
            print(f"{last[0]:6.0f} s  {step}", flush=True)

    return told


def since(begun: float) -> float:
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
