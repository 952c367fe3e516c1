"""Records held in memory, asked like the lake: those of one request, or of a test."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property

import polars as pl

from xinheng.records.asked import Asked, stored_schema
from xinheng.records.codes.succession import REGISTER, Successions
from xinheng.records.duties.proofs import Proofs
from xinheng.records.duties.rules import clocks
from xinheng.records.duties.workdays import Workdays, workdays
from xinheng.records.frames import in_schema
from xinheng.records.lake import Lake
from xinheng.records.tables import tables


class Memory:
    """A source over frames by table name; columns that a frame lacks are null.

    A table is covered from its first record, or from `covered` where that is given; proofs of
    duties are delivered as the records themselves show, or as `proofs` says.
    """

    buckets = 1

    def __init__(
        self,
        frames: Mapping[str, pl.DataFrame],
        *,
        covered: Mapping[str, datetime] | None = None,
        notes: pl.DataFrame | None = None,
        calendar: Workdays | None = None,
        proofs: Proofs | None = None,
    ) -> None:
        self._given, self._frames = frames, dict[str, pl.DataFrame]()
        self._codes: dict[str, set[str]] = {}
        self._covered = dict(covered or {})
        self._notes, self._proofs = notes, proofs
        self.calendar = calendar or workdays()

    @classmethod
    def of(
        cls,
        lake: Lake,
        usccs: Sequence[str],
        *,
        covered: Mapping[str, datetime] | None = None,
        names: Collection[str] | None = None,
    ) -> Memory:
        """All that a lake has of some enterprises under all their codes, read once.

        Parameters
        ----------
        covered
            From when each table is delivered, where that is known already.
        names
            Only these tables.
        """
        there = [name for name in tables() if name in lake.snapshot.delta_versions]
        read = there if names is None else [name for name in there if name in names]
        found = lake.all_of(read, lake.successions().family(usccs))
        since = covered or {n: m for n in there if (m := lake.covered_from(n)) is not None}
        return cls(
            found,
            covered=since,
            notes=lake.coverage(),
            calendar=lake.calendar,
            proofs=lake.proofs(),
        )

    def changed(self, frames: Mapping[str, pl.DataFrame | None]) -> Memory:
        """The same with some tables, or none, instead of its own; what is covered stays."""
        given = {**self._given, **frames}
        there = {name: frame for name, frame in given.items() if frame is not None}
        other = Memory(
            there,
            covered=self._covered,
            notes=self._notes,
            calendar=self.calendar,
            proofs=self._proofs,
        )
        kept = {name: frame for name, frame in self._frames.items() if name not in frames}
        other._frames = kept
        other._codes = {name: self._codes[name] for name in kept}
        return other

    def all_of(self, name: str) -> pl.DataFrame:
        """A table as the lake stores it, completed when it is first asked for."""
        if name not in self._frames:
            frame = _completed(name, self._given.get(name))
            self._codes[name] = {*frame["uscc"].to_list()}
            self._frames[name] = frame  # last, so that a thread that sees it sees its codes
        return self._frames[name]

    def rows(
        self,
        name: str,
        usccs: Sequence[str] | None = None,
        *,
        buckets: Collection[int] | None = None,  # noqa: ARG002  (there is one)
    ) -> pl.LazyFrame:
        return self._own(name, usccs).lazy()

    def versions(self, name: str, asked: Asked) -> pl.DataFrame:
        return self._own(name, asked.usccs)

    @cached_property
    def _successions(self) -> Successions:
        return Successions.of(self.all_of(REGISTER))

    def successions(self) -> Successions:
        """The codes of the firms whose records these are."""
        return self._successions

    @property
    def part(self) -> None:
        """All of it."""

    def covered_from(self, name: str) -> datetime | None:
        if name in self._covered:
            return self._covered[name]
        first = self.all_of(name)["known_at"].min()
        return first if isinstance(first, datetime) else None

    def proofs(self) -> Proofs:
        """As given, or as these records show."""
        if self._proofs is None:
            self._proofs = Proofs.of(self.all_of, clocks(), self._notes)
        return self._proofs

    def coverage(self) -> pl.DataFrame | None:
        return self._notes

    def _own(self, name: str, usccs: Sequence[str] | None) -> pl.DataFrame:
        frame = self.all_of(name)
        if usccs is None or self._codes[name] <= {*usccs}:
            return frame
        return frame.filter(pl.col("uscc").is_in(list(usccs)))


@cache
def _empty(name: str) -> pl.DataFrame:
    return pl.DataFrame(schema=stored_schema(name))


def _completed(name: str, frame: pl.DataFrame | None) -> pl.DataFrame:
    if frame is None or frame.height == 0:
        return _empty(name)
    wanted = _empty(name)
    if frame.columns == wanted.columns and frame.dtypes == wanted.dtypes:
        return frame
    return in_schema({one.name: one for one in frame.get_columns()}, wanted.schema, frame.height)
