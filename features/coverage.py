"""Whether a source is delivered, so that the absence of a record says something.

Coverage is data (check QC34): which months a department delivered of a table, with or without
rows, and for which regions. A delivery whose manifest names a region speaks of that one only; a
department that never named a region is taken to serve all of them. A value without rows is known
where at least half of the months of its window are covered by a department that serves the
enterprise's region; short windows are judged by a quarter and a state by a year, because
deliveries come in arrears. A source without delivery notes is covered from its first record on.
"""

from __future__ import annotations

import math
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
_WORD = ["record_type", "source_dept", "month", "scope"]


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
        self._departments = _departments(notes) if has_notes and notes is not None else {}
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
        if not asked.each:
            return np.ones((len(at), 0), dtype=bool)
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
            least=np.array([least_months(int(one)) for one in days], dtype=np.int64),
            since=np.array([_moment(first.get(name)) for name in names], dtype=np.int64),
        )

    def lacking(
        self, tables: Sequence[str], window_days: int, at: datetime, region: str | None
    ) -> tuple[str, ...]:
        """Those of the tables that are not covered for a window of an enterprise of a region."""
        each = Deliveries(tuple(Delivery((table,), window_days) for table in tables))
        covered = self.at(np.array([microsecond(at)], dtype=np.int64), [region]).of(each)[0]
        return tuple(table for table, is_there in zip(tables, covered, strict=True) if not is_there)

    def months(self, table: str, at: int, days: int) -> dict[str, int]:
        """Months that each department is known to have delivered of the days that end at `at`."""
        place = self._notes.places.get(table)
        if place is None:
            return {}
        own = self._notes.words[:, self._notes.first[place] : self._notes.first[place + 1]]
        departments = [name for name, _ in self._notes.scopes]
        found = {
            name: _months(own, at, np.array([one == name for one in departments]), begin)
            for name in dict.fromkeys(departments)
            for begin in [at // DAY_US - days]
        }
        return {name: count for name, count in found.items() if count}

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
        """By department and scope of the notes: whether they are about a region at a moment."""
        served = {
            name: _is_served(region, [own for own, since in regions.items() if since <= at])
            for name, regions in self._departments.items()
        }
        return [
            served[department] if not scope else serves(scope, region)
            for department, scope in self._notes.scopes
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


def least_months(days: int) -> int:
    """Months that must be delivered of so many days."""
    return math.ceil(LEAST_SHARE * (days // DAYS_A_MONTH))


def serves(authority: str, region: str | None) -> bool:
    """Whether an authority's region contains a region: 640300 contains 640302 (GB/T 2260)."""
    return region is None or authority in {region, f"{region[:4]}00", f"{region[:2]}0000"}


def _is_served(region: str | None, named: Sequence[str]) -> bool:
    """Whether a department serves a region, by those that its deliveries have named so far."""
    regions = [own for own in named if own]
    return any(serves(own, region) for own in regions) or (bool(named) and not regions)


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
    """Scope, month (its first day), the moments from and until which it is known, department."""
    scopes: tuple[tuple[str, str], ...] = ()
    """Departments, each with the region that some of its notes alone are about, or ''."""
    _beginnings: dict[str, tuple[Ints, Ints]] = field(default_factory=dict)

    @classmethod
    def of(cls, notes: pl.DataFrame) -> Notes:
        """Delivery notes (`xinheng.records.manifest.NOTES`) as numbers."""
        scoped = notes if "scope" in notes.columns else notes.with_columns(scope=pl.lit(""))
        scopes = scoped.select("source_dept", "scope").unique().sort("source_dept", "scope")
        known = scoped.group_by(*_WORD, "known_at").agg(pl.col("state").min())
        newest = known.sort(*_WORD, "known_at")
        until = pl.col("known_at").shift(-1).over(_WORD).fill_null(NEVER)
        numbered = scopes.with_row_index("place").with_columns(
            department=pl.col("source_dept").rank("dense").cast(pl.Int64) - 1
        )
        covered = (
            newest.with_columns(until=until)
            .join(numbered, on=["source_dept", "scope"], maintain_order="left")
            .filter(pl.col("state") == "covered")
        )
        columns = ("place", "month", "known_at", "until", "department")
        tables = covered["record_type"].unique().sort()
        return cls(
            {name: place for place, name in enumerate(tables)},
            firsts(tables.search_sorted(covered["record_type"]).to_numpy(), len(tables)),
            np.stack([covered[c].to_physical().cast(pl.Int64).to_numpy() for c in columns]),
            tuple(scopes.iter_rows()),
        )

    def beginnings(self, table: str) -> tuple[Ints, Ints]:
        """Months of a table, ascending, and when it was first known of one as early."""
        if table not in self._beginnings:
            self._beginnings[table] = self._begun(table)
        return self._beginnings[table]

    def _begun(self, table: str) -> tuple[Ints, Ints]:
        place = self.places[table]
        _, month, known_at, _, _ = self.words[:, self.first[place] : self.first[place + 1]]
        order = np.argsort(month, kind="stable")
        return month[order], np.minimum.accumulate(known_at[order])


NO_NOTES = Notes({}, np.zeros(1, dtype=np.int64), np.zeros((5, 0), dtype=np.int64))


def _departments(notes: pl.DataFrame) -> dict[str, dict[str, int]]:
    """By department: since when it is known to serve which region."""
    first = notes.group_by("source_dept", "region_code").agg(since=pl.col("known_at").min())
    found: dict[str, dict[str, int]] = {}
    told = first.with_columns(pl.col("since").to_physical()).sort("source_dept")
    for department, region, since in told.iter_rows():
        found.setdefault(department, {})[region] = since
    return found


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
    """Most months after a day that one serving department is known to have delivered.

    Its words stand together, ascending by month.
    """
    most, months, department, month = 0, 0, -1, -1
    for w in range(words.shape[1]):
        is_known = words[2, w] <= at < words[3, w]
        if not is_known or words[1, w] <= first or not serving[words[0, w]]:
            continue
        if words[4, w] != department:
            department, months, month = words[4, w], 0, -1
        if words[1, w] != month:
            month = words[1, w]
            months += 1
        most = max(most, months)
    return most
