"""The records of some enterprises as they were known before, and what is new since then."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import polars as pl

from xinheng.features.memory import Memory
from xinheng.records.frames import (
    NONE,
    Bools,
    Ints,
    days,
    first_moments,
    microsecond,
    microseconds,
    where,
)
from xinheng.records.in_force.endings import endings
from xinheng.records.in_force.repairs import REPAIR_TABLE
from xinheng.records.spans import NEVER_US
from xinheng.records.tables import tables


class Cut(NamedTuple):
    """What an assessment knew: what had become known by a moment, in a state of the lake."""

    as_of: datetime
    lake_batch: int


@dataclass(frozen=True, slots=True)
class _Split:
    """Versions of a table: which are new, and which end or repair a record since the cut."""

    versions: pl.DataFrame
    is_new: Bools
    is_repair: Bools
    is_repaired: Bools
    """Which say themselves that they are repaired, from a day since the cut on."""


class _New(NamedTuple):
    """A version that is new, or that says something else since the cut."""

    known_at: int
    record_id: str
    table: str
    is_repair: bool


@dataclass(frozen=True, slots=True)
class Past:
    """All that is known of some enterprises, split at what was known of each before.

    Parameters
    ----------
    cuts
        By code; what is known of other codes is not new.
    batches
        Ids of the lake's batches with their numbers.
    at
        The moment at which it is asked what counts.
    """

    source: Memory
    cuts: Mapping[str, Cut]
    batches: Mapping[str, int]
    at: datetime
    _splits: dict[str, _Split] = field(default_factory=dict)
    _news: dict[str, list[_New]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in tables():
            versions = self.source.all_of(name)
            if versions.height == 0:
                continue
            found = self._splits[name] = self._split(name, versions)
            for uscc, one in _listed(name, found):
                self._news.setdefault(uscc, []).append(one)

    def before(self) -> Memory:
        """Without anything new."""
        return self._with(lambda one: ~one.is_new & ~one.is_repair)

    def without_repairs(self) -> Memory:
        """With what is new, but for what ends or repairs a record."""
        return self._with(lambda one: ~one.is_repair)

    def facts(self, codes: Collection[str]) -> tuple[str, ...]:
        """Ids of the new versions of some codes that end nothing, the newest first."""
        return _ids(self._news_of(codes), lambda one: not one.is_repair)

    def repairs(self, codes: Collection[str]) -> tuple[str, ...]:
        """Ids of the versions of some codes that end or repair a record since, the newest first."""
        return _ids(self._news_of(codes), lambda one: one.is_repair)

    def all_new(self, codes: Collection[str]) -> tuple[str, ...]:
        """Ids of all that is new of some codes, the newest first."""
        return _ids(self._news_of(codes), lambda _: True)

    def is_changed(self, names: Collection[str], codes: Collection[str]) -> bool:
        """Whether anything in some tables is new of some codes."""
        return any(one.table in names for one in self._news_of(codes))

    def _news_of(self, codes: Collection[str]) -> list[_New]:
        return [one for code in codes for one in self._news.get(code, ())]

    def _split(self, name: str, versions: pl.DataFrame) -> _Split:
        cuts = [self.cuts.get(uscc, _NO_CUT) for uscc in versions["uscc"].to_list()]
        since = np.array([microsecond(cut.as_of) for cut in cuts], dtype=np.int64)
        known = np.array([cut.lake_batch for cut in cuts], dtype=np.int64)
        batches = [self.batches.get(one, 0) for one in versions["batch_id"].to_list()]
        is_known = microseconds(versions["known_at"]) <= microsecond(self.at)
        is_new = (microseconds(versions["known_at"]) > since) | (np.array(batches) > known)
        is_new &= is_known
        is_repair = endings(name, where(versions, is_known), is_new[is_known], self.at)
        ends = np.zeros(versions.height, dtype=bool)
        ends[is_known] = is_repair
        if name == REPAIR_TABLE:
            ends |= is_known & self._turned(versions, ("effective_on", "decided_on"), since)
        repaired = is_known & self._turned(versions, ("repaired_at",), since)
        return _Split(versions, is_new, ends, repaired & ~ends)

    def _turned(self, versions: pl.DataFrame, columns: Collection[str], since: Ints) -> Bools:
        """Whether the first day that a row has begins after its cut, and has begun now."""
        first = np.full(versions.height, NONE)
        for column in columns:
            first = np.where(first == NONE, first_moments(days(versions[column])), first)
        return np.asarray((first > since) & (first <= microsecond(self.at)))

    def _with(self, chosen: Callable[[_Split], Bools]) -> Memory:
        """Some of the versions, as if nothing had been repaired since the cut."""
        return self.source.changed(
            {name: where(_unrepaired(one), chosen(one)) for name, one in self._splits.items()}
        )


def _listed(name: str, one: _Split) -> Iterator[tuple[str, _New]]:
    """By code what is new, or says something else since the cut."""
    chosen = one.is_new | one.is_repair | one.is_repaired
    rows = where(one.versions.select("uscc", "known_at", "record_id"), chosen)
    known, repairs = microseconds(rows["known_at"]), (one.is_repair | one.is_repaired)[chosen]
    told = zip(rows["uscc"], known.tolist(), rows["record_id"], repairs.tolist(), strict=True)
    for uscc, known_at, record_id, is_repair in told:
        yield uscc, _New(known_at, record_id, name, is_repair)


def _ids(news: Iterable[_New], chosen: Callable[[_New], bool]) -> tuple[str, ...]:
    return tuple(one.record_id for one in sorted(filter(chosen, news), reverse=True))


def _unrepaired(one: _Split) -> pl.DataFrame:
    if not one.is_repaired.any():
        return one.versions
    kept = pl.when(pl.Series(~one.is_repaired)).then("repaired_at")
    return one.versions.with_columns(kept.alias("repaired_at"))


_NO_CUT = Cut(datetime(9999, 1, 1, tzinfo=UTC), NEVER_US)
