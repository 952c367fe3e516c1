"""Does anything known later change a feature? Ask the records as they are, and without a future.

Two other worlds are made beside the real one: in the first, every record known after `as_of` is
deleted; in the second, the future is dealt anew among the records that follow. All three must give
the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from xinheng.errors import NotReady
from xinheng.features.engine.compute import compute
from xinheng.features.indicator import Indicator, columns_of
from xinheng.features.others.others import Others
from xinheng.features.source import Source, View
from xinheng.records.asked import Asked
from xinheng.records.duties.proofs import Proofs
from xinheng.records.tables import MOMENT

KEPT = {"uscc", "record_id", "source_system", "source_record_no", "version", "known_at"}
"""What a record of a changed future keeps: whose it is, and when it came."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A value that a later record changed."""

    uscc: str
    as_of: datetime
    column: str
    value: float | None
    without_future: float | None
    world: str


class Altered(View):
    """A source whose records known after a moment are deleted, or dealt anew."""

    def __init__(self, source: Source, moment: datetime, *, seed: int | None = None) -> None:
        super().__init__(source)
        self._moment, self._seed = moment.astimezone(UTC), seed

    def versions(self, name: str, asked: Asked) -> pl.DataFrame:
        """All versions, so that no filter of the source hides what the engine must not see."""
        whole = self._source.versions(name, replace(asked, until=None, since=None))
        is_known = pl.col("known_at") <= pl.lit(self._moment, dtype=MOMENT)
        known, future = whole.filter(is_known), whole.filter(~is_known)
        return known if self._seed is None else pl.concat([known, self._dealt(future)])

    def covered_from(self, name: str) -> datetime | None:
        """As the source, unless that lies in the future."""
        since = self._source.covered_from(name)
        if self._seed is None and since is not None and since > self._moment:
            return None
        return since

    def proofs(self) -> Proofs:
        """As the source, without those that the future brings."""
        proofs = self._source.proofs()
        return proofs if self._seed is not None else proofs.known_by(self._moment)

    def coverage(self) -> pl.DataFrame | None:
        """The notes, without those of the future."""
        notes = self._source.coverage()
        if notes is None or self._seed is not None:
            return notes
        return notes.filter(pl.col("known_at") <= pl.lit(self._moment, dtype=MOMENT))

    def _dealt(self, future: pl.DataFrame) -> pl.DataFrame:
        """The same records with the values of each column in another order."""
        rng = np.random.default_rng(self._seed)
        return future.select(
            pl.col(name)
            if name in KEPT
            else pl.col(name).gather(pl.Series(rng.permutation(future.height), dtype=pl.UInt32))
            for name in future.columns
        )


def leaks(
    indicators: Sequence[Indicator],
    source: Source,
    usccs: Sequence[str],
    moments: Sequence[datetime],
    *,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[Leak]:
    """Values that differ between the worlds, at each moment, of some enterprises."""
    columns = tuple(columns_of(tuple(indicators)))
    others = Others.of(source, columns, max(moments), on_step=on_step)
    found: list[Leak] = []
    for number, moment in enumerate(moments):
        on_step(f"moment {number + 1} of {len(moments)}: {moment:%Y-%m-%d %H:%M}")
        question = pl.DataFrame({"uscc": usccs, "as_of": [moment] * len(usccs)})
        real = compute(indicators, question, source, others=others)
        worlds = {
            "the future deleted": Altered(source, moment),
            "another future": Altered(source, moment, seed=seed + number),
        }
        for name, world in worlds.items():
            other = compute(indicators, question, world)
            found += _differences(real, other, name)
    return found


def _differences(real: pl.DataFrame, other: pl.DataFrame, world: str) -> list[Leak]:
    found = []
    for name in real.columns[2:]:
        differs = real[name].ne_missing(other[name])
        for row in np.flatnonzero(differs.to_numpy()):
            uscc, as_of = real["uscc"][int(row)], real["as_of"][int(row)]
            values = real[name][int(row)], other[name][int(row)]
            found.append(Leak(uscc, as_of, name, *values, world))
    return found


def draw(
    source: Source, enterprises: int, moments: int, *, seed: int
) -> tuple[list[str], list[datetime]]:
    """Enterprises and moments at random: between the first tenth and the end of what is known."""
    told = source.rows("entity").select("uscc", "known_at").collect()
    times = told["known_at"].sort()
    if times.len() == 0:
        raise NotReady("there is no entity record", hint="ingest a delivery first")
    rng = np.random.default_rng(seed)
    codes = told["uscc"].unique().sort().to_list()
    chosen = sorted(rng.choice(codes, min(enterprises, len(codes)), replace=False).tolist())
    first, last = times[times.len() // 10], times[-1]
    span = (last - first).total_seconds()
    offsets = sorted(rng.uniform(0.02, 1.0, moments).tolist())
    return chosen, [first + timedelta(seconds=round(span * offset)) for offset in offsets]
