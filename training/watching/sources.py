"""Whether every source still speaks: silence must not look like good behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from xinheng.features.source import Source, View
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


class Silent(View):
    """A source of which one table has stopped: as if nothing had become known since.

    Nobody has said that it stopped, so it counts as covered: the worst case is that silence is
    taken for good behaviour.
    """

    def __init__(self, source: Source, table: str, since: datetime) -> None:
        super().__init__(source)
        self._table, self._since = table, since.astimezone(UTC)

    def versions(self, name: str, asked: Asked) -> pl.DataFrame:
        """The versions of a table; of the silent one those from before."""
        rows = super().versions(name, asked)
        if name != self._table:
            return rows
        return rows.filter(pl.col("known_at") <= pl.lit(self._since, dtype=MOMENT))
