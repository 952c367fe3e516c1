"""Source rows in, typed rows of one canonical table out, and the faults found on the way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

import polars as pl

from xinheng.domain import surrogate_uscc
from xinheng.errors import BadDelivery, BadMapping
from xinheng.records.codes.columns import normal_usccs
from xinheng.records.frames import FEW
from xinheng.records.sources.casting import expectation
from xinheng.records.sources.forms.delimited import UNSPLIT
from xinheng.records.sources.mapping import Identifier, Mapping, TableMapping
from xinheng.records.sources.origins import FILE, ROW, WIDE, need, sql
from xinheng.records.sources.recipe import Task, recipe
from xinheng.records.tables import Column

FAULT_SCHEMA: dict[str, pl.DataType] = {
    "at": pl.UInt32(),
    "field": pl.String(),
    "kind": pl.String(),
    "value": pl.String(),
    "dictionary": pl.String(),
}
"""A value that cannot be what its column declares: index of its row, column, and what was said."""
WHOLE_ROW = "row"
"""Kind of the fault of a row that could not be split into cells; its value is the row's text."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """Typed rows with `FILE` and `ROW`, their faults, and the source rows they were made of."""

    rows: pl.DataFrame
    faults: pl.DataFrame
    """`FAULT_SCHEMA`; the faulty value itself is null in `rows`."""
    offered: dict[int, tuple[int, int]]
    """By `FILE`: rows offered to the table, and those that the mapping did not leave out."""


def shape(
    source: pl.DataFrame,
    mapping: Mapping,
    part: TableMapping,
    *,
    where: str,
    ready: frozenset[str] = frozenset(),
) -> Shaped:
    """Apply one table mapping to source rows that carry `FILE` and `ROW`.

    Values that cannot be what their column declares become null and a fault.

    Parameters
    ----------
    ready
        Columns of the source, named as in the table, that hold what the table stores: nothing has
        to be read there.
    """
    long = _unpivoted(source, part, where=where)
    chosen = _selected(long, part, where=where)
    work = recipe(Task.of(chosen, mapping, part, ready, where=where))
    try:
        keys, typed = work.keys(chosen), work.typed(chosen)
    except pl.exceptions.PolarsError as fault:
        raise BadMapping(f"{where}: cannot be computed ({str(fault).splitlines()[0]})") from None
    uscc = _codes(keys, mapping.identifier, where=where)
    columns = {name: part.table.column(name) for name in mapping.origins(part)}
    values = (
        (chosen if name in ready else typed.values)[name].alias(column.stored)
        for name, column in columns.items()
    )
    rows = pl.DataFrame([chosen[FILE], chosen[ROW], uscc, *values])
    bad = typed.bad()
    faults = [
        _faults(column, bad[name], typed.said[name])
        for name, column in columns.items()
        if name in bad
    ]
    if UNSPLIT in chosen.columns:
        faults.append(_unsplit(chosen[UNSPLIT]))
    told = pl.concat(faults) if faults else _no_faults()
    offered, taken = by_file(long), by_file(chosen)
    counts = {file: (count, taken.get(file, 0)) for file, count in offered.items()}
    return Shaped(rows.hstack([work.event_at(rows)]), told, counts)


def by_file(rows: pl.DataFrame) -> dict[int, int]:
    """Number of rows of each file."""
    if rows.height <= FEW:
        return Counter(rows[FILE].to_list())
    return {int(file): int(n) for file, n in rows.group_by(FILE).agg(pl.len()).iter_rows()}


@cache
def _no_faults() -> pl.DataFrame:
    return pl.DataFrame(schema=FAULT_SCHEMA)


def _unpivoted(frame: pl.DataFrame, part: TableMapping, *, where: str) -> pl.DataFrame:
    if part.unpivot is None:
        return frame
    wide = part.unpivot.columns
    for name in wide:
        need(name, frame, where=where)
    long = frame.unpivot(
        on=wide,
        index=[c for c in frame.columns if c not in wide],
        variable_name="attribute",
        value_name="value",
    )
    place = pl.col("attribute").replace_strict(wide, range(len(wide)), return_dtype=pl.Int64)
    return long.with_columns(
        pl.col("attribute").replace(part.unpivot.rename), pl.col(ROW) + place * WIDE
    )


def _selected(source: pl.DataFrame, part: TableMapping, *, where: str) -> pl.DataFrame:
    """Rows that the mapping does not leave out; those that could not be split stay."""
    source = _without_blank_rows(source)
    unsplit = pl.col(UNSPLIT).is_not_null() if UNSPLIT in source.columns else pl.lit(value=False)
    if part.unpivot is not None:
        source = source.filter(pl.col("value").is_not_null() | unsplit)
    if not part.where:
        return source
    return source.filter(sql(part.where, source, where=f"{where}, where") | unsplit)


def _without_blank_rows(source: pl.DataFrame) -> pl.DataFrame:
    """Rows with at least one cell that says something."""
    own = [one for one in source.get_columns() if one.name not in {FILE, ROW}]
    if not all(one.null_count() for one in own):
        return source
    return source.filter(~pl.all_horizontal(pl.col(one.name).is_null() for one in own))


def _codes(keys: pl.Series, identifier: Identifier, *, where: str) -> pl.Series:
    if identifier.kind == "uscc":
        return normal_usccs(keys).alias("uscc")
    unique = keys.drop_nulls().unique().to_list()
    codes = {key: str(surrogate_uscc(identifier.register_name, key)) for key in unique}
    if len(set(codes.values())) < len(codes):
        raise BadDelivery(f"{where}: two keys share one surrogate code")
    return keys.replace_strict(codes, default=None, return_dtype=pl.String).alias("uscc")


def _unsplit(texts: pl.Series) -> pl.DataFrame:
    """Rows whose text could not be split into cells, each as one fault of the whole row."""
    at = texts.is_not_null().arg_true()
    told = {"at": at, "field": "", "kind": WHOLE_ROW, "value": texts.gather(at), "dictionary": ""}
    return pl.DataFrame(told, schema=FAULT_SCHEMA)


def _faults(column: Column, bad: pl.Series, said: pl.Series) -> pl.DataFrame:
    at = bad.arg_true()
    return pl.DataFrame(
        {
            "at": at,
            "field": column.name,
            "kind": column.kind,
            "value": said.gather(at).cast(pl.String),
            "dictionary": expectation(column),
        },
        schema=FAULT_SCHEMA,
    )
