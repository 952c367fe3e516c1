"""The one engine: indicators and a question of `(uscc, as_of)` pairs in, rows of numbers out.

Training, the nightly run, the score of one enterprise and the what-if all call `compute`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from xinheng.features.coverage import Bools
from xinheng.features.engine.parts import QuestionPart, parts_of
from xinheng.features.engine.program import program_of
from xinheng.features.engine.run import Run, numbered
from xinheng.features.indicator import FeatureColumn, Indicator, columns_of
from xinheng.features.knowledge import Knowledge
from xinheng.features.others.others import Others
from xinheng.features.source import Source
from xinheng.features.vocabulary.fold import Floats, Ints
from xinheng.records.tables import MOMENT

FEW = 50
"""Up to so many questions, a frame is made row by row."""


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
    return answer(
        indicators, question, source, others=others, on_step=on_step, is_kept=False
    ).values


@dataclass(frozen=True, slots=True)
class Told:
    """Values of some questions, and the tables that they were made from."""

    values: pl.DataFrame
    run: Run
    inside: Mapping[str, Bools]
    """Which questions' enterprises are in each sector that was asked about."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Values of all questions; with the tables behind them where those were kept."""

    values: pl.DataFrame
    parts: tuple[tuple[Ints, Told], ...] = ()
    """Places of the questions of each part, in the order of its run."""


def answer(
    indicators: Iterable[Indicator],
    question: pl.DataFrame,
    source: Source,
    *,
    others: Others | None = None,
    on_step: Callable[[str], None] = lambda _: None,
    is_kept: bool = True,
) -> Answer:
    """As `compute`, with the tables read, so that the records behind a value need no reading."""
    columns = tuple(columns_of(tuple(indicators)))
    asked = pl.DataFrame([question["uscc"], question["as_of"].cast(MOMENT)]).with_row_index("q")
    if asked.height == 0:
        names = dict.fromkeys((c.name for c in columns), pl.Float64())
        return Answer(pl.DataFrame(schema={"uscc": pl.String(), "as_of": MOMENT, **names}))
    if others is None:
        others = Others.of(source, columns, _latest(asked), on_step=on_step)
    engine = Engine(columns, others)
    parts = parts_of(asked, source)
    found: list[pl.DataFrame] = []
    kept: list[tuple[Ints, Told]] = []
    for done, part in enumerate(parts, start=1):
        if len(parts) > 1:
            on_step(f"enterprises: part {done} of {len(parts)}")
        told = engine.told(part.question, _knowledge(part, source, others))
        found.append(told.values)
        if is_kept:
            kept.append((part.question["q"].to_numpy().astype(np.int64), told))
        del told  # one part's tables at a time
    if len(parts) == 1:
        return Answer(found[0], tuple(kept))
    order = pl.concat([part.question.select("q") for part in parts])
    return Answer(pl.concat(found).hstack(order).sort("q").drop("q"), tuple(kept))


def _knowledge(part: QuestionPart, source: Source, others: Others) -> Knowledge:
    return Knowledge(
        source,
        _latest(part.question),
        usccs=part.usccs,
        buckets=part.buckets,
        coverage=others.coverage,
    )


class Engine:
    """Columns, with what is needed to know of the world around."""

    def __init__(self, columns: tuple[FeatureColumn, ...], others: Others) -> None:
        self.program, self.others = program_of(columns), others

    def answer(self, question: pl.DataFrame, knowledge: Knowledge) -> pl.DataFrame:
        """Values of the columns at each question: `uscc`, `as_of` and the columns."""
        return self.told(question, knowledge).values

    def told(self, question: pl.DataFrame, knowledge: Knowledge) -> Told:
        """As `answer`, with the tables.

        What is said about sectors in which nobody is who is asked about is not looked at.
        """
        run = Run(self.program, numbered(question), knowledge)
        inside = run.sectors()
        absent = frozenset(scope for scope in self.program.scopes if not inside[scope].any())
        if absent:
            run = run.narrowed(absent)
        values = self._values(run)
        for scope, places in run.program.scopes.items():
            values[np.ix_(~inside[scope], places)] = np.nan
        if absent:
            there, columns = values, len(self.program.columns)
            values = np.full((question.height, columns), np.nan, order="F")
            values[:, run.program.places] = there
        found = _frame(self.program.names, values)
        found.insert_column(0, question["uscc"])
        return Told(found.insert_column(1, question["as_of"]), run, inside)

    def _values(self, run: Run) -> Floats:
        """The values of a run's columns; those without rows are told at once."""
        run.read()
        asked, facts, program = run.asked, run.facts(), run.program
        covered = self.others.coverage.at(asked.moments, facts["region"]).of(program.deliveries)
        firm = self.others.places(asked.firms.usccs)[asked.firm_of]
        values = np.full(covered.shape, np.nan, order="F")
        np.copyto(values, program.without_rows, where=covered)
        for group in program.groups:
            if group.is_told(run.folded):
                others = self.others.told(group, firm, asked.moments, facts)
                values[:, group.places] = run.values(group, covered[:, group.places], others)
        return values


def _frame(names: Sequence[str], values: Floats) -> pl.DataFrame:
    """The columns of an array (questions, columns), NaN as null."""
    if len(values) > FEW:
        return pl.DataFrame(dict(zip(names, values.T, strict=True)), nan_to_null=True)
    columns = pl.DataFrame(values.T, nan_to_null=True)
    return columns.transpose(column_names=names)


def _latest(question: pl.DataFrame) -> datetime:
    last = question["as_of"].max()
    assert isinstance(last, datetime)
    return last
