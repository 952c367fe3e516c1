"""The one engine: indicators and a question of `(uscc, as_of)` pairs in, rows of numbers out.

Training, the nightly run, the score of one enterprise and the what-if all call `compute`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from xinheng.features.coverage import Bools
from xinheng.features.engine.finish import NOBODY, Folded, Group
from xinheng.features.engine.parts import parts_of
from xinheng.features.engine.plan import DAY_US
from xinheng.features.engine.program import Program, program_of
from xinheng.features.engine.table import Firms, Table, read_table
from xinheng.features.indicator import GENERAL, FeatureColumn, Indicator, columns_of
from xinheng.features.knowledge import Knowledge, Source
from xinheng.features.others.others import Others
from xinheng.features.sectors import members, membership
from xinheng.features.vocabulary.fold import Floats, Ints
from xinheng.records.tables import MOMENT

FEW = 50
"""Up to so many questions, a frame is made row by row."""
SHANGHAI_US = 8 * 3_600_000_000
"""Asia/Shanghai is UTC+8 since 1991 (and no `as_of` is older)."""


def compute(
    indicators: Iterable[Indicator],
    question: pl.DataFrame,
    source: Source,
    *,
    others: Others | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> pl.DataFrame:
    """Indicator values as known at each question's moment.

    Parameters
    ----------
    indicators
        What to compute.
    question
        Columns `uscc` and `as_of` (UTC moments), any number of moments an enterprise.
    source
        The lake, or the records of one request.
    others
        What is known of all other enterprises, for rates and relations; by default read from the
        source.
    on_step
        Told what is being done.

    Returns
    -------
    pl.DataFrame
        `uscc`, `as_of`, one float column per indicator and window, in the question's order.
        Null: not known, because the source is not covered, the sector does not apply or the
        value does not exist.
    """
    columns = tuple(columns_of(tuple(indicators)))
    asked = pl.DataFrame([question["uscc"], question["as_of"].cast(MOMENT)]).with_row_index("q")
    if asked.height == 0:
        names = dict.fromkeys((c.name for c in columns), pl.Float64())
        return pl.DataFrame(schema={"uscc": pl.String(), "as_of": MOMENT, **names})
    if others is None:
        others = Others.of(source, columns, _latest(asked), on_step=on_step)
    engine = Engine(columns, others)
    parts = parts_of(asked, source)
    answers = []
    for done, part in enumerate(parts, start=1):
        if len(parts) > 1:
            on_step(f"enterprises: part {done} of {len(parts)}")
        knowledge = Knowledge(
            source, _latest(part.question), usccs=part.usccs, buckets=part.buckets
        )
        answers.append(engine.answer(part.question, knowledge))
    if len(parts) == 1:
        return answers[0]
    order = pl.concat([part.question.select("q") for part in parts])
    return pl.concat(answers).hstack(order).sort("q").drop("q")


@dataclass(frozen=True, slots=True)
class Numbered:
    """The questions of one part, as numbers."""

    question: pl.DataFrame
    firms: Firms
    firm_of: Ints
    moments: Ints
    today: Ints


class Engine:
    """Columns, with what is needed to know of the world around."""

    def __init__(self, columns: tuple[FeatureColumn, ...], others: Others) -> None:
        self.columns, self.others = columns, others
        self._scopes = sorted({c.indicator.scope for c in columns} - {GENERAL})

    def answer(self, question: pl.DataFrame, knowledge: Knowledge) -> pl.DataFrame:
        """Values of the columns at each question: `uscc`, `as_of` and the columns.

        What is said about sectors in which nobody is who is asked about is not looked at.
        """
        asked = numbered(question)
        inside = sectors_of(asked, knowledge) if self._scopes else {}
        absent = {scope for scope in self._scopes if not inside[scope].any()}
        there = [i for i, c in enumerate(self.columns) if c.indicator.scope not in absent]
        values = np.full((len(asked.moments), len(self.columns)), np.nan, order="F")
        run = Run.of(program_of(tuple(self.columns[i] for i in there)), asked, knowledge)
        for places, found in self._found(run):
            values[:, np.array(there)[places]] = found
        for i in there:
            if (scope := self.columns[i].indicator.scope) != GENERAL:
                values[~inside[scope], i] = np.nan
        return asked.question[["uscc", "as_of"]].hstack(self._frame(values))

    def _found(self, run: Run) -> Iterator[tuple[Ints, Floats]]:
        """Group by group the places of its columns and their values."""
        asked, facts = run.asked, run.facts()
        covered = self.others.coverage.at(asked.moments, facts["region"]).of(run.program.deliveries)
        firm = self.others.places(asked.firms.usccs)[asked.firm_of]
        for group in run.program.groups:
            others = self.others.told(group, firm, asked.moments, facts)
            yield group.places, run.values(group, covered[:, group.places], others)

    def _frame(self, values: Floats) -> pl.DataFrame:
        """The columns of an array (questions, columns), NaN as null."""
        names = [column.name for column in self.columns]
        if len(values) > FEW:
            return pl.DataFrame(dict(zip(names, values.T, strict=True)), nan_to_null=True)
        rows = np.where(np.isnan(values), np.array(None), values).tolist()
        return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Float64), orient="row")


@dataclass(frozen=True, slots=True)
class Run:
    """A program with the tables read and folded for some questions."""

    program: Program
    asked: Numbered
    tables: Mapping[str, Table]
    folded: Folded

    @classmethod
    def of(cls, program: Program, asked: Numbered, knowledge: Knowledge) -> Run:
        """Read and fold."""
        shape = (len(asked.moments), program.folds)
        folded = Folded(np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64))
        earliest, tables = _earliest(asked.question), {}
        for name, plan in program.plan.tables.items():
            table = tables[name] = read_table(plan, knowledge, asked.firms, earliest)
            if table.rows.height:
                table.fold(asked.firm_of, asked.moments, folded, program.first[name])
                folded.kept.update((f, table.kept(text)) for f, text in program.picks[name])
        return cls(program, asked, tables, folded)

    def facts(self) -> Mapping[str, Sequence[str | None]]:
        """What is told of each question's enterprise: its groups."""
        first = self.program.first
        return {
            name: self.tables[table].picked(fold, *self.folded.column(first[table] + fold))
            for name, (table, fold) in self.program.facts.items()
        }

    def values(self, group: Group, known: Bools, others: Sequence[Mapping[str, Floats]]) -> Floats:
        """Values of a group's columns."""
        return group.values(self.folded, self.asked.today, known, others)


def sectors_of(asked: Numbered, knowledge: Knowledge) -> Mapping[str, Bools]:
    """Which questions' enterprises are in each sector."""
    run = Run.of(program_of(membership(), has_facts=False), asked, knowledge)
    told: dict[str, Floats] = {}
    for group in run.program.groups:
        known = np.ones((len(asked.moments), len(group.columns)), dtype=bool)
        values = run.values(group, known, [NOBODY])
        told |= {c.name: values[:, i] for i, c in enumerate(group.columns)}
    return members(told)


def numbered(question: pl.DataFrame) -> Numbered:
    """The questions (`q`, `uscc`, `as_of`) as numbers."""
    firms = Firms(question["uscc"])
    moments = question["as_of"].to_numpy().astype("datetime64[us]").astype(np.int64)
    today = (moments + SHANGHAI_US) // DAY_US
    return Numbered(question, firms, firms.of(question["uscc"]), moments, today)


def _latest(question: pl.DataFrame) -> datetime:
    last = question["as_of"].max()
    assert isinstance(last, datetime)
    return last


def _earliest(question: pl.DataFrame) -> datetime:
    first = question["as_of"].min()
    assert isinstance(first, datetime)
    return first
