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
from xinheng.records.sources.times import Said, as_utc
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
    column: Column
    value: pl.Series
    bad: pl.Series
    said: pl.Series

    def of(self, height: int) -> _Typed:
        """The same for all rows, of what was read once."""
        if len(self.value) == height:
            return self
        told = (one.new_from_index(0, height) for one in (self.value, self.bad, self.said))
        return _Typed(self.column, *told)


def shape(source: pl.DataFrame, mapping: Mapping, part: TableMapping, *, where: str) -> Shaped:
    """Apply one table mapping to source rows that carry `FILE` and `ROW`.

    Values that cannot be what their column declares become null and a fault.
    """
    long = _unpivoted(source, part, where=where)
    chosen = _selected(long, part, where=where)
    uscc = _codes(chosen, mapping.identifier, where=where)
    typed = _typed(chosen, mapping, part, where=where)
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
    source: pl.DataFrame, mapping: Mapping, part: TableMapping, *, where: str
) -> list[_Typed]:
    """All columns in their stored types; what is the same for all rows is read once."""
    origins = mapping.origins(part)
    raw = {
        name: _raw(source, origin, where=f"{where}, column {name}").alias(name)
        for name, origin in origins.items()
    }
    fixed = [name for name, one in raw.items() if not one.meta.root_names()]
    other = [name for name in origins if name not in fixed]
    told = _read(source.select(raw[name] for name in other), mapping, part, where=where)
    if fixed:
        told |= _read(pl.select(raw[name] for name in fixed), mapping, part, where=where)
    return [told[name].of(source.height) for name in origins]


def _read(
    raw: pl.DataFrame, mapping: Mapping, part: TableMapping, *, where: str
) -> dict[str, _Typed]:
    """Columns step by step, all beside each other: as said, decoded, in the stored type."""
    origins, columns = mapping.origins(part), {n: part.table.column(n) for n in raw.columns}
    plain_ones = {
        name: _plain(one, origins[name], columns[name], where=where)
        for name, one in _said(raw).items()
    }
    said = raw.select(
        one.told.fill_null(ENVELOPE_DEFAULTS[name]) if name in ENVELOPE_DEFAULTS else one.told
        for name, one in plain_ones.items()
    )
    coded = said.select(
        _decoded(one, origins[name], columns[name], part.table) for name, one in _said(said).items()
    )
    values = coded.with_columns(
        cast(one, origins[name], columns[name], mapping).alias(name)
        for name, one in _said(coded).items()
    )
    is_bad = pl.DataFrame([*said, *values.rename(lambda name: f"value:{name}")]).select(
        (pl.col(f"value:{name}").is_null() & pl.col(name).is_not_null()).alias(name)
        for name in columns
    )
    return {
        name: _Typed(column, values[name].alias(column.stored), is_bad[name], said[name])
        for name, column in columns.items()
    }


def _said(frame: pl.DataFrame) -> dict[str, Said]:
    return {name: Said(pl.col(name), dtype) for name, dtype in frame.schema.items()}


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


def _plain(raw: Said, origin: Origin, column: Column, *, where: str) -> Said:
    try:
        return plain(raw, origin, column)
    except BadMapping as fault:
        raise BadMapping(f"{where}, column {column.name}: {fault.message}") from None


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


def _decoded(said: Said, origin: Origin, column: Column, table: Table) -> pl.Expr:
    """Apply the mapping's code list, else the registered synonyms."""
    if origin.codes:
        keys = said.told.cast(pl.String)
        return keys.replace_strict(origin.codes, default=origin.otherwise, return_dtype=pl.String)
    known = synonyms(table.name, column.name) if column.kind == "enum" else {}
    return said.told.replace(dict(known)) if known and said.dtype == pl.String else said.told


def _with_event(rows: pl.DataFrame, mapping: Mapping, part: TableMapping) -> pl.DataFrame:
    """Add `event_at`, the copy of the table's event column as a moment."""
    event = part.table.event
    moment = pl.col(event.stored)
    if event.kind == "date":
        moment = as_utc(moment, mapping)
    return rows.with_columns(moment.alias("event_at"))
