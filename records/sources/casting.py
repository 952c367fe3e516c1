"""Delivered values as the types that their columns declare; what cannot be one becomes null."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from xinheng.errors import BadMapping
from xinheng.records.codes.dictionary import synonyms
from xinheng.records.sources.mapping import Mapping, Origin
from xinheng.records.sources.numbers import decimals, fen, integers
from xinheng.records.sources.times import Said, dates, moments
from xinheng.records.tables import Column

_PLAIN = (pl.String, pl.Boolean, pl.Date, pl.Datetime)
_TRUE = ("true", "t", "yes", "y", "1", "1.0", "是")
_FALSE = ("false", "f", "no", "n", "0", "0.0", "否")
_TYPE_NAMES = {
    "date": "real dates",
    "datetime": "dates and times",
    "integer": "whole numbers",
    "decimal": "numbers",
    "boolean": "yes or no",
}


def cast(said: Said, origin: Origin, column: Column, mapping: Mapping) -> pl.Expr:
    """Values in the column's stored type; null where there was none or it cannot be read."""
    if column.is_money:
        return fen(said, origin)
    if column.kind == "datetime":
        return moments(said, origin, mapping)
    if column.kind == "date":
        return dates(said, origin, mapping)
    return _CASTS.get(column.kind, _texts)(said, origin, column)


def for_csv(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with set columns joined, as a CSV file can hold them."""
    return rows.with_columns(pl.col(pl.List(pl.String)).list.join("|"))


def expectation(column: Column) -> str:
    """Dictionary of the column's values, to end the sentence "'x' is not in the dictionary ..."."""
    if column.options:
        return ", ".join(column.options)
    return _TYPE_NAMES.get(column.kind, "texts")


def plain(raw: Said, origin: Origin, column: Column) -> Said:
    """Values as text, number, yes/no or time, whatever the file's own types; blanks are no value.

    Raises
    ------
    BadMapping
        If the type, such as a structure or a duration, can be no value of a table.
    """
    told, kind = raw
    if isinstance(kind, pl.Categorical | pl.Enum | pl.Null):
        told, kind = told.cast(pl.String), pl.String()
    elif isinstance(kind, pl.Decimal):
        told, kind = told.cast(pl.Float64), pl.Float64()
    elif kind == pl.List(pl.String) and column.kind == "set":
        told, kind = told.list.join(origin.separator), pl.String()
    elif not (kind.is_numeric() or isinstance(kind, _PLAIN)):
        raise BadMapping(f"a source column of type {kind} cannot hold {expectation(column)}")
    return Said(_without_blanks(told) if kind == pl.String else told, kind)


def _without_blanks(told: pl.Expr) -> pl.Expr:
    """Texts trimmed; empty ones are no value."""
    trimmed = told.str.strip_chars()
    return pl.when(trimmed != "").then(trimmed)


def _texts(said: Said, _: Origin, __: Column) -> pl.Expr:
    return said.told if said.dtype == pl.String else said.told.cast(pl.String)


def _enums(said: Said, origin: Origin, column: Column) -> pl.Expr:
    named = _texts(said, origin, column)
    return pl.when(named.is_in(column.options)).then(named)


def _booleans(said: Said, origin: Origin, column: Column) -> pl.Expr:
    if said.dtype == pl.Boolean:
        return said.told
    text = _texts(said, origin, column).str.to_lowercase()
    known = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
    return text.replace_strict(known, default=None, return_dtype=pl.Boolean)


def _sets(said: Said, origin: Origin, column: Column) -> pl.Expr:
    members = _texts(said, origin, column).str.split(origin.separator)
    told = pl.element().str.strip_chars().replace(dict(synonyms("penalty", column.name)))
    members = members.list.eval(told.sort())
    foreign = members.list.set_difference(list(column.options)).list.len() > 0
    return pl.when(~foreign.fill_null(value=False)).then(members)


_CASTS: dict[str, Callable[[Said, Origin, Column], pl.Expr]] = {
    "integer": integers,
    "decimal": decimals,
    "boolean": _booleans,
    "enum": _enums,
    "set": _sets,
}
