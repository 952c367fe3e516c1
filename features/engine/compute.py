"""The one engine: indicators and a question of `(uscc, as_of)` pairs in, rows of numbers out.

Training, the nightly run, the score of one enterprise and the what-if all call `compute`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache

import numpy as np
import polars as pl

from xinheng.features.coverage import Bools, Covered
from xinheng.features.engine.parts import parts_of
from xinheng.features.engine.plan import DAY_US, Plan, TablePlan, plan_of
from xinheng.features.engine.table import Firms, Table, read_table
from xinheng.features.indicator import GENERAL, FeatureColumn, Indicator, columns_of
from xinheng.features.knowledge import OBLIGATION, Knowledge, Source
from xinheng.features.others.groups import ATTRIBUTES, attribute_fold, category_fold
from xinheng.features.others.others import Others
from xinheng.features.sectors import members, membership
from xinheng.features.vocabulary.fold import Floats, Ints, Part, Told
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
    """A plan for some columns, with what it needs to know of the world around."""

    def __init__(self, columns: tuple[FeatureColumn, ...], others: Others) -> None:
        self.columns, self.others = columns, others
        self._scopes = {c.indicator.scope for c in columns} - {GENERAL}
        self.plan, self._facts, self._reads = _planned(columns)

    def answer(self, question: pl.DataFrame, knowledge: Knowledge) -> pl.DataFrame:
        """Values of the columns at each question: `uscc`, `as_of` and the columns."""
        asked = numbered(question)
        tables = {
            name: read_table(plan, knowledge, asked.firms, _earliest(question))
            for name, plan in self.plan.tables.items()
        }
        return self.values(asked, tables)

    def values(self, asked: Numbered, tables: Mapping[str, Table]) -> pl.DataFrame:
        """Fold the tables and finish every column."""
        folded = {n: t.folded(asked.firm_of, asked.moments) for n, t in tables.items()}
        facts = {
            name: tables[table].picked(place, *folded[table])
            for name, (table, place) in self._facts.items()
        }
        inside = self._sectors(asked, tables, folded)
        covered = self.others.coverage.at(asked.moments, facts["region"])
        firm = self.others.places(asked.firms.usccs)[asked.firm_of]
        values = np.empty((len(asked.moments), len(self.columns)))
        absent = {scope for scope in self._scopes if not inside[scope].any()}
        for place, column in enumerate(self.columns):
            if column.indicator.scope in absent:
                values[:, place] = np.nan
                continue
            read = self._reads.get(column.name)
            if read is not None and all(tables[name].rows.height == 0 for name in read):
                values[:, place] = self._empty(column, covered, inside)
                continue
            others = self.others.told(column, firm, asked.moments, facts)
            told = self._told(column, asked, tables, folded, others)
            known = self._known(column, told, covered)
            if column.indicator.scope != GENERAL:
                known = known & inside[column.indicator.scope]
            values[:, place] = _finished(column, told, known)
        return asked.question.select("uscc", "as_of").hstack(self._frame(values))

    def _empty(
        self, column: FeatureColumn, covered: Covered, inside: Mapping[str, Bools]
    ) -> Floats:
        """A column whose tables have no row of anybody asked about."""
        known = covered.of(column.sources, column.window_days)
        if column.indicator.scope != GENERAL:
            known = known & inside[column.indicator.scope]
        return np.where(known, without_rows(column), np.nan)

    def _frame(self, values: Floats) -> pl.DataFrame:
        """The columns of an array (questions, columns), NaN as null."""
        names = [column.name for column in self.columns]
        if len(values) > FEW:
            return pl.DataFrame(dict(zip(names, values.T, strict=True)), nan_to_null=True)
        rows = np.where(np.isnan(values), np.array(None), values).tolist()
        return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Float64), orient="row")

    def _known(self, column: FeatureColumn, told: Told, covered: Covered) -> Bools:
        """Where a value is known: its source is covered, or a row takes part.

        A duty is there without a record, so it says nothing where its proofs are not delivered.
        """
        known = covered.of(column.sources, column.window_days)
        if column.indicator.table == OBLIGATION or known.all():
            return known
        for part, place in self.plan.places[column.name].items():
            if place.is_own:
                known = known | (told.parts[part].n > 0)
        return known

    def _sectors(
        self,
        asked: Numbered,
        tables: Mapping[str, Table],
        folded: Mapping[str, tuple[Ints, Ints]],
    ) -> Mapping[str, Bools]:
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
        asked: Numbered,
        tables: Mapping[str, Table],
        folded: Mapping[str, tuple[Ints, Ints]],
        others: Mapping[str, Floats] | None = None,
    ) -> Told:
        parts = {
            part: tables[place.table].part(place.fold, *folded[place.table])
            for part, place in self.plan.places[column.name].items()
        }
        return Told(parts, asked.today, others or {})


@lru_cache(maxsize=16)
def _planned(
    columns: tuple[FeatureColumn, ...],
) -> tuple[Plan, Mapping[str, tuple[str, int]], Mapping[str, set[str]]]:
    """The plan of some columns, where it finds an enterprise's attributes, and `_reads`."""
    has_sectors = any(column.indicator.scope != GENERAL for column in columns)
    plan = plan_of((*columns, *(membership() if has_sectors else ())))
    entity = plan.tables.setdefault("entity", TablePlan("entity"))
    facts = {name: ("entity", entity.add(attribute_fold(name))) for name in ATTRIBUTES}
    if sampled := plan.tables.get("sampling_test"):
        facts["category"] = ("sampling_test", sampled.add(category_fold()))
    return plan, facts, _reads(plan, columns)


def _reads(plan: Plan, columns: Iterable[FeatureColumn]) -> Mapping[str, set[str]]:
    """The tables that columns read, of those that do not look at others."""
    return {
        c.name: {place.table for place in plan.places[c.name].values()}
        for c in columns
        if not c.indicator.value.looks_at_others
    }


@cache
def without_rows(column: FeatureColumn) -> float:
    """The value of a column over no rows at all, whatever the day; NaN where there is none."""
    nothing = np.zeros(1, dtype=np.int64)
    parts = {
        name: Part(np.full(1, np.nan) if fold.picks else nothing, nothing)
        for name, fold in column.folds.items()
    }
    (value,) = _finished(column, Told(parts, nothing), np.ones(1, dtype=bool))
    return float(value)


def _finished(column: FeatureColumn, told: Told, known: Bools) -> Floats:
    """The value of a column as the model reads it; NaN where it is not known."""
    if not known.any():
        return np.full(len(known), np.nan)
    value = np.where(known, column.indicator.value.finish(told), np.nan)
    return np.log1p(value) if column.indicator.logarithmic else value


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
