"""Where records come from, as the engine asks for them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import polars as pl

from xinheng.records.asked import Asked
from xinheng.records.codes.succession import Successions
from xinheng.records.duties.proofs import Proofs
from xinheng.records.duties.workdays import Workdays


class Source(Protocol):
    """Where records come from: the lake, or the records of one request."""

    @property
    def buckets(self) -> int: ...

    @property
    def calendar(self) -> Workdays:
        """Working days of the deployment."""
        ...

    def versions(self, name: str, asked: Asked) -> pl.DataFrame:
        """Versions of a table's records, at least the columns and rows that are asked for."""
        ...

    def rows(
        self,
        name: str,
        usccs: Sequence[str] | None = None,
        *,
        buckets: Collection[int] | None = None,
    ) -> pl.LazyFrame:
        """All versions of a table's records: of all, of some enterprises, or of some buckets."""
        ...

    def successions(self) -> Successions:
        """Which code stands for which firm when."""
        ...

    @property
    def part(self) -> tuple[int, int] | None:
        """Which bucket of how many the records are of; None: all of them."""
        ...

    def covered_from(self, name: str) -> datetime | None: ...

    def proofs(self) -> Proofs:
        """Since when the proofs of duties are delivered, of whichever firm."""
        ...

    def coverage(self) -> pl.DataFrame | None:
        """Delivery notes as `xinheng.records.manifest.NOTES`, if departments sent any."""
        ...


class View:
    """A source as it is; those who show it otherwise say what they change."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def buckets(self) -> int:
        return self._source.buckets

    @property
    def calendar(self) -> Workdays:
        """As the source."""
        return self._source.calendar

    def rows(
        self,
        name: str,
        usccs: Sequence[str] | None = None,
        *,
        buckets: Collection[int] | None = None,
    ) -> pl.LazyFrame:
        """The rows of a table as this view shows them."""
        wanted = tuple(self._source.rows(name).collect_schema().names())
        return self.versions(name, Asked(wanted, usccs, buckets)).lazy()

    def versions(self, name: str, asked: Asked) -> pl.DataFrame:
        """Versions of a table's records as this view shows them."""
        return self._source.versions(name, asked)

    def successions(self) -> Successions:
        """As the source."""
        return self._source.successions()

    @property
    def part(self) -> tuple[int, int] | None:
        """As the source."""
        return self._source.part

    def covered_from(self, name: str) -> datetime | None:
        """As the source."""
        return self._source.covered_from(name)

    def proofs(self) -> Proofs:
        """As the source."""
        return self._source.proofs()

    def coverage(self) -> pl.DataFrame | None:
        """As the source."""
        return self._source.coverage()


class Bucket(View):
    """One bucket of a source; what is known of others is asked of the whole."""

    def __init__(self, source: Source, number: int) -> None:
        super().__init__(source)
        self._own = (number,) if source.buckets > 1 else None
        self._part = (number, source.buckets) if source.buckets > 1 else None

    @property
    def buckets(self) -> int:
        return 1

    @property
    def part(self) -> tuple[int, int] | None:
        """Its number among all."""
        return self._part

    def rows(
        self,
        name: str,
        usccs: Sequence[str] | None = None,
        *,
        buckets: Collection[int] | None = None,
    ) -> pl.LazyFrame:
        """The rows of the bucket's enterprises, or of some of them."""
        return self._source.rows(name, usccs, buckets=buckets or self._own)

    def versions(self, name: str, asked: Asked) -> pl.DataFrame:
        """Versions of the records of the bucket's enterprises."""
        return self._source.versions(name, replace(asked, buckets=self._own))


def buckets_of(source: Source, usccs: Sequence[str] | None) -> Iterator[Source]:
    """A source bucket by bucket, so that what is read of everyone fits into memory.

    Of some enterprises it stays whole.
    """
    if usccs is not None or source.buckets == 1:
        yield source
        return
    for number in range(source.buckets):
        yield Bucket(source, number)
