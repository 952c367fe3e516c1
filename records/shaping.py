"""Source rows in, typed rows of one canonical table out, each with the faults found on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from xinheng.domain import normal_uscc, surrogate_uscc
from xinheng.errors import BadDelivery, BadMapping, UnknownName
from xinheng.records.casting import cast, expectation, plain
from xinheng.records.mapping import Identifier, Mapping, Origin, TableMapping
from xinheng.records.tables import Column
from xinheng.records.times import as_utc

ROW = "_row"
"""Number of the source row, counted from 1 below the header."""
FAULTS = "_faults"
"""List of messages; a row with any is not accepted."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Shaped:
    """Typed rows and how many source rows the mapping itself left out."""

    rows: pl.DataFrame
    left_out: int


def shape(frame: pl.DataFrame, mapping: Mapping, part: TableMapping, *, file: str) -> Shaped:
    """Apply one table mapping to one file.

    Values that cannot be what their column declares become null and a fault of the row.
    """
    where = f"{file}, table {part.name}"
    numbered = frame.with_row_index(ROW, offset=1)
    source = _unpivoted(numbered, part, where=where)
    offered = source.height
    source = _selected(source, part, where=where)
    typed = [_typed(source, mapping, part, name, where=where) for name in mapping.origins(part)]
    uscc = _codes(source, mapping.identifier, where=where)
    rows = pl.DataFrame([source[ROW].cast(pl.Int64), uscc, *(column for column, _ in typed)])
    faults = pl.DataFrame([fault for _, fault in typed]).select(
        pl.concat_list(pl.all()).list.drop_nulls().alias(FAULTS)
    )
    return Shaped(_with_event(rows, mapping, part).hstack(faults), offered - source.height)


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
        known = [c for c in frame.columns if c != ROW]
        raise UnknownName("column of the delivery", name, known, where=where)


def _codes(source: pl.DataFrame, identifier: Identifier, *, where: str) -> pl.Series:
    keys = source.select(_raw(source, identifier.origin, where=where)).to_series().cast(pl.String)
    unique = keys.drop_nulls().unique().to_list()
    if identifier.kind == "uscc":
        codes = {key: normal_uscc(key) for key in unique}
    else:
        codes = {key: str(surrogate_uscc(identifier.register_name, key)) for key in unique}
        if len(set(codes.values())) < len(codes):
            raise BadDelivery(f"{where}: two keys share one surrogate code")
    return keys.replace_strict(codes, default=None, return_dtype=pl.String).alias("uscc")


def _typed(
    source: pl.DataFrame, mapping: Mapping, part: TableMapping, name: str, *, where: str
) -> tuple[pl.Series, pl.Series]:
    """Value column under its stored name, and the fault of each row or null."""
    column, origin = part.table.column(name), mapping.origins(part)[name]
    place = f"{where}, column {name}"
    raw = source.select(_raw(source, origin, where=place).alias("raw"))
    if raw.height != source.height:  # a literal
        raw = pl.DataFrame({"raw": raw["raw"].new_from_index(0, source.height)})
    told = _plain(raw["raw"], origin, column, where=place)
    coded, unknown = _decoded(told, origin)
    value = cast(coded, origin, column, mapping)
    bad = (coded.is_not_null() & value.is_null()) | unknown
    fault = pl.DataFrame({"raw": told.cast(pl.String), "bad": bad}).select(
        pl.when("bad").then(
            pl.format(f"{name}: '{{}}' is not {expectation(column)}", pl.col("raw"))
        )
    )
    return value.alias(column.stored), fault.to_series().alias(name)


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
        names = _PLACEHOLDER.findall(origin.format)
        for name in names:
            _need(name, source, where=where)
        return pl.format(_PLACEHOLDER.sub("{}", origin.format), *map(pl.col, names))
    return pl.lit(origin.constant)


def _decoded(raw: pl.Series, origin: Origin) -> tuple[pl.Series, pl.Series]:
    """Apply the code list; say which values it does not know."""
    never = pl.Series([False]).new_from_index(0, raw.len())
    if not origin.codes:
        return raw, never
    keys = raw.cast(pl.String)
    decoded = keys.replace_strict(origin.codes, default=origin.otherwise, return_dtype=pl.String)
    return decoded, keys.is_not_null() & decoded.is_null()


def _with_event(rows: pl.DataFrame, mapping: Mapping, part: TableMapping) -> pl.DataFrame:
    """Add `event_at`, the copy of the table's event column as a moment."""
    event = part.table.event
    moments = rows[event.stored]
    if event.kind == "date":
        moments = as_utc(moments.cast(pl.Datetime("us")), mapping)
    return rows.with_columns(moments.alias("event_at"))
