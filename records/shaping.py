"""Source rows in, typed rows of one canonical table out, each with the faults found on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from xinheng.domain import normal_uscc, surrogate_uscc
from xinheng.errors import BadDelivery, BadMapping, UnknownName
from xinheng.records.mapping import UNITS, Identifier, Mapping, Origin, TableMapping
from xinheng.records.tables import MOMENT, Column

ROW = "_row"
"""Number of the source row, counted from 1 below the header."""
FAULTS = "_faults"
"""List of messages; a row with any is not accepted."""

_TRUE = ["true", "t", "yes", "y", "1", "1.0", "是"]
_FALSE = ["false", "f", "no", "n", "0", "0.0", "否"]
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
    typed = [_typed(source, mapping, part, name, where=where) for name in _targets(mapping, part)]
    uscc = _codes(source, mapping.identifier, where=where)
    rows = pl.DataFrame([source[ROW].cast(pl.Int64), uscc, *(column for column, _ in typed)])
    faults = pl.DataFrame([fault for _, fault in typed]).select(
        pl.concat_list(pl.all()).list.drop_nulls().alias(FAULTS)
    )
    return Shaped(_with_event(rows, mapping, part).hstack(faults), offered - source.height)


def _targets(mapping: Mapping, part: TableMapping) -> list[str]:
    return [name for name in mapping.origins(part) if name not in {"uscc", "event_at"}]


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
    _need(identifier.column, source, where=where)
    keys = source[identifier.column].cast(pl.String)
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
    coded, unknown = _decoded(raw["raw"], origin, column)
    value = _cast(coded, origin, column, mapping)
    bad = (coded.is_not_null() & value.is_null()) | unknown
    fault = pl.DataFrame({"raw": raw["raw"].cast(pl.String, strict=False), "bad": bad}).select(
        pl.when("bad").then(
            pl.format(f"{name}: '{{}}' is not {_expectation(column)}", pl.col("raw"))
        )
    )
    return value.alias(column.stored), fault.to_series().alias(name)


def _expectation(column: Column) -> str:
    if column.options:
        return f"one of {', '.join(column.options)}"
    article = "an" if column.kind == "integer" else "a"
    kind = {"decimal": "number", "boolean": "yes/no value", "datetime": "date and time"}
    return f"{article} {'real date' if column.kind == 'date' else kind.get(column.kind, column.kind)}"


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


def _decoded(raw: pl.Series, origin: Origin, column: Column) -> tuple[pl.Series, pl.Series]:
    """Apply the code list; say which values it does not know."""
    never = pl.Series([False]).new_from_index(0, raw.len())
    if not origin.codes:
        return raw, never
    keys = raw.cast(pl.String).str.strip_chars()
    decoded = keys.replace_strict(origin.codes, default=origin.otherwise, return_dtype=pl.String)
    return decoded, keys.is_not_null() & decoded.is_null()


def _cast(raw: pl.Series, origin: Origin, column: Column, mapping: Mapping) -> pl.Series:
    text = raw.dtype == pl.String
    clean = _blank(raw.str.strip_chars(), raw.str.strip_chars() == "") if text else raw
    if column.is_money:
        number = clean.cast(pl.Float64, strict=False) * (UNITS[origin.unit] * 100)
        return number.round().cast(pl.Int64, strict=False)
    match column.kind:
        case "date":
            return _dates(clean, origin)
        case "datetime":
            return _moments(clean, origin, mapping)
        case "integer":
            number = clean.cast(pl.Float64, strict=False)
            return _blank(number, number != number.round()).cast(pl.Int64, strict=False)
        case "decimal":
            return clean.cast(pl.Float64, strict=False)
        case "boolean":
            return _booleans(clean)
        case "enum":
            named = clean.cast(pl.String)
            return _blank(named, ~named.is_in(column.options))
        case "set":
            return _sets(clean, origin, column)
        case _:
            return clean.cast(pl.String)


def _dates(raw: pl.Series, origin: Origin) -> pl.Series:
    if raw.dtype == pl.String:
        form = origin.date_format or "%Y-%m-%d"
        text = raw if origin.date_format else raw.str.slice(0, 10)
        raw = text.str.to_date(form, strict=False)
    return raw.cast(pl.Date, strict=False).dt.offset_by(f"{origin.plus_days}d")


def _moments(raw: pl.Series, origin: Origin, mapping: Mapping) -> pl.Series:
    """Wall-clock times of the mapping's zone as UTC; a bare date is its first moment."""
    if raw.dtype == pl.String:
        if origin.date_format:
            raw = raw.str.to_datetime(origin.date_format, time_unit="us", strict=False)
        else:
            days = raw.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
            times = raw.str.replace("T", " ").str.to_datetime(
                "%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False
            )
            raw = times.zip_with(times.is_not_null(), days)
    if not raw.dtype.is_temporal():
        return pl.Series([None], dtype=MOMENT).new_from_index(0, raw.len())
    zone = getattr(raw.dtype, "time_zone", None)
    moments = raw.cast(pl.Datetime("us", zone)).dt.offset_by(f"{origin.plus_days}d")
    return _utc(moments, mapping) if zone is None else moments.dt.convert_time_zone("UTC")


def _utc(wall_clock: pl.Series, mapping: Mapping) -> pl.Series:
    zoned = wall_clock.dt.replace_time_zone(
        mapping.time_zone, ambiguous="earliest", non_existent="null"
    )
    return zoned.dt.convert_time_zone("UTC")


def _blank(values: pl.Series, where: pl.Series) -> pl.Series:
    return pl.select(pl.when(~where.fill_null(value=False)).then(values)).to_series()


def _booleans(raw: pl.Series) -> pl.Series:
    text = raw.cast(pl.String).str.to_lowercase()
    known = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
    return text.replace_strict(known, default=None, return_dtype=pl.Boolean)


def _sets(raw: pl.Series, origin: Origin, column: Column) -> pl.Series:
    members = raw if raw.dtype == pl.List else raw.cast(pl.String).str.split(origin.separator)
    members = members.list.eval(pl.element().str.strip_chars()).list.sort()
    foreign = members.list.eval(~pl.element().is_in(column.options)).list.any()
    return _blank(members, foreign)


def _with_event(rows: pl.DataFrame, mapping: Mapping, part: TableMapping) -> pl.DataFrame:
    """Add `event_at`, the copy of the table's event column as a moment."""
    event = part.table.event
    moments = rows[event.stored]
    if event.kind == "date":
        moments = _utc(moments.cast(pl.Datetime("us")), mapping)
    return rows.with_columns(moments.alias("event_at"))
