"""The one engine: indicators and a question of `(uscc, as_of)` pairs in, rows of numbers out.

Training, the nightly run, the score of one enterprise and the what-if all call `compute`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from xinheng.features.coverage import Coverage, Covered
from xinheng.features.engine.parts import parts_of
from xinheng.features.engine.plan import DAY_US, Plan, TablePlan, plan_of
from xinheng.features.engine.table import CODE, Table, read_table
from xinheng.features.indicator import GENERAL, FeatureColumn, Indicator, columns_of
from xinheng.features.knowledge import OBLIGATION, Knowledge, Source
from xinheng.features.others.groups import ATTRIBUTES, attribute_fold, category_fold
from xinheng.features.others.others import Others
from xinheng.features.sectors import members, membership
from xinheng.features.vocabulary.fold import Floats, Ints, Told
from xinheng.records.tables import MOMENT

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
    asked = question.select("uscc", pl.col("as_of").cast(MOMENT))
    if asked.height == 0:
        return asked.with_columns(pl.lit(None, pl.Float64).alias(c.name) for c in columns)
    if others is None:
        others = Others.of(source, columns, _latest(asked), on_step=on_step)
    engine = Engine(columns, Coverage(source), others)
    parts = parts_of(asked.with_row_index("q"), source)
    answers = []
    for number, part in enumerate(parts, start=1):
        if len(parts) > 1:
            on_step(f"enterprises: part {number} of {len(parts)}")
        knowledge = Knowledge(
            source, _latest(part.question), usccs=part.usccs, buckets=part.buckets
        )
        answers.append(engine.answer(part.question, knowledge))
    return pl.concat(answers).sort("q").drop("q")


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions of one part, as numbers."""

    question: pl.DataFrame
    firms: pl.DataFrame
    firm_of: Ints
    moments: Ints
    today: Ints


class Engine:
    """A plan for some columns, with what it needs to know of the world around."""

    def __init__(
        self, columns: tuple[FeatureColumn, ...], coverage: Coverage, others: Others
    ) -> None:
        self.columns, self.coverage, self.others = columns, coverage, others
        self._scopes = {c.indicator.scope for c in columns} - {GENERAL}
        self.plan: Plan = plan_of((*columns, *(membership() if self._scopes else ())))
        entity = self.plan.tables.setdefault("entity", TablePlan("entity"))
        self._facts = {name: ("entity", entity.add(attribute_fold(name))) for name in ATTRIBUTES}
        if sampled := self.plan.tables.get("sampling_test"):
            self._facts["category"] = ("sampling_test", sampled.add(category_fold()))

    def answer(self, question: pl.DataFrame, knowledge: Knowledge) -> pl.DataFrame:
        """Values of the columns at each question: `q`, `uscc`, `as_of` and the columns."""
        asked = numbered(question)
        tables = {
            name: read_table(plan, knowledge, asked.firms, _earliest(question))
            for name, plan in self.plan.tables.items()
        }
        return self.values(asked, tables)

    def values(self, asked: Asked, tables: Mapping[str, Table]) -> pl.DataFrame:
        """Fold the tables and finish every column."""
        folded = {n: t.folded(asked.firm_of, asked.moments) for n, t in tables.items()}
        facts = {
            name: tables[table].picked(place, *folded[table])
            for name, (table, place) in self._facts.items()
        }
        inside = self._sectors(asked, tables, folded)
        covered = self.coverage.at(asked.moments, facts["region"])
        told: dict[str, Floats] = {}
        for column in self.columns:
            others = self.others.told(column, asked.question["uscc"], asked.moments, facts)
            finished = self._told(column, asked, tables, folded, others)
            value = _value(column, finished, covered)
            scope = column.indicator.scope
            told[column.name] = (
                value if scope == GENERAL else np.where(inside[scope], value, np.nan)
            )
        frame = pl.DataFrame(told).select(pl.all().fill_nan(None))
        return asked.question.select("q", "uscc", "as_of").hstack(frame)

    def _sectors(
        self,
        asked: Asked,
        tables: Mapping[str, Table],
        folded: Mapping[str, tuple[Ints, Ints]],
    ) -> Mapping[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        if not self._scopes:
            return {}
        return members(
            {
                column.name: column.indicator.value.finish(
                    self._told(column, asked, tables, folded)
                )
                for column in membership()
            }
        )

    def _told(
        self,
        column: FeatureColumn,
        asked: Asked,
        tables: Mapping[str, Table],
        folded: Mapping[str, tuple[Ints, Ints]],
        others: Mapping[str, Floats] | None = None,
    ) -> Told:
        parts = {
            part: tables[table].part(place, *folded[table])
            for part, (table, place) in self.plan.places[column.name].items()
        }
        return Told(parts, asked.today, others or {})


def _value(column: FeatureColumn, told: Told, covered: Covered) -> Floats:
    """One column: null where its source is not covered and no row takes part.

    A duty is there without a record, so it says nothing where its proofs are not delivered.
    """
    known = covered.of(column.sources, column.window_days)
    if column.indicator.table != OBLIGATION:
        for part in told.parts.values():
            known = known | (part.n > 0)
    value = np.where(known, column.indicator.value.finish(told), np.nan)
    return np.log1p(value) if column.indicator.logarithmic else value


def numbered(question: pl.DataFrame) -> Asked:
    firms = question.select(pl.col("uscc").unique(maintain_order=True)).with_row_index(CODE)
    codes = question.select("uscc").join(firms, on="uscc", how="left", maintain_order="left")
    moments = question["as_of"].to_physical().to_numpy()
    today = (moments + SHANGHAI_US) // DAY_US
    return Asked(question, firms, codes[CODE].cast(pl.Int64).to_numpy(), moments, today)


def _latest(question: pl.DataFrame) -> datetime:
    last = question["as_of"].max()
    assert isinstance(last, datetime)
    return last


def _earliest(question: pl.DataFrame) -> datetime:
    first = question["as_of"].min()
    assert isinstance(first, datetime)
    return first
