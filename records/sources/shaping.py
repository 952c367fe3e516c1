"""Source rows in, typed rows of one canonical table out, and the faults found on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from xinheng.domain import surrogate_uscc
from xinheng.errors import BadDelivery, BadMapping, UnknownName
from xinheng.records.codes.columns import normal_usccs
from xinheng.records.codes.dictionary import synonyms
from xinheng.records.sources.casting import cast, expectation, plain
from xinheng.records.sources.mapping import Identifier, Mapping, Origin, TableMapping
from xinheng.records.sources.times import as_utc
from xinheng.records.tables import ENVELOPE_DEFAULTS, Column, Table

FILE = "_file"
"""Number of the delivered file among those taken together."""
ROW = "_row"
"""Number of the source row in its file, counted from 1 below the header."""
FAULT_SCHEMA: dict[str, pl.DataType] = {
    "at": pl.UInt32(),
    "field": pl.String(),
    "kind": pl.String(),
    "value": pl.String(),
    "dictionary": pl.String(),
}
"""A value that cannot be what its column declares: index of its row, column, and what was said."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Shaped:
    """Typed rows with `FILE` and `ROW`, their faults, and the source rows they were made of."""

    rows: pl.DataFrame
    faults: pl.DataFrame
    """`FAULT_SCHEMA`; the faulty value itself is null in `rows`."""
    offered: dict[int, tuple[int, int]]
    """By `FILE`: rows offered to the table, and those that the mapping did not leave out."""


@dataclass(frozen=True, slots=True)
class _Typed:
    value: pl.Series
    bad: pl.Series
    said: pl.Series
    column: Column


def shape(source: pl.DataFrame, mapping: Mapping, part: TableMapping, *, where: str) -> Shaped:
    """Apply one table mapping to source rows that carry `FILE` and `ROW`.

    Values that cannot be what their column declares become null and a fault.
    """
    long = _unpivoted(source, part, where=where)
    chosen = _selected(long, part, where=where)
    uscc = _codes(chosen, mapping.identifier, where=where)
    typed = [_typed(chosen, mapping, part, name, where=where) for name in mapping.origins(part)]
    rows = pl.DataFrame([chosen[FILE], chosen[ROW], uscc, *(t.value for t in typed)])
    faults = [_faults(t) for t in typed if t.bad.any()]
    told = pl.concat(faults) if faults else pl.DataFrame(schema=FAULT_SCHEMA)
    offered, taken = by_file(long), by_file(chosen)
    counts = {file: (count, taken.get(file, 0)) for file, count in offered.items()}
    return Shaped(_with_event(rows, mapping, part), told, counts)


def by_file(rows: pl.DataFrame) -> dict[int, int]:
    """Number of rows of each file."""
    return {int(file): int(n) for file, n in rows.group_by(FILE).agg(pl.len()).iter_rows()}


def _unpivoted(frame: pl.DataFrame, part: TableMapping, *, where: str) -> pl.DataFrame:
    if part.unpivot is None:
        return frame
    wide = part.unpivot.columns
    for name in wide:
        _need(name, frame, where=where)
    long = frame.unpivot(
        on=wide,
        index=[c for c in frame.columns if c not in wide],
        variable_name="attribute",
        value_name="value",
    )
    return long.with_columns(pl.col("attribute").replace(part.unpivot.rename))


def _selected(source: pl.DataFrame, part: TableMapping, *, where: str) -> pl.DataFrame:
    if part.unpivot is not None:
        source = source.filter(pl.col("value").is_not_null())
    if not part.where:
        return source
    return source.filter(sql(part.where, source, where=f"{where}, where"))


def sql(text: str, frame: pl.DataFrame, *, where: str) -> pl.Expr:
    """Parse a SQL expression over the frame's columns; errors name the text and the column."""
    try:
        expression = pl.sql_expr(text)
    except pl.exceptions.PolarsError as fault:
        raise BadMapping(f"{where}: {text!r} is not an SQL expression ({fault})") from None
    for name in expression.meta.root_names():
        _need(name, frame, where=where)
    try:
        frame.head(1).select(expression)
    except pl.exceptions.PolarsError as fault:
        reason = str(fault).splitlines()[0]
        raise BadMapping(f"{where}: {text!r} cannot be computed ({reason})") from None
    return expression


def _need(name: str, frame: pl.DataFrame, *, where: str) -> None:
    if name not in frame.columns:
        known = [c for c in frame.columns if c not in {FILE, ROW}]
        raise UnknownName("column of the delivery", name, known, where=where)


def _codes(source: pl.DataFrame, identifier: Identifier, *, where: str) -> pl.Series:
    keys = source.select(_raw(source, identifier.origin, where=where)).to_series().cast(pl.String)
    if identifier.kind == "uscc":
        return normal_usccs(keys).alias("uscc")
    unique = keys.drop_nulls().unique().to_list()
    codes = {key: str(surrogate_uscc(identifier.register_name, key)) for key in unique}
    if len(set(codes.values())) < len(codes):
        raise BadDelivery(f"{where}: two keys share one surrogate code")
    return keys.replace_strict(codes, default=None, return_dtype=pl.String).alias("uscc")


def _typed(
    source: pl.DataFrame, mapping: Mapping, part: TableMapping, name: str, *, where: str
) -> _Typed:
    """One column in its stored type; a literal is read once."""
    column, origin = part.table.column(name), mapping.origins(part)[name]
    place = f"{where}, column {name}"
    raw = source.select(_raw(source, origin, where=place).alias("raw"))["raw"]
    said = _plain(raw, origin, column, where=place)
    if name in ENVELOPE_DEFAULTS:
        said = said.fill_null(ENVELOPE_DEFAULTS[name])
    coded, unknown = _decoded(said, origin, column, part.table)
    value = cast(coded, origin, column, mapping)
    bad = (coded.is_not_null() & value.is_null()) | unknown
    value, bad = value.alias(column.stored), bad.fill_null(value=False)
    if raw.len() != source.height:
        value, bad, said = (c.new_from_index(0, source.height) for c in (value, bad, said))
    return _Typed(value, bad, said, column)


def _faults(typed: _Typed) -> pl.DataFrame:
    at = typed.bad.arg_true()
    return pl.DataFrame(
        {
            "at": at,
            "field": typed.column.name,
            "kind": typed.column.kind,
            "value": typed.said.gather(at).cast(pl.String),
            "dictionary": expectation(typed.column),
        },
        schema=FAULT_SCHEMA,
    )


def _plain(raw: pl.Series, origin: Origin, column: Column, *, where: str) -> pl.Series:
    try:
        return plain(raw, origin, column)
    except BadMapping as fault:
        raise BadMapping(f"{where}: {fault.message}") from None


def _raw(source: pl.DataFrame, origin: Origin, *, where: str) -> pl.Expr:
    if origin.column is not None:
        _need(origin.column, source, where=where)
        return pl.col(origin.column)
    if origin.sql is not None:
        return sql(origin.sql, source, where=where)
    if origin.format is not None:
        for name in placeholders(origin.format):
            _need(name, source, where=where)
        return formatted(origin.format)
    return pl.lit(origin.constant)


def placeholders(text: str) -> list[str]:
    """Columns that a format such as `{a}-{b}` names."""
    return _PLACEHOLDER.findall(text)


def formatted(text: str) -> pl.Expr:
    """The text with the values of the columns that it names."""
    return pl.format(_PLACEHOLDER.sub("{}", text), *map(pl.col, placeholders(text)))


def _decoded(
    raw: pl.Series, origin: Origin, column: Column, table: Table
) -> tuple[pl.Series, pl.Series]:
    """Apply the mapping's code list, else the registered synonyms; say what the list lacks."""
    never = pl.Series([False]).new_from_index(0, raw.len())
    if origin.codes:
        keys = raw.cast(pl.String)
        decoded = keys.replace_strict(
            origin.codes, default=origin.otherwise, return_dtype=pl.String
        )
        return decoded, keys.is_not_null() & decoded.is_null()
    known = synonyms(table.name, column.name) if column.kind == "enum" else {}
    if known and raw.dtype == pl.String:
        return raw.replace(dict(known)), never
    return raw, never


def _with_event(rows: pl.DataFrame, mapping: Mapping, part: TableMapping) -> pl.DataFrame:
    """Add `event_at`, the copy of the table's event column as a moment."""
    event = part.table.event
    moments = rows[event.stored]
    if event.kind == "date":
        moments = as_utc(moments.cast(pl.Datetime("us")), mapping)
    return rows.with_columns(moments.alias("event_at"))
