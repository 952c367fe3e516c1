"""The records behind a number: the same folds, with the rows kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import polars as pl

from xinheng.features.engine import kernel
from xinheng.features.engine.plan import plan_of
from xinheng.features.engine.run import numbered
from xinheng.features.engine.table import Table, read_table
from xinheng.features.indicator import FeatureColumn
from xinheng.features.knowledge import Knowledge
from xinheng.features.others.others import Others
from xinheng.features.source import Source
from xinheng.features.vocabulary.fold import Ints
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


def evidence(
    columns: Iterable[FeatureColumn],
    uscc: str,
    as_of: datetime,
    source: Source,
    *,
    others: Others | None = None,
) -> dict[str, pl.DataFrame]:
    """Records that made each value, newest first: `RECORDS` without `q`.

    What a relation rests on are the records of the neighbours that put them in the state.
    """
    asked = pl.DataFrame({"uscc": [uscc], "as_of": [as_of]})
    found = records_behind(list(columns), asked, source, others=others)
    return {name: rows.drop("q") for name, rows in found.items()}


def evidence_ids(
    columns: Iterable[FeatureColumn],
    question: pl.DataFrame,
    source: Source,
    *,
    others: Others | None = None,
) -> dict[tuple[str, str], list[str]]:
    """Record ids behind many values at once, by `(uscc, column name)`."""
    usccs = question["uscc"].to_list()
    found: dict[tuple[str, str], list[str]] = {}
    for name, rows in records_behind(list(columns), question, source, others=others).items():
        grouped = rows.group_by("q", maintain_order=True).agg(pl.col("record_id"))
        for number, ids in grouped.iter_rows():
            found[usccs[number], name] = ids[:EVIDENCE_LIMIT]
    return found


def records_behind(
    columns: Sequence[FeatureColumn],
    question: pl.DataFrame,
    source: Source,
    *,
    others: Others | None = None,
) -> dict[str, pl.DataFrame]:
    """By column name the records behind each question's value, newest first: `RECORDS`."""
    if question.height == 0 or not columns:
        return {column.name: pl.DataFrame(schema=RECORDS) for column in columns}
    until = question["as_of"].cast(MOMENT).max()
    assert isinstance(until, datetime)
    related = [c for c in columns if c.indicator.value.relation is not None]
    if others is None and related:
        others = Others.of(source, columns, until)
    plan = plan_of(columns)
    asked = numbered(question.select("uscc", pl.col("as_of").cast(MOMENT)).with_row_index("q"))
    knowledge = Knowledge(source, until, usccs=asked.firms.usccs.to_list())
    tables = {
        name: read_table(plan, knowledge, asked.firms, None) for name, plan in plan.tables.items()
    }
    found = {}
    for column in columns:
        if column.indicator.value.relation is not None:
            assert others is not None
            found[column.name] = others.records(column, question).select(list(RECORDS))
            continue
        parts = [
            _rows(tables[table], place, asked.firm_of, asked.moments)
            for part, (table, place, _) in plan.places[column.name].items()
            if column.folds[part].is_evidence
        ]
        found[column.name] = _newest(pl.concat([pl.DataFrame(schema=RECORDS), *parts]))
    return found


def _rows(table: Table, place: int, firm_of: Ints, moments: Ints) -> pl.DataFrame:
    question, row = kernel.all_behind(table.arrays, firm_of, moments, table.plan.plans, place)
    kept = table.records.select(
        pl.col("uscc", "record_id", "event_at", "known_at").gather(pl.Series(row, dtype=pl.UInt32))
    )
    return kept.with_columns(q=pl.Series(question, dtype=pl.Int64)).select(list(RECORDS))


def _newest(rows: pl.DataFrame) -> pl.DataFrame:
    order = ["event_at", "known_at", "record_id"]
    return rows.unique(["q", "record_id"]).sort("q", *order, descending=[False, True, True, True])
