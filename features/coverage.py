"""Whether a source is delivered, so that the absence of a record says something.

Coverage is data (check QC34): which months a department delivered of a table, and for which
regions. A value without rows is known where at least half of the months of its window are
covered by a department that serves the enterprise's region; short windows are judged by a quarter
and a state by a year, because deliveries come in arrears. A source without delivery notes is
covered from its first record on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from xinheng.features.knowledge import Source
from xinheng.features.vocabulary.fold import Ints
from xinheng.records.spans import NEVER

LEAST_SHARE = 0.5
SHORTEST_DAYS, STATE_DAYS = 92, 366
DAYS_A_MONTH = 30.4375
DAY_US = 86_400_000_000
Bools = NDArray[np.bool_]
_WORD = ["record_type", "source_dept", "month"]


class Coverage:
    """What a source's delivery notes say; a table without notes counts from its first record."""

    def __init__(self, source: Source) -> None:
        self._source = source
        notes = source.coverage()
        has_notes = notes is not None and notes.height > 0
        self._words = _words(notes) if has_notes and notes is not None else {}
        self._departments = _departments(notes) if has_notes and notes is not None else []
        self._since: dict[str, datetime | None] = {}

    def at(self, moments: Ints, regions: Sequence[str | None]) -> Covered:
        """What is covered at some moments for enterprises of some regions."""
        names = list(dict.fromkeys(regions))
        codes = {region: code for code, region in enumerate(names)}
        region_of = np.array([codes[region] for region in regions], dtype=np.int64)
        keys, pair_of = np.unique(np.stack([moments, region_of]), axis=1, return_inverse=True)
        serving = [self._serving(int(at), names[int(code)]) for at, code in keys.T]
        return Covered(self, keys[0].copy(), np.array(serving, dtype=bool), pair_of.ravel())

    def of(self, table: str, at: Ints, serving: Bools, window_days: int) -> Bools:
        """Whether a table is covered for the window that ends at each moment."""
        if table in self._words:
            days = judged_days(window_days)
            least = LEAST_SHARE * int(days / DAYS_A_MONTH)
            first = at // DAY_US - days
            return _months(self._words[table], at, serving, first) >= least
        since = self.since(table)
        if since is None:
            return np.zeros(len(at), dtype=bool)
        return np.asarray(at >= round(since.timestamp() * 1_000_000))

    def since(self, table: str) -> datetime | None:
        """Moment of the first record of a table."""
        if table not in self._since:
            self._since[table] = self._source.covered_from(table)
        return self._since[table]

    def _serving(self, at: int, region: str | None) -> list[bool]:
        """Which departments are known to serve a region at a moment."""
        return [
            any(since <= at and serves(own, region) for own, since in regions.items())
            for regions in self._departments
        ]


@dataclass(frozen=True, slots=True)
class Covered:
    """Coverage at the moments and in the regions of some questions."""

    coverage: Coverage
    pair_at: Ints
    serving: Bools
    pair_of: Ints
    held: dict[tuple[tuple[str, ...], int], Bools] = field(default_factory=dict)

    def of(self, tables: Sequence[str], window_days: int) -> Bools:
        """Whether all the tables are delivered for the window, an answer a question."""
        key = (tuple(tables), window_days)
        if key not in self.held:
            told = [
                self.coverage.of(table, self.pair_at, self.serving, window_days) for table in tables
            ]
            self.held[key] = np.all(told, axis=0)[self.pair_of]
        return self.held[key]


def judged_days(window_days: int) -> int:
    """Days whose delivery is judged for a window: deliveries come in arrears."""
    return max(window_days, SHORTEST_DAYS) if window_days else STATE_DAYS


def serves(authority: str, region: str | None) -> bool:
    """Whether an authority's region contains a region: 640300 contains 640302 (GB/T 2260)."""
    return region is None or authority in {region, f"{region[:4]}00", f"{region[:2]}0000"}


def _words(notes: pl.DataFrame) -> dict[str, Ints]:
    """By table the covered months, in which a later note of the same month ends a former one.

    Arrays of department, month (its first day), and the moments from and until which it is known.
    """
    names = notes["source_dept"].unique().sort()
    newest = notes.group_by(*_WORD, "known_at").agg(pl.col("state").min()).sort(*_WORD, "known_at")
    until = pl.col("known_at").shift(-1).over(_WORD).fill_null(NEVER)
    covered = newest.with_columns(
        until=until, department=names.search_sorted(newest["source_dept"])
    ).filter(pl.col("state") == "covered")
    columns = ("department", "month", "known_at", "until")
    return {
        str(key[0]): np.stack([own[c].to_physical().cast(pl.Int64).to_numpy() for c in columns])
        for key, own in covered.partition_by("record_type", as_dict=True).items()
    }


def _departments(notes: pl.DataFrame) -> list[dict[str, int]]:
    """By department, in the order of their names: since when it is known to serve which region."""
    first = notes.group_by("source_dept", "region_code").agg(since=pl.col("known_at").min())
    found: dict[str, dict[str, int]] = {}
    told = first.with_columns(pl.col("since").to_physical()).sort("source_dept")
    for department, region, since in told.iter_rows():
        found.setdefault(department, {})[region] = since
    return list(found.values())


@njit(cache=True, nogil=True)
def _months(words: Ints, at: Ints, serving: Bools, first: Ints) -> Ints:
    """Most months after a day that one serving department is known to have delivered."""
    found = np.zeros(len(at), dtype=np.int64)
    for i in range(len(at)):
        months = np.zeros(serving.shape[1], dtype=np.int64)
        for w in range(words.shape[1]):
            is_known = words[2, w] <= at[i] < words[3, w]
            if is_known and words[1, w] > first[i] and serving[i, words[0, w]]:
                months[words[0, w]] += 1
        for count in months:
            found[i] = max(found[i], count)
    return found
