"""The records behind a number: the same folds, with the rows kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import numpy as np
import polars as pl

from xinheng.features.coverage import Bools
from xinheng.features.engine import kernel
from xinheng.features.engine.compute import Answer
from xinheng.features.engine.program import program_of
from xinheng.features.engine.run import Run, numbered
from xinheng.features.indicator import FeatureColumn
from xinheng.features.knowledge import Knowledge
from xinheng.features.others.others import Others
from xinheng.features.source import Source
from xinheng.features.vocabulary.fold import Ints
from xinheng.records.frames import microseconds, ranks
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
    records: dict[str, pl.DataFrame] = field(default_factory=dict)

    def of(self, name: str) -> pl.DataFrame:
        """`RECORDS` of a table's rows, but for the question."""
        if name not in self.records:
            self.records[name] = self.run.tables[name].records
        return self.records[name]


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
        rows = records_behind(column, grounds, own)
        for place, one in zip(rows["q"].to_list(), rows["record_id"].to_list(), strict=True):
            ids = found.setdefault((usccs[place], column.name), [])
            if len(ids) < EVIDENCE_LIMIT:
                ids.append(one)
    return found


def records_behind(column: FeatureColumn, grounds: Grounds, places: Sequence[int]) -> pl.DataFrame:
    """The records behind a column's value of some questions, newest first: `RECORDS`.

    What a relation rests on are the records of the neighbours that put them in the state.
    """
    if column.indicator.value.relation is not None:
        assert grounds.others is not None
        asked = grounds.question[list(places)]
        told = grounds.others.records(column, asked).select(list(RECORDS))
        return told.with_columns(q=pl.Series(places, dtype=pl.Int64).gather(told["q"]))
    wanted = np.zeros(grounds.question.height, dtype=bool)
    wanted[list(places)] = True
    found = [_rows(column, part, wanted) for part in grounds.parts]
    there = [rows for rows in found if rows.height]
    return pl.concat(there) if there else pl.DataFrame(schema=RECORDS)


def _rows(column: FeatureColumn, part: _Part, wanted: Bools) -> pl.DataFrame:
    """Each record once a question; of the questions of one part."""
    asked, plan = part.run.asked, part.run.program.plan
    is_meant = wanted[part.places] & part.inside.get(column.indicator.scope, True)
    own = np.flatnonzero(is_meant)
    found = []
    for name, (table, place, _) in plan.places.get(column.name, {}).items():
        if column.folds[name].is_evidence and len(own) and part.run.tables[table].rows.height:
            read = part.run.tables[table]
            q, row = kernel.all_behind(
                read.arrays, asked.firm_of[own], asked.moments[own], read.plan.plans, place
            )
            found.append((part.places[own[q]], part.of(table), row))
    return _newest(found)


def _newest(found: Sequence[tuple[Ints, pl.DataFrame, Ints]]) -> pl.DataFrame:
    """Rows of some tables for their questions: each record once, the newest first."""
    rows = [records[row].insert_column(0, pl.Series("q", q)) for q, records, row in found]
    if not rows:
        return pl.DataFrame(schema=RECORDS)
    told = rows[0]
    if len(rows) > 1:
        told = pl.concat(rows).unique(["q", "record_id"], maintain_order=True)
    event_at, known_at = (microseconds(told[name]) for name in ("event_at", "known_at"))
    order = np.lexsort((-ranks(told["record_id"]), -known_at, -event_at, told["q"].to_numpy()))
    return told[order]
