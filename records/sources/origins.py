"""Where the values of a target column come from: expressions over the source's columns."""

from __future__ import annotations

import polars as pl

from xinheng.errors import BadMapping, UnknownName
from xinheng.records.sources.mapping import PLACEHOLDER, Origin, placeholders

FILE = "_file"
"""Number of the delivered file among those taken together."""
ROW = "_row"
"""Number of the source row in its file, counted from 1 below the header; of the rows that one wide
row becomes, the second and later ones are `WIDE` and more further on, so that none is another."""
WIDE = 1 << 40


def raw(source: pl.DataFrame, origin: Origin, *, where: str) -> pl.Expr:
    """The values as the source has them.

    Raises
    ------
    BadMapping
        If an SQL expression cannot be computed.
    UnknownName
        If the source has no such column.
    """
    if origin.column is not None:
        need(origin.column, source, where=where)
        return pl.col(origin.column)
    if origin.sql is not None:
        return sql(origin.sql, source, where=where)
    if origin.format is not None:
        for name in placeholders(origin.format):
            need(name, source, where=where)
        return formatted(origin.format)
    return pl.lit(origin.constant)


def sql(text: str, frame: pl.DataFrame, *, where: str) -> pl.Expr:
    """Parse a SQL expression over the frame's columns; errors name the text and the column."""
    try:
        expression = pl.sql_expr(text)
    except pl.exceptions.PolarsError as fault:
        raise BadMapping(f"{where}: {text!r} is not an SQL expression ({fault})") from None
    for name in expression.meta.root_names():
        need(name, frame, where=where)
    try:
        frame.head(1).select(expression)
    except pl.exceptions.PolarsError as fault:
        reason = str(fault).splitlines()[0]
        raise BadMapping(f"{where}: {text!r} cannot be computed ({reason})") from None
    return expression


def need(name: str, frame: pl.DataFrame, *, where: str) -> None:
    """Refuse a column that the source has not."""
    if name not in frame.columns:
        known = [c for c in frame.columns if c not in {FILE, ROW}]
        raise UnknownName("column of the delivery", name, known, where=where)


def formatted(text: str) -> pl.Expr:
    """The text with the values of the columns that it names."""
    return pl.format(PLACEHOLDER.sub("{}", text), *map(pl.col, placeholders(text)))
