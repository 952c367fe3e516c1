"""Since when the proofs of a duty are delivered: before that, the lack of one says nothing.

The fact is one of the whole lake and can only become older: who asks about a moment compares it
with the moment at which the first proof became known, of whichever firm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import polars as pl

from xinheng.records.asked import File, scan_files
from xinheng.records.codes.register import RegisterReader
from xinheng.records.duties.dated import chosen_rows, sql
from xinheng.records.duties.rules import Clocks, Duty, clocks
from xinheng.records.frames import FEW, Ints, microsecond
from xinheng.records.manifest import Snapshot
from xinheng.records.spans import EVER_US, FROM, NEVER_US, OPERATIONS, SPAN_COLUMNS, with_spans
from xinheng.records.tables import MOMENT
from xinheng.records.versions import SCORABLE

Moments = Mapping[str | None, int]
"""By source department its first moment, in microseconds."""
Facts = Mapping[tuple[str, str], Moments]
"""By the kind of the duty and the table that has the proofs."""
_STANDS = pl.col("operation").is_in(OPERATIONS) & pl.col("quality_status").is_in(SCORABLE)


@dataclass(frozen=True, slots=True, eq=False)
class Proofs:
    """When the first proof of each kind of duty became known."""

    first: Facts

    @classmethod
    def of(
        cls,
        versions: Callable[[str], pl.LazyFrame | pl.DataFrame],
        rules: Clocks,
        notes: pl.DataFrame | None = None,
    ) -> Proofs:
        """What the records of a source prove, read whole.

        Parameters
        ----------
        notes
            Delivery notes: who delivers a table of proofs without rows delivers the proofs.
        """
        facts = [facts_of_notes(notes, rules)]
        for name in proof_tables(rules):
            rows = versions(name).lazy()
            facts += [facts_of(name, rows, rules), facts_of_renewals(name, rows, rules)]
        return cls(merged(facts))

    def since(self, kind: str, table: str, departments: pl.Series | None, height: int) -> Ints:
        """From when the lack of a proof says something, in microseconds; `NEVER_US`: never.

        Parameters
        ----------
        departments
            Those of the duties' records; None where another table than theirs has the proofs.
        """
        first = self.first.get((kind, table), {})
        if departments is None or not first:
            return np.full(height, min(first.values(), default=NEVER_US))
        if height <= FEW:
            own = [first.get(name, NEVER_US) for name in departments.to_list()]
            return np.array(own, dtype=np.int64)
        known = {name: at for name, at in first.items() if name is not None}
        found = departments.replace_strict(known, default=NEVER_US, return_dtype=pl.Int64)
        missing = departments.is_null().to_numpy()
        return np.where(missing, first.get(None, NEVER_US), found.fill_null(NEVER_US).to_numpy())

    def known_by(self, moment: datetime) -> Proofs:
        """Those that were known at a moment."""
        end = microsecond(moment)
        return Proofs(
            {
                key: {name: at for name, at in first.items() if at <= end}
                for key, first in self.first.items()
            }
        )


def proof_tables(rules: Clocks) -> tuple[str, ...]:
    """The tables whose records prove duties."""
    names = [*rules.proof_tables.values(), *(duty.table for duty in rules.duties)]
    return tuple(dict.fromkeys(names))


def facts_of(name: str, rows: pl.LazyFrame, rules: Clocks) -> Facts:
    """What some versions of a table's records prove."""
    found: list[Facts] = []
    for kind, table in rules.proof_tables.items():
        if table == name:
            first = rows.select(pl.col("known_at").min()).collect().item()
            found.append(_of_table(kind, table, first))
    for duty in rules.duties:
        if duty.table == name:
            proven = rows.filter(_STANDS & sql(duty.where) & sql(duty.proven))
            found.append({(duty.kind, name): _first(proven, "known_at")})
    return merged(found)


def facts_of_renewals(name: str, rows: pl.LazyFrame, rules: Clocks) -> Facts:
    """What the successors among all versions of a table's records prove."""
    return merged(
        {(duty.kind, name): _first(_renewed(rows, duty), FROM)}
        for duty in rules.duties
        if duty.table == name and duty.renewed_by
    )


def facts_of_notes(notes: pl.DataFrame | None, rules: Clocks) -> Facts:
    """What delivery notes (`xinheng.records.manifest.NOTES`) prove: tables come, if empty."""
    if notes is None or notes.height == 0:
        return {}
    covered = notes.filter(pl.col("state") == "covered")
    since = dict(covered.group_by("record_type").agg(pl.col("known_at").min()).iter_rows())
    return merged(
        _of_table(kind, table, since.get(table)) for kind, table in rules.proof_tables.items()
    )


def merged(facts: Iterable[Facts]) -> Facts:
    """The earliest moments of all."""
    found: dict[tuple[str, str], dict[str | None, int]] = {}
    for one in facts:
        for key, first in one.items():
            own = found.setdefault(key, {})
            for name, at in first.items():
                own[name] = min(at, own.get(name, at))
    return found


def _of_table(kind: str, table: str, first: datetime | None) -> Facts:
    return {(kind, table): {} if first is None else {None: microsecond(first)}}


def _first(rows: pl.LazyFrame, column: str) -> Moments:
    told = rows.group_by("source_dept").agg(pl.col(column).min().dt.epoch("us")).collect()
    return dict(told.iter_rows())


def _renewed(rows: pl.LazyFrame, duty: Duty) -> pl.LazyFrame:
    """Records whose successor is known, from when it is; of who has several records."""
    texts = (duty.where, duty.opened, duty.waived)
    named = {column for text in texts for column in sql(text).meta.root_names()}
    columns = dict.fromkeys(
        (*SPAN_COLUMNS, "source_dept", duty.base, duty.renewed_by, *sorted(named))
    )
    several = rows.select(list(columns)).filter(pl.len().over("uscc") > 1).collect()
    spans = with_spans(several) if several.height else several
    if spans.height == 0:
        return pl.LazyFrame(schema={"source_dept": pl.String(), FROM: MOMENT})
    return chosen_rows(spans, duty).lazy().filter(pl.col("_renewed_on").is_not_null())


@dataclass(frozen=True, slots=True)
class _Read:
    """What some files of a table prove."""

    paths: frozenset[str] = frozenset()
    departments: frozenset[str | None] = frozenset()
    direct: Facts = field(default_factory=dict)
    renewals: Facts = field(default_factory=dict)

    def grown(self, name: str, paths: frozenset[str], rules: Clocks) -> _Read:
        """The same with more files."""
        new = scan_files(sorted(paths - self.paths), name)
        departments = self.departments | {
            *new.select(pl.col("source_dept").unique()).collect()["source_dept"]
        }
        direct = merged([self.direct, facts_of(name, new, rules)])
        read = _Read(paths, departments, direct, self.renewals)
        if read.is_settled(name, new, rules):
            return read
        whole = scan_files(sorted(paths), name)
        return replace(read, renewals=facts_of_renewals(name, whole, rules))

    def is_settled(self, name: str, new: pl.LazyFrame, rules: Clocks) -> bool:
        """Whether newer records cannot make a renewal known earlier than one is known already."""
        kinds = {duty.kind for duty in rules.duties if duty.table == name and duty.renewed_by}
        facts = merged([self.direct, self.renewals])
        found = [facts.get((kind, name), {}) for kind in kinds]
        if not all(self.departments <= {*one} for one in found):
            return False
        latest = max((at for one in found for at in one.values()), default=EVER_US)
        first = new.select(pl.col("known_at").min().dt.epoch("us")).collect().item()
        return first is None or latest <= first


class ProofCache:
    """What the files of each table prove; files never change, so that a grown table is read on."""

    def __init__(self) -> None:
        self._tables: dict[str, _Read] = {}

    def facts(self, name: str, files: Iterable[File], rules: Clocks) -> Facts:
        """What a table proves that consists of some files."""
        paths = frozenset(one.path for one in files)
        read = self._tables.get(name, _Read())
        if read.paths != paths:
            before = read if read.paths < paths else _Read()
            self._tables[name] = read = before.grown(name, paths, rules) if paths else _Read()
        return merged([read.direct, read.renewals])


class ProofReader(RegisterReader):
    """The part of a lake that knows since when proofs are delivered."""

    def __init__(self) -> None:
        super().__init__()
        self._proof_cache = ProofCache()
        self._proofs: tuple[Snapshot, Proofs] | None = None

    def proofs(self) -> Proofs:
        """Since when the proofs of each kind of duty are delivered, of all firms."""
        if self._proofs is None or self._proofs[0] is not self.snapshot:
            rules = clocks()
            names = proof_tables(rules)
            facts = [self._proof_cache.facts(name, self.files_of(name), rules) for name in names]
            facts.append(facts_of_notes(self.coverage(), rules))
            self._proofs = self.snapshot, Proofs(merged(facts))
        return self._proofs[1]

    def files_of(self, name: str) -> Sequence[File]:
        """The files of a table."""
        raise NotImplementedError

    def coverage(self) -> pl.DataFrame | None:
        """What deliveries with a manifest say of tables, regions and months."""
        raise NotImplementedError
