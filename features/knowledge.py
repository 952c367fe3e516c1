"""The only place that turns records into "what was known at `as_of`" (domain README, section 2).

Every version of a record is in force during a span of time, `[usable_from, usable_until)`: from
the moment it is known until a newer version is known, or its repair, publicity end or statutory
end takes effect (`xinheng.records.in_force`). A withdrawn, unconfirmed, annulled or disputed
version has no span, and ends that of the one before.
With the spans at hand, knowledge at any number of moments is a comparison.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, cached_property

import numpy as np
import polars as pl

from xinheng.features.coverage import Coverage
from xinheng.features.source import Source
from xinheng.records.asked import Asked
from xinheng.records.codes.columns import crc32
from xinheng.records.codes.succession import Successions
from xinheng.records.duties.rules import clocks
from xinheng.records.duties.spans import duty_columns, duty_id, duty_spans
from xinheng.records.frames import (
    Ints,
    as_moments,
    is_in,
    microsecond,
    microseconds,
    ranks,
    where,
)
from xinheng.records.in_force.duties import counting_duties
from xinheng.records.in_force.intervals import InForce, force_columns, in_force
from xinheng.records.in_force.proof_columns import (
    ROW,
    SUCCESSOR,
    columns_behind,
    proof_columns,
    with_proof_columns,
)
from xinheng.records.in_force.repairs import REPAIR_COLUMNS, REPAIR_TABLE, Repairs
from xinheng.records.spans import FROM, UNTIL
from xinheng.records.tables import tables

OBLIGATION = "obligation"
"""The derived table of duties: made from the records, never delivered."""
ENVELOPE = ("record_id", "event_at")
USED_DUTIES = ("annual_report", "penalty_payment", "rectification")
"""Kinds of duties that indicators read."""

DUTY_RECORD = pl.coalesce("source_record_id", "filing_id", duty_id()).alias("record_id")
"""The record behind a duty; one without a record is named by its own id."""


class Knowledge:
    """Usable rows of some enterprises, read once a table.

    Parameters
    ----------
    usccs, buckets
        Whose records: some enterprises, or parts of the lake, or everybody.
    until
        No question lies after it.
    coverage
        What the source's delivery notes say, where that is known already.
    """

    def __init__(
        self,
        source: Source,
        until: datetime,
        *,
        usccs: Sequence[str] | None = None,
        buckets: Collection[int] | None = None,
        coverage: Coverage | None = None,
    ) -> None:
        self._source, self._until = source, until.astimezone(UTC)
        self._given = coverage
        self._usccs, self._buckets = usccs, buckets
        self._duty_tables: dict[str, pl.DataFrame] = {}
        self._duties: pl.DataFrame | None = None

    @cached_property
    def _coverage(self) -> Coverage:
        return self._given or Coverage(self._source)

    def usable(self, name: str, columns: Collection[str]) -> pl.DataFrame:
        """Rows with their spans, `uscc`, `record_id`, `event_at`, `known_at` and own columns."""
        if name == OBLIGATION:
            return self.duties().filter(pl.col(FROM) < pl.col(UNTIL)).with_columns(DUTY_RECORD)
        rows, since, until = self.in_force(name, columns)
        spans = rows.hstack([as_moments(since).alias(FROM), as_moments(until).alias(UNTIL)])
        return where(spans, until > since)

    def in_force(
        self, name: str, columns: Collection[str], since: datetime | None = None
    ) -> InForce:
        """Versions with the time in which each is in force; see `versions` for `since`.

        Of a table of duties `columns` may name `xinheng.records.in_force.proof_columns`, too.
        """
        made = proof_columns(name) & {*columns}
        if not made:
            return in_force(name, self.versions(name, columns, since), self.repairs)
        own = ({*columns} - made) | columns_behind(name, made)
        versions = self.versions(name, own, since).with_row_index(ROW)
        found = in_force(name, versions, self.repairs)
        return with_proof_columns(name, found, versions, made, self._source.proofs())

    def known(self, name: str, columns: Collection[str]) -> pl.DataFrame:
        """Rows that are usable at `until` and not of the future, as `usable` returns them."""
        rows, at = self.usable(name, columns), microsecond(self._until)
        since, until, event = (microseconds(rows[edge]) for edge in (FROM, UNTIL, "event_at"))
        return where(rows, (since <= at) & (at < until) & (event <= at))

    def versions(
        self, name: str, columns: Collection[str], since: datetime | None = None
    ) -> pl.DataFrame:
        """All versions of the facts whose event lies after `since`, with the envelope."""
        return self._read(name, _with_envelope(name, frozenset(columns)), since)

    def _read(
        self, name: str, columns: Sequence[str], since: datetime | None = None
    ) -> pl.DataFrame:
        """All versions of some columns, under the codes of their firms."""
        earliest = since and since.astimezone(UTC)
        asked = Asked(columns, self._codes, self._buckets, self._until, earliest)
        rows = self._source.versions(name, asked)
        return self._under_present_codes(name, rows, asked) if self.codes.pieces else rows

    @property
    def codes(self) -> Successions:
        """Which code stands for which firm when."""
        return self._source.successions()

    @cached_property
    def _codes(self) -> Sequence[str] | None:
        """The codes whose records are read: those asked about, and all that their firms bore."""
        if self._usccs is None:
            return None
        return self.codes.read_with(self._usccs)

    @cached_property
    def _part(self) -> tuple[Collection[int], int] | None:
        """Which buckets of how many are read; None: all."""
        if self._usccs is not None:
            return None
        if self._source.part is not None:
            number, of = self._source.part
            return (number,), of
        of = self._source.buckets
        return (self._buckets, of) if self._buckets is not None and of > 1 else None

    def _under_present_codes(self, name: str, rows: pl.DataFrame, asked: Asked) -> pl.DataFrame:
        """Versions with the code of their firm, those of other buckets among them.

        Whose firm is asked about nowhere stays out.
        """
        if self._part is not None:
            strangers = self.codes.strangers(*self._part)
            if strangers:
                theirs = self._source.versions(name, replace(asked, usccs=strangers))
                rows = pl.concat([rows, theirs.select(rows.columns)], rechunk=True)
        read = self.codes.read(name, rows)
        if read is rows and self._codes == self._usccs:
            return rows
        return read.filter(self._is_asked_about(read["uscc"]))

    def _is_asked_about(self, usccs: pl.Series) -> pl.Series:
        if self._usccs is not None:
            return usccs.is_in(list(self._usccs))
        if self._part is None:
            return pl.repeat(value=True, n=len(usccs), eager=True)
        buckets, of = self._part
        return (crc32(usccs) % of).is_in(list(buckets))

    @cached_property
    def repairs(self) -> Repairs:
        """Approved repairs of the enterprises' records."""
        return Repairs.of(self._read(REPAIR_TABLE, REPAIR_COLUMNS))

    @cached_property
    def duty_spans(self) -> pl.DataFrame:
        """Duties of every kind that count, with their spans: `xinheng.records.duties.spans`.

        The ledger has more: duties whose record is under dispute, or repaired before they were
        performed, neither count nor warn, nor do those past their deadline whose proofs nobody
        delivers.
        """
        source = self._source
        every = duty_spans(
            self._duty_versions, self._until, calendar=source.calendar, proofs=source.proofs()
        )
        return counting_duties(every, self._duty_versions, self.repairs)

    def duties(self) -> pl.DataFrame:
        """Duties as rows with spans, some of them empty: the event is the day a duty begins.

        `DUTY_RECORD` names the record of each. A duty without a proof of performance says nothing
        where proofs were not delivered from its first day on.
        """
        if self._duties is None:
            found = self.duty_spans
            duties = where(found, is_in(found["kind"], USED_DUTIES))
            since = as_moments(self._proven(duties))
            began = duties["opened_at"].alias("event_at")
            told = duties.hstack([since.alias("known_at"), began])
            self._duties = told.replace_column(told.get_column_index(FROM), since.alias(FROM))
        return self._duties

    def _proven(self, duties: pl.DataFrame) -> Ints:
        """From when each duty says something: the lack of a proof only where proofs come."""
        since, opened = (microseconds(duties[edge]) for edge in (FROM, "opened_at"))
        is_bare = np.isnat(duties["performed_at"].to_numpy())
        for kind, table in clocks().proof_tables.items():
            waits = is_bare & is_in(duties["kind"], (kind,))
            if waits.any():
                delivered = self._coverage.delivered(table, opened[waits])
                since[waits] = np.maximum(since[waits], delivered)
        return since

    def _duty_versions(self, name: str) -> pl.DataFrame:
        if name not in self._duty_tables:
            self._duty_tables[name] = self.versions(name, duty_columns(name))
        return self._duty_tables[name]


@cache
def _with_envelope(name: str, columns: frozenset[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*ENVELOPE, *force_columns(name), *sorted(columns))))


@cache
def readable_columns(name: str) -> set[str]:
    """Columns that a condition over a table may name, beside the envelope."""
    if name == OBLIGATION:
        return {"kind", "standing", "due_at", "amount_fen", "report_year", "opened_on"}
    return {*tables()[name].schema, *(proof_columns(name) & {SUCCESSOR})}


def newest(rows: pl.DataFrame) -> pl.DataFrame:
    """Of each enterprise the row with the latest event; of several, the one that arrived last."""
    at = (microseconds(rows[edge]) for edge in ("known_at", "event_at"))
    order = np.lexsort((ranks(rows["record_id"]), *at))
    usccs = rows["uscc"][order].to_list()
    last = {uscc: place for place, uscc in enumerate(usccs)}
    return rows[order[list(last.values())]]
