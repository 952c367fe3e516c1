"""The one engine: indicators and a question of `(uscc, as_of)` pairs in, rows of numbers out.

Training, the nightly run, the score of one enterprise and the what-if all call `compute`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from xinheng.features.coverage import Bools
from xinheng.features.engine.finish import NOBODY, Folded
from xinheng.features.engine.parts import parts_of
from xinheng.features.engine.plan import DAY_US
from xinheng.features.engine.program import program_of
from xinheng.features.engine.table import Firms, Table, read_table
from xinheng.features.indicator import FeatureColumn, Indicator, columns_of
from xinheng.features.knowledge import Knowledge, Source
from xinheng.features.others.others import Others
from xinheng.features.sectors import members
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
    number = pl.int_range(pl.len(), dtype=pl.UInt32).alias("q")
    asked = question.select(number, "uscc", pl.col("as_of").cast(MOMENT))
    if asked.height == 0:
        return asked.select(
            "uscc", "as_of", *(pl.lit(None, pl.Float64).alias(c.name) for c in columns)
        )
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
    """A program for some columns, with what it needs to know of the world around."""

    def __init__(self, columns: tuple[FeatureColumn, ...], others: Others) -> None:
        self.columns, self.others = columns, others
        self.program = program_of(columns)

    def answer(self, question: pl.DataFrame, knowledge: Knowledge) -> pl.DataFrame:
        """Values of the columns at each question: `uscc`, `as_of` and the columns."""
        asked = numbered(question)
        earliest = _earliest(question)
        tables = {
            name: read_table(plan, knowledge, asked.firms, earliest)
            for name, plan in self.program.plan.tables.items()
        }
        return self.values(asked, tables)

    def values(self, asked: Numbered, tables: Mapping[str, Table]) -> pl.DataFrame:
        """Fold the tables and finish every column."""
        program, folded = self.program, self._folded(asked, tables)
        facts = {
            name: tables[table].picked(fold, *folded.column(program.first[table] + fold))
            for name, (table, fold) in program.facts.items()
        }
        inside = self._sectors(asked, folded)
        covered = self.others.coverage.at(asked.moments, facts["region"]).of(program.deliveries)
        firm = self.others.places(asked.firms.usccs)[asked.firm_of]
        values = np.empty((len(asked.moments), len(self.columns)), order="F")
        for group in program.groups:
            others = self.others.told(group.columns, firm, asked.moments, facts)
            known = covered[:, group.places]
            values[:, group.places] = group.values(folded, asked.today, known, others)
        for scope, places in program.scopes.items():
            values[np.ix_(~inside[scope], places)] = np.nan
        return asked.question.select("uscc", "as_of").hstack(self._frame(values))

    def _frame(self, values: Floats) -> pl.DataFrame:
        """The columns of an array (questions, columns), NaN as null."""
        names = [column.name for column in self.columns]
        if len(values) > FEW:
            return pl.DataFrame(dict(zip(names, values.T, strict=True)), nan_to_null=True)
        rows = np.where(np.isnan(values), np.array(None), values).tolist()
        return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Float64), orient="row")

    def _folded(self, asked: Numbered, tables: Mapping[str, Table]) -> Folded:
        shape = (len(asked.moments), self.program.folds)
        folded = Folded(np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64))
        for name, table in tables.items():
            if table.rows.height:
                table.fold(asked.firm_of, asked.moments, folded, self.program.first[name])
                for fold, text in self.program.picks[name]:
                    folded.kept[fold] = table.kept(text)
        return folded

    def _sectors(self, asked: Numbered, folded: Folded) -> Mapping[str, Bools]:
        told: dict[str, Floats] = {}
        for group in self.program.membership:
            known = np.ones((len(asked.moments), len(group.columns)), dtype=bool)
            values = group.values(folded, asked.today, known, [NOBODY])
            told |= {c.name: values[:, i] for i, c in enumerate(group.columns)}
        return members(told) if told else {}


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
