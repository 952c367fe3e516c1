"""The records behind a number: the same folds, with the rows kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Self

import numpy as np
import polars as pl

from xinheng.features.coverage import Bools
from xinheng.features.engine import kernel
from xinheng.features.engine.compute import Answer
from xinheng.features.engine.program import program_of
from xinheng.features.engine.run import Run, numbered
from xinheng.features.engine.table import Table
from xinheng.features.indicator import FeatureColumn
from xinheng.features.knowledge import Knowledge
from xinheng.features.others.others import Others
from xinheng.features.source import Source
from xinheng.features.vocabulary.fold import Ints
from xinheng.records.frames import FEW, as_moments, ranks
from xinheng.records.tables import MOMENT

EVIDENCE_LIMIT = 20
"""Newest records quoted for one number."""
RECORDS: dict[str, pl.DataType] = {
    "q": pl.Int64(),
    "uscc": pl.String(),
    "record_id": pl.String(),
    "event_at": MOMENT,
    "known_at": MOMENT,
}
"""A record behind the number of question `q`; `uscc` is whose record it is."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of the questions, with the tables that were read for them."""

    places: Ints
    """Of its questions among all."""
    run: Run
    inside: Mapping[str, Bools]
    named: dict[str, tuple[pl.Series, Ints | None]] = field(default_factory=dict)

    def found(self, q: Ints, name: str, row: Ints) -> _Found:
        """Rows of a table behind some questions, with the ids of their records."""
        table = self.run.tables[name]
        if name not in self.named:
            ids = table.record_ids
            self.named[name] = ids, ranks(ids) if len(ids) <= FEW else None
        every, rank = self.named[name]
        return _Found(q, table, row, every[row], None if rank is None else rank[row])


class _Found(NamedTuple):
    """Rows of a table behind some questions."""

    q: Ints
    table: Table
    row: Ints
    ids: pl.Series
    """Of their records."""
    rank: Ints | None
    """The order of the ids, where the table is small enough to have it at hand."""


@dataclass(frozen=True, slots=True)
class _Behind:
    """Records behind one column, the newest of each question first; each once a question."""

    q: Ints
    ids: pl.Series
    """Of the rows found, one table after another."""
    found: Sequence[_Found]
    order: Ints
    """Of the rows found: that of `q`."""

    @classmethod
    def of(cls, found: Sequence[_Found]) -> Self:
        q, ids = np.concatenate([one.q for one in found]), pl.concat([one.ids for one in found])
        newest_first = [-_moments(found, edge) for edge in ("known_at", "event_at")]
        rank = found[0].rank if len(found) == 1 else None
        order = np.lexsort((-(ranks(ids) if rank is None else rank), *newest_first, q))
        if len(found) > 1:
            order = order[_firsts(q[order], ids[order])]
        return cls(q[order], ids, found, order)

    def newest(self, most: int) -> tuple[list[int], list[str]]:
        """Questions and ids, at most so many a question."""
        place = np.arange(len(self.q)) - np.searchsorted(self.q, self.q)
        own = np.flatnonzero(place < most)
        return self.q[own].tolist(), self.ids[self.order[own]].to_list()

    @property
    def records(self) -> pl.DataFrame:
        """`RECORDS`."""
        whose = pl.concat([one.table.rows["uscc"][one.row] for one in self.found])
        moments = (
            as_moments(_moments(self.found, edge)[self.order]) for edge in ("event_at", "known_at")
        )
        told = (self.q, whose[self.order], self.ids[self.order], *moments)
        return pl.DataFrame(dict(zip(RECORDS, told, strict=True)), schema=RECORDS)


def _moments(found: Sequence[_Found], edge: str) -> Ints:
    """A moment of every row found."""
    return np.concatenate([getattr(one.table.arrays, edge)[one.row] for one in found])


def _firsts(q: Ints, ids: pl.Series) -> Ints:
    """Places of the first of each record of a question."""
    seen: dict[tuple[int, str], int] = {}
    for place, key in enumerate(zip(q.tolist(), ids.to_list(), strict=True)):
        seen.setdefault(key, place)
    return np.array([*seen.values()], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the values of some questions (`uscc`, `as_of`) rest on."""

    question: pl.DataFrame
    others: Others | None
    parts: tuple[_Part, ...]

    @classmethod
    def of(cls, answer: Answer, others: Others | None) -> Self:
        """Of values that were computed with their tables kept."""
        parts = tuple(_Part(places, t.run, t.inside) for places, t in answer.parts)
        return cls(answer.values.select("uscc", "as_of"), others, parts)

    @classmethod
    def read(
        cls,
        columns: Sequence[FeatureColumn],
        question: pl.DataFrame,
        source: Source,
        others: Others | None = None,
    ) -> Self:
        """Read what some columns rest on."""
        if question.height == 0 or not columns:
            return cls(question, others, ())
        until = question["as_of"].cast(MOMENT).max()
        assert isinstance(until, datetime)
        if others is None and any(c.indicator.value.relation is not None for c in columns):
            others = Others.of(source, columns, until)
        asked = numbered(question.select("uscc", pl.col("as_of").cast(MOMENT)).with_row_index("q"))
        knowledge = Knowledge(source, until, usccs=asked.firms.usccs.to_list())
        run = Run(program_of(tuple(columns)), asked, knowledge)
        inside = run.sectors()
        run.read()
        return cls(question, others, (_Part(np.arange(question.height), run, inside),))


def evidence_ids(
    columns: Iterable[FeatureColumn],
    grounds: Grounds,
    places: Mapping[str, Sequence[int]] | None = None,
) -> dict[tuple[str, str], list[str]]:
    """Record ids behind many values at once, by `(uscc, column name)`.

    Parameters
    ----------
    places
        By indicator the questions that are meant; by default all.
    """
    usccs = grounds.question["uscc"].to_list()
    everyone = range(len(usccs))
    found: dict[tuple[str, str], list[str]] = {}
    for column in columns:
        own = everyone if places is None else places.get(column.indicator.id, ())
        for q, ids in _told(column, grounds, own):
            for place, one in zip(q, ids, strict=True):
                behind = found.setdefault((usccs[place], column.name), [])
                if len(behind) < EVIDENCE_LIMIT:
                    behind.append(one)
    return found


def _told(
    column: FeatureColumn, grounds: Grounds, places: Sequence[int]
) -> Iterator[tuple[list[int], list[str]]]:
    """Questions and record ids, the newest of each question first."""
    if not places:
        return
    if column.indicator.value.relation is not None:
        rows = _of_neighbours(column, grounds, places)
        yield rows["q"].to_list(), rows["record_id"].to_list()
        return
    for one in _own(column, grounds, places):
        yield one.newest(EVIDENCE_LIMIT)


def records_behind(column: FeatureColumn, grounds: Grounds, places: Sequence[int]) -> pl.DataFrame:
    """The records behind a column's value of some questions, newest first: `RECORDS`.

    What a relation rests on are the records of the neighbours that put them in the state.
    """
    if column.indicator.value.relation is not None:
        return _of_neighbours(column, grounds, places)
    there = [one.records for one in _own(column, grounds, places)]
    return pl.concat(there) if there else pl.DataFrame(schema=RECORDS)


def _of_neighbours(column: FeatureColumn, grounds: Grounds, places: Sequence[int]) -> pl.DataFrame:
    assert grounds.others is not None
    asked = grounds.question[list(places)]
    told = grounds.others.records(column, asked).select(list(RECORDS))
    return told.with_columns(q=pl.Series(places, dtype=pl.Int64).gather(told["q"]))


def _own(column: FeatureColumn, grounds: Grounds, places: Sequence[int]) -> Iterator[_Behind]:
    """Records of the enterprises themselves, part by part of the questions."""
    wanted = np.zeros(grounds.question.height, dtype=bool)
    wanted[list(places)] = True
    for part in grounds.parts:
        found = [one for one in _rows(column, part, wanted) if len(one[0])]
        if found:
            yield _Behind.of(found)


def _rows(column: FeatureColumn, part: _Part, wanted: Bools) -> Iterator[_Found]:
    """Of each fold of a column: questions, the table, its rows and the ids of their records."""
    asked, plan = part.run.asked, part.run.program.plan
    is_meant = wanted[part.places] & part.inside.get(column.indicator.scope, True)
    own = np.flatnonzero(is_meant)
    for name, (table, place, _) in plan.places.get(column.name, {}).items():
        read = part.run.tables[table]
        if column.folds[name].is_evidence and len(own) and read.rows.height:
            q, row = kernel.all_behind(
                read.arrays, asked.firm_of[own], asked.moments[own], read.plan.plans, place
            )
            yield part.found(part.places[own[q]], table, row)
