"""The only place that turns records into "what was known at `as_of`" (domain README, section 2).

Every version of a record is usable during one span of time, `[usable_from, usable_until)`:
from the moment it is known until a newer version is known, or its repair or publicity end
takes effect. A withdrawn, unconfirmed or disputed version has no span, and ends that of the one
before.
With the spans at hand, knowledge at any number of moments is a comparison.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

import polars as pl

from xinheng.records.duties.days import first_moment
from xinheng.records.duties.spans import duty_columns, duty_id, duty_spans
from xinheng.records.spans import (
    FACT,
    FROM,
    HELD,
    PUBLIC_COLUMNS,
    SPAN_COLUMNS,
    UNTIL,
    with_spans,
)
from xinheng.records.tables import MOMENT, tables

OBLIGATION = "obligation"
"""The derived table of duties: made from the records, never delivered."""
ENVELOPE = ("record_id", "event_at", "dispute_status", *SPAN_COLUMNS, *PUBLIC_COLUMNS)


class Source(Protocol):
    """Where records come from: the lake, or the records of one request."""

    @property
    def buckets(self) -> int: ...

    def rows(
        self,
        name: str,
        usccs: Sequence[str] | None = None,
        *,
        buckets: Collection[int] | None = None,
    ) -> pl.LazyFrame: ...

    def covered_from(self, name: str) -> datetime | None: ...

    def coverage(self) -> pl.DataFrame | None:
        """Delivery notes as `xinheng.records.lake.NOTES`, if departments sent any."""
        ...


class Knowledge:
    """Usable rows of some enterprises, read once a table.

    Parameters
    ----------
    usccs, buckets
        Whose records: some enterprises, or parts of the lake, or everybody.
    until
        No question lies after it.
    """

    def __init__(
        self,
        source: Source,
        until: datetime,
        *,
        usccs: Sequence[str] | None = None,
        buckets: Collection[int] | None = None,
    ) -> None:
        self._source, self._until = source, until
        self._usccs, self._buckets = usccs, buckets
        self._duty_tables: dict[str, pl.DataFrame] = {}
        self._duties: pl.DataFrame | None = None

    def usable(
        self, name: str, columns: Collection[str], since: datetime | None = None
    ) -> pl.DataFrame:
        """Rows with their spans, `uscc`, `record_id`, `event_at`, `known_at` and own columns.

        Rows whose event lies before `since` may be missing.
        """
        if name == OBLIGATION:
            if self._duties is None:
                self._duties = self._all_duties()
            return self._duties
        return undisputed(with_spans(self._versions(name, columns, since), public=True))

    def _versions(
        self, name: str, columns: Collection[str], since: datetime | None = None
    ) -> pl.DataFrame:
        wanted = list(dict.fromkeys((*ENVELOPE, *sorted(columns))))
        rows = self._source.rows(name, self._usccs, buckets=self._buckets)
        heard = rows.filter(pl.col("known_at") <= pl.lit(self._until, dtype=MOMENT)).select(wanted)
        if since is None:
            return heard.collect()
        recent = pl.col("event_at") >= pl.lit(since, dtype=MOMENT)
        return _whole_facts(heard.filter(recent | (pl.col("version") > 1)).collect(), recent)

    def _all_duties(self) -> pl.DataFrame:
        """Duties as rows: the event is the day a duty begins."""
        duties = duty_spans(self._duty_versions, self._until)
        record = pl.coalesce("source_record_id", "filing_id", duty_id())
        told = duties.with_columns(
            record_id=record, event_at=first_moment(pl.col("opened_on")), known_at=pl.col(FROM)
        )
        return undisputed(told)

    def _duty_versions(self, name: str) -> pl.DataFrame:
        if name not in self._duty_tables:
            self._duty_tables[name] = self._versions(name, duty_columns(name))
        return self._duty_tables[name]


def _whole_facts(versions: pl.DataFrame, recent: pl.Expr) -> pl.DataFrame:
    """Recent versions, and what came later of the same facts with an older event."""
    young, old = versions.filter(recent), versions.filter(~recent)
    return pl.concat([young, old.join(young.select(FACT), on=FACT, how="semi")])


def undisputed(rows: pl.DataFrame) -> pl.DataFrame:
    """Without rows under dispute: they may not worsen anything until decided."""
    return rows.filter(~pl.col("dispute_status").is_in(HELD).fill_null(value=False))


def columns_of(name: str) -> set[str]:
    """Columns that a condition over a table may name, beside the envelope."""
    if name == OBLIGATION:
        return {"kind", "standing", "due_at", "amount_fen", "report_year", "opened_on"}
    return set(tables()[name].schema)


def known(question: pl.LazyFrame, versions: pl.LazyFrame) -> pl.LazyFrame:
    """Rows usable at the moment of each question, with the question's `q` and `as_of`."""
    asked = question.with_columns(pl.col("as_of").cast(MOMENT))
    spans = undisputed(with_spans(versions.collect(), public=True)).lazy()
    return asked.join(spans, on="uscc", how="inner").filter(usable_at())


def latest(rows: pl.LazyFrame, by: str) -> pl.LazyFrame:
    """The row with the latest event of each group; of several, the one that arrived last."""
    return rows.sort("event_at", "known_at", "record_id").group_by(by).last()


def usable_at() -> pl.Expr:
    """The rule of rules: known by `as_of`, newest version, not repaired, expired or withdrawn."""
    as_of = pl.col("as_of")
    return (pl.col(FROM) <= as_of) & (as_of < pl.col(UNTIL))
