"""Whether a source is delivered, so that the absence of a record says something.

Coverage is data (check QC34): which months a department delivered of a table, and for which
regions. A value without rows is known where at least half of the months of its window are
covered by a department that serves the enterprise's region; short windows are judged by a quarter
and a state by a year, because deliveries come in arrears. A source without delivery notes is
covered from its first record on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from xinheng.features.engine.places import firsts
from xinheng.features.source import Source
from xinheng.features.vocabulary.fold import Ints
from xinheng.records.frames import DAY_US, legal_days, microsecond
from xinheng.records.spans import NEVER, NEVER_US

LEAST_SHARE = 0.5
SHORTEST_DAYS, STATE_DAYS = 92, 366
DAYS_A_MONTH = 30.4375
Bools = NDArray[np.bool_]
_WORD = ["record_type", "source_dept", "month"]


class Delivery(NamedTuple):
    """What has to be delivered for an absence of rows to mean something."""

    tables: tuple[str, ...]
    window_days: int


@dataclass(frozen=True, slots=True, eq=False)
class Deliveries:
    """Several of them, asked for again and again."""

    each: tuple[Delivery, ...]

    @property
    def flat(self) -> list[tuple[str, int]]:
        """Every table of every delivery with the days that are judged."""
        return [(table, judged_days(one.window_days)) for one in self.each for table in one.tables]

    @property
    def begins(self) -> Ints:
        """Where each delivery begins among its tables."""
        sizes = [len(one.tables) for one in self.each]
        return np.cumsum([0, *sizes[:-1]], dtype=np.int64)


class Needed(NamedTuple):
    """Deliveries table by table, as the loop reads them; `table` -1: one without notes."""

    table: Ints
    days: Ints
    least: Ints
    """Months at least."""
    since: Ints
    """Of a table without notes, when its first record was known."""


class Coverage:
    """What a source's delivery notes say; a table without notes counts from its first record."""

    def __init__(self, source: Source) -> None:
        self._source = source
        notes = source.coverage()
        self._told = notes
        has_notes = notes is not None and notes.height > 0
        self._notes = Notes.of(notes) if has_notes and notes is not None else NO_NOTES
        self._departments = _departments(notes) if has_notes and notes is not None else []
        self._needed: dict[Deliveries, Needed] = {}
        self._since: dict[str, datetime | None] = {}

    def is_of(self, source: Source) -> bool:
        """Whether the source's notes are the very ones that this was made of."""
        return self._told is not None and source.coverage() is self._told

    def at(self, moments: Ints, regions: Sequence[str | None]) -> Covered:
        """What is covered at some moments for enterprises of some regions."""
        places: dict[tuple[int, str | None], int] = {}
        asked = zip(moments.tolist(), regions, strict=True)
        pair_of = [places.setdefault(pair, len(places)) for pair in asked]
        at = np.array([moment for moment, _ in places], dtype=np.int64)
        serving = np.array([self._serving(*pair) for pair in places], dtype=bool)
        return Covered(self, at, serving, np.array(pair_of, dtype=np.int64))

    def of(self, at: Ints, serving: Bools, asked: Deliveries) -> Bools:
        """Whether all tables of each delivery are covered at each moment: (moments, deliveries)."""
        if asked not in self._needed:
            self._needed[asked] = self._needs(asked)
        told = _delivered(self._notes.words, self._notes.first, self._needed[asked], at, serving)
        return np.logical_and.reduceat(told, asked.begins, axis=1)

    def _needs(self, asked: Deliveries) -> Needed:
        names = [table for table, _ in asked.flat]
        days = np.array([days for _, days in asked.flat], dtype=np.int64)
        first = {name: self.since(name) for name in names if name not in self._notes.places}
        return Needed(
            table=np.array([self._notes.places.get(name, -1) for name in names], dtype=np.int64),
            days=days,
            least=np.ceil(LEAST_SHARE * (days // DAYS_A_MONTH)).astype(np.int64),
            since=np.array([_moment(first.get(name)) for name in names], dtype=np.int64),
        )

    def delivered(self, table: str, at: Ints) -> Ints:
        """From when it was known that a table was delivered at some moments; `NEVER_US`: never.

        By whichever department; a note of a month speaks for the months that follow.
        """
        if table not in self._notes.places:
            since = _moment(self.since(table))
            return np.where(at >= since, since, NEVER_US)
        months, known_at = self._notes.beginnings(table)
        place = np.searchsorted(months, legal_days(at), side="right") - 1
        return np.where(place >= 0, known_at[place], NEVER_US)

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

    def of(self, asked: Deliveries) -> Bools:
        """Whether each delivery is there: (questions, deliveries)."""
        return self.coverage.of(self.pair_at, self.serving, asked)[self.pair_of]


def judged_days(window_days: int) -> int:
    """Days whose delivery is judged for a window: deliveries come in arrears."""
    return max(window_days, SHORTEST_DAYS) if window_days else STATE_DAYS


def serves(authority: str, region: str | None) -> bool:
    """Whether an authority's region contains a region: 640300 contains 640302 (GB/T 2260)."""
    return region is None or authority in {region, f"{region[:4]}00", f"{region[:2]}0000"}


def _moment(since: datetime | None) -> int:
    return NEVER_US if since is None else microsecond(since)


@dataclass(frozen=True, slots=True)
class Notes:
    """The covered months, table by table; a later note of the same month ends a former one."""

    places: Mapping[str, int]
    """Number of each table."""
    first: Ints
    """Where the months of each table begin."""
    words: Ints
    """Department, month (its first day), and the moments from and until which it is known."""
    _beginnings: dict[str, tuple[Ints, Ints]] = field(default_factory=dict)

    @classmethod
    def of(cls, notes: pl.DataFrame) -> Notes:
        """Delivery notes (`xinheng.records.lake.NOTES`) as numbers."""
        names = notes["source_dept"].unique().sort()
        known = notes.group_by(*_WORD, "known_at").agg(pl.col("state").min())
        newest = known.sort(*_WORD, "known_at")
        until = pl.col("known_at").shift(-1).over(_WORD).fill_null(NEVER)
        covered = newest.with_columns(
            until=until, department=names.search_sorted(newest["source_dept"])
        ).filter(pl.col("state") == "covered")
        columns = ("department", "month", "known_at", "until")
        tables = covered["record_type"].unique().sort()
        return cls(
            {name: place for place, name in enumerate(tables)},
            firsts(tables.search_sorted(covered["record_type"]).to_numpy(), len(tables)),
            np.stack([covered[c].to_physical().cast(pl.Int64).to_numpy() for c in columns]),
        )

    def beginnings(self, table: str) -> tuple[Ints, Ints]:
        """Months of a table, ascending, and when it was first known of one as early."""
        if table not in self._beginnings:
            self._beginnings[table] = self._begun(table)
        return self._beginnings[table]

    def _begun(self, table: str) -> tuple[Ints, Ints]:
        place = self.places[table]
        _, month, known_at, _ = self.words[:, self.first[place] : self.first[place + 1]]
        order = np.argsort(month, kind="stable")
        return month[order], np.minimum.accumulate(known_at[order])


NO_NOTES = Notes({}, np.zeros(1, dtype=np.int64), np.zeros((4, 0), dtype=np.int64))


def _departments(notes: pl.DataFrame) -> list[dict[str, int]]:
    """By department, in the order of their names: since when it is known to serve which region."""
    first = notes.group_by("source_dept", "region_code").agg(since=pl.col("known_at").min())
    found: dict[str, dict[str, int]] = {}
    told = first.with_columns(pl.col("since").to_physical()).sort("source_dept")
    for department, region, since in told.iter_rows():
        found.setdefault(department, {})[region] = since
    return list(found.values())


@njit(cache=True, nogil=True)
def _delivered(words: Ints, first: Ints, needed: Needed, at: Ints, serving: Bools) -> Bools:
    """Whether each table is covered for the days that end at each moment: (moments, tables)."""
    found = np.zeros((len(at), len(needed.table)), dtype=np.bool_)
    for i in range(len(at)):
        for k in range(len(needed.table)):
            table = needed.table[k]
            if table < 0:
                found[i, k] = at[i] >= needed.since[k]
                continue
            own = words[:, first[table] : first[table + 1]]
            begin = at[i] // DAY_US - needed.days[k]
            found[i, k] = _months(own, at[i], serving[i], begin) >= needed.least[k]
    return found


@njit(cache=True, nogil=True)
def _months(words: Ints, at: int, serving: Bools, first: int) -> int:
    """Most months after a day that one serving department is known to have delivered."""
    months = np.zeros(len(serving), dtype=np.int64)
    for w in range(words.shape[1]):
        is_known = words[2, w] <= at < words[3, w]
        if is_known and words[1, w] > first and serving[words[0, w]]:
            months[words[0, w]] += 1
    return int(months.max()) if len(months) else 0
