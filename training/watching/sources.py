"""Whether every source still speaks: silence must not look like good behaviour."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from xinheng.features.source import Source
from xinheng.records.asked import Asked
from xinheng.records.tables import MOMENT

YEAR = timedelta(days=365)
LEAST_RECORDS = 20
"""Records expected in the silent days before silence says anything."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a source has sent lately."""

    table: str
    last: datetime | None
    recent: int
    """Records in the last days."""
    expected: float
    """As many as in so many days of the year before."""

    @property
    def is_silent(self) -> bool:
        """Nothing came although something was to be expected."""
        return self.recent == 0 and self.expected >= LEAST_RECORDS


def spoken(source: Source, names: Sequence[str], as_of: datetime, days: int) -> list[Spoken]:
    """What each source has sent in the last days, against the year before them."""
    now = as_of.astimezone(UTC)
    since = now - timedelta(days=days)
    found = []
    for name in names:
        known = source.rows(name).select("known_at").filter(pl.col("known_at") <= now).collect()
        times = known["known_at"]
        recent = int((times > since).sum())
        before = int(((times > since - YEAR) & (times <= since)).sum())
        last = times.max()
        assert last is None or isinstance(last, datetime)
        found.append(Spoken(name, last, recent, before * days / YEAR.days))
    return found


class Silent:
    """A source of which one table has stopped: as if nothing had become known since."""

    def __init__(self, source: Source, table: str, since: datetime) -> None:
        self._source, self._table, self._since = source, table, since.astimezone(UTC)

    @property
    def buckets(self) -> int:
        return self._source.buckets

    def rows(
        self,
        name: str,
        usccs: Sequence[str] | None = None,
        *,
        buckets: Collection[int] | None = None,
    ) -> pl.LazyFrame:
        """The rows of a table; of the silent one those from before."""
        wanted = tuple(self._source.rows(name).collect_schema().names())
        return self.versions(name, Asked(wanted, usccs, buckets)).lazy()

    def versions(self, name: str, asked: Asked) -> pl.DataFrame:
        """The versions of a table; of the silent one those from before."""
        if name != self._table:
            return self._source.versions(name, asked)
        rows = self._source.versions(name, asked)
        return rows.filter(pl.col("known_at") <= pl.lit(self._since, dtype=MOMENT))

    def covered_from(self, name: str) -> datetime | None:
        """As the source: nobody has said that it stopped."""
        return self._source.covered_from(name)

    def coverage(self) -> pl.DataFrame | None:
        """As the source: the worst case is that silence is taken for good behaviour."""
        return self._source.coverage()
