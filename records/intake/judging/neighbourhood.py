"""The records that rows under examination are compared with: stored, or arriving with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from xinheng.records.gate.validity import (
    DELIVERY,
    IS_KEPT,
    PLACE,
    SEEN_FROM,
    SIGHT,
    STATUS,
    STORED,
    Archive,
    place,
)
from xinheng.records.intake.deliveries import Delivery
from xinheng.records.intake.staging import Source, Stage
from xinheng.records.lake import Lake
from xinheng.records.sources.origins import FILE, ROW
from xinheng.records.tables import PLATFORM_COLUMNS, table
from xinheng.records.versions import KEY

PASSED, WARNED, QUARANTINED, REJECTED, COPY = (
    "passed", "warned", "quarantined", "rejected", "duplicate",
)  # fmt: skip
OUTCOME = "_outcome"
OUTCOMES: dict[str, pl.DataType] = {
    FILE: pl.Int32(), ROW: pl.Int64(), PLACE: pl.Int64(), OUTCOME: pl.String(),
    "moved_from": pl.String(),
}  # fmt: skip
"""What became of arriving rows; one that is not listed passed."""
_CACHED = ("entity", "entity_change", "suspension_filing", "credit_repair", "penalty")
"""Tables that several checks ask for: read once a group."""
_ENDING = (*KEY, "uscc", "known_at", "operation", *SIGHT)


def no_outcomes() -> pl.DataFrame:
    return pl.DataFrame(schema=OUTCOMES)


@dataclass(slots=True, eq=False)
class Neighbourhood:
    """What every delivery of one intake can see, as far as its rows have been judged."""

    lake: Lake
    stage: Stage
    sources: Sequence[Source]
    deliveries: Sequence[Delivery]
    outcomes: dict[str, pl.DataFrame] = field(default_factory=dict)
    """`OUTCOMES` by table."""
    read: set[tuple[str, bool]] = field(default_factory=set)
    """Tables that were asked for, and whether of all enterprises."""
    seen_from: list[int] = field(default_factory=list)
    _tied: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.seen_from = [_next_arrival(self.deliveries, n) for n in range(len(self.deliveries))]
        self._tied = self._stored_at_the_same_moment()

    def staged(self, name: str) -> pl.LazyFrame | None:
        """Arriving rows of a table with `SIGHT`."""
        rows = self.stage.rows(name)
        if rows is None:
            return None
        known = self.outcomes.get(name, no_outcomes()).lazy().select(PLACE, OUTCOME)
        number = {i: s.delivery for i, s in enumerate(self.sources)}
        outcome = pl.col(OUTCOME).fill_null(PASSED)
        return (
            rows.with_columns(
                pl.col(FILE).replace_strict(number, return_dtype=pl.Int32).alias(DELIVERY),
                place(pl.col(FILE), pl.col(ROW)).alias(PLACE),
            )
            .join(known, on=PLACE, how="left")
            .with_columns(
                pl.col(DELIVERY)
                .replace_strict(dict(enumerate(self.seen_from)), return_dtype=pl.Int32)
                .alias(SEEN_FROM),
                (~outcome.is_in([REJECTED, COPY])).alias(IS_KEPT),
                outcome.alias(STATUS),
            )
            .drop(OUTCOME)
        )

    def stored(self, name: str, buckets: set[int] | None = None) -> pl.LazyFrame:
        """Rows of the lake with `SIGHT`."""
        tied = pl.col("batch_id").replace_strict(self._tied, default=0, return_dtype=pl.Int32)
        rows = _with_sight(self.lake.rows(name, buckets=buckets))
        return rows.with_columns(tied.alias(SEEN_FROM)) if self._tied else rows

    def everyone(self) -> Callable[[str], Archive]:
        """Records of all enterprises, by table."""
        cache: dict[str, Archive] = {}

        def records(name: str) -> Archive:
            self.read.add((name, True))
            if name not in cache:
                cache[name] = self._archive(name)
            return cache[name]

        return records

    def of(
        self, usccs: pl.Series, buckets: set[int], *, fallen: Mapping[str, pl.DataFrame]
    ) -> Callable[[str], Archive]:
        """Records of some enterprises, by table.

        Parameters
        ----------
        fallen
            By table the rows, by `DELIVERY` and `PLACE`, that an earlier step has rejected: they
            count for nobody.
        """
        wanted = usccs.unique().to_frame("uscc")
        cache: dict[str, Archive] = {}

        def records(name: str) -> Archive:
            self.read.add((name, False))
            if name not in cache:
                cache[name] = self._archive(name, wanted, buckets, fallen.get(name))
            return cache[name]

        return records

    def _archive(
        self,
        name: str,
        wanted: pl.DataFrame | None = None,
        buckets: set[int] | None = None,
        fallen: pl.DataFrame | None = None,
    ) -> Archive:
        stored, staged = self.stored(name, buckets), self.staged(name)
        if staged is not None and fallen is not None and fallen.height:
            staged = staged.join(fallen.lazy(), on=[DELIVERY, PLACE], how="anti")
        columns = [*(n for n in table(name).schema if n not in PLATFORM_COLUMNS), *SIGHT]
        both = [rows.select(columns) for rows in (stored, staged) if rows is not None]
        own = [_of(rows, wanted) for rows in both]
        rows = pl.concat(own)
        if name in _CACHED and wanted is not None:
            rows = rows.collect(engine="streaming").lazy()
        later = _Later(stored, staged, wanted)
        return Archive(rows, lambda: later.versions)

    def _stored_at_the_same_moment(self) -> dict[str, int]:
        """Stored deliveries that arrive with some of these, and the first that sees them."""
        ours: dict[object, int] = {}
        for number, delivery in enumerate(self.deliveries):
            if delivery.manifest is not None:
                ours[delivery.at] = self.seen_from[number]
        known = self.lake.batches(["batch_id", "arrived_at", "department"])
        told = known.filter(pl.col("department") != "", pl.col("arrived_at").is_in([*ours]))
        return {batch: ours[at] for batch, at in told.select("batch_id", "arrived_at").iter_rows()}


def stored_archive(lake: Lake, name: str, usccs: Sequence[str] | None = None) -> Archive:
    """The records of the lake, for rows that arrive after all of them."""
    rows = _with_sight(lake.rows(name, usccs))
    wanted = None if usccs is None else pl.DataFrame({"uscc": usccs})
    later = _Later(rows, None, wanted)
    return Archive(rows, lambda: later.versions)


def _with_sight(stored: pl.LazyFrame) -> pl.LazyFrame:
    return stored.with_columns(
        pl.lit(STORED, dtype=pl.Int32).alias(DELIVERY),
        pl.lit(0, dtype=pl.Int32).alias(SEEN_FROM),
        pl.lit(value=True).alias(IS_KEPT),
        pl.col("version").cast(pl.Int64).alias(PLACE),
        pl.col("quality_status").alias(STATUS),
    )


@dataclass(eq=False)
class _Later:
    """The versions of a table that may have ended another one, read when first asked for."""

    stored: pl.LazyFrame
    staged: pl.LazyFrame | None
    wanted: pl.DataFrame | None

    @cached_property
    def versions(self) -> pl.DataFrame:
        again = self.stored.filter(pl.col("version") > 1).select(_ENDING)
        found = [_of(again, self.wanted).collect(engine="streaming")]
        if self.staged is not None:
            found.append(self._arriving(self.staged.select(_ENDING)))
        return pl.concat(found)

    def _arriving(self, staged: pl.LazyFrame) -> pl.DataFrame:
        """Arriving versions of facts that are stored or arrive more than once."""
        named = staged.filter(pl.col("operation") != "insert")
        inserts = _of(staged.filter(pl.col("operation") == "insert"), self.wanted)
        rows = pl.concat([named, inserts]).collect(engine="streaming")
        keys = rows.lazy().select(KEY).unique()
        known = self.stored.select(KEY).join(keys, on=KEY, how="semi").unique()
        former = known.collect(engine="streaming").with_columns(_former=True)
        beside = rows.join(former, on=KEY, how="left")
        several = (pl.len().over(KEY) > 1) | pl.col("_former").fill_null(value=False)
        return beside.filter(several).drop("_former")


def _of(rows: pl.LazyFrame, wanted: pl.DataFrame | None) -> pl.LazyFrame:
    return rows if wanted is None else rows.join(wanted.lazy(), on="uscc", how="semi")


def _next_arrival(deliveries: Sequence[Delivery], number: int) -> int:
    """The first delivery after one that does not arrive at the same moment.

    A delivery without a manifest arrives when it is taken, which is after all before it.
    """
    own = deliveries[number]
    for later in range(number + 1, len(deliveries)):
        other = deliveries[later]
        tied = own.manifest is not None and other.manifest is not None and own.at == other.at
        if not tied:
            return later
    return len(deliveries)
