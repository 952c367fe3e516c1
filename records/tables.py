"""The canonical record tables, declared in `tables.csv`: one row a column."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from itertools import groupby

import polars as pl

from xinheng.errors import UnknownName

MOMENT = pl.Datetime("us", "UTC")
"""Time is kept as integer microseconds, UTC."""

PLATFORM_COLUMNS = frozenset({"record_id", "version", "batch_id", "quality_status"})
"""Envelope columns that only the platform may set."""

DERIVED_COLUMNS = frozenset({"uscc", "event_at"})
"""Envelope columns made from the mapping's identifier and from the table's event column."""

ENVELOPE_DEFAULTS = {"operation": "insert", "repair_status": "none", "dispute_status": "none"}

WARNED_OF = frozenset({"selection_reason"})
"""Columns that should have a value and need none: without it a row is warned of (QC27)."""

_DTYPES: dict[str, pl.DataType] = {
    "date": pl.Date(),
    "datetime": MOMENT,
    "integer": pl.Int64(),
    "decimal": pl.Float64(),
    "boolean": pl.Boolean(),
    "set": pl.List(pl.String),
}


@dataclass(frozen=True)
class Column:
    """One declared column; `kind` is the type's first word, `options` its closed values."""

    name: str
    kind: str
    options: tuple[str, ...]
    unit: str
    nullable: bool
    roles: frozenset[str]
    meaning: str

    @property
    def is_money(self) -> bool:
        return self.unit == "yuan"

    @cached_property
    def stored(self) -> str:
        """Name in the lake: money is kept as integer fen and says so."""
        return f"{self.name.removesuffix('_yuan')}_fen" if self.is_money else self.name

    @cached_property
    def dtype(self) -> pl.DataType:
        return pl.Int64() if self.is_money else _DTYPES.get(self.kind, pl.String())

    @property
    def is_free_text(self) -> bool:
        return self.kind in {"string", "char"}

    @property
    def is_key_field(self) -> bool:
        """重点字段: presence, format and dictionary are always checked."""
        return "K" in self.roles


@dataclass(frozen=True)
class Table:
    """One record table: the common envelope and its own columns."""

    name: str
    own: tuple[Column, ...]

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        own = {c.name for c in self.own}
        return (*(c for c in envelope() if c.name not in own), *self.own)

    @cached_property
    def event(self) -> Column:
        """The column that `event_at` copies."""
        return next(c for c in self.own if "event" in c.roles)

    @cached_property
    def schema(self) -> dict[str, pl.DataType]:
        return {c.stored: c.dtype for c in self.columns}

    def column(self, name: str, *, where: str = "") -> Column:
        if name not in self._by_name:
            raise UnknownName(f"column of {self.name}", name, self._by_name, where=where)
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {c.name: c for c in self.columns}


def table(name: str, *, where: str = "") -> Table:
    if name not in tables():
        raise UnknownName("record table", name, tables(), where=where)
    return tables()[name]


@cache
def tables() -> Mapping[str, Table]:
    """All tables that departments deliver, by name."""
    return {
        name: Table(name, columns)
        for name, columns in _declared().items()
        if name not in {"_envelope", "obligation"}
    }


@cache
def table_names() -> Mapping[str, Mapping[str, str]]:
    """Of each table its name for people, by language: `zh` and `en`."""
    text = files("xinheng.records").joinpath("table_names.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def envelope() -> tuple[Column, ...]:
    return _declared()["_envelope"]


@cache
def _declared() -> dict[str, tuple[Column, ...]]:
    text = files("xinheng.records").joinpath("tables.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        name: tuple(map(_column, group))
        for name, group in groupby(rows, key=lambda row: row["record_type"])
    }


def _column(row: dict[str, str]) -> Column:
    kind, _, rest = row["type"].partition("(")
    closed = kind in {"enum", "set"}
    return Column(
        name=row["column"],
        kind=kind,
        options=tuple(rest.rstrip(")").split("|")) if closed else (),
        unit=row["unit"],
        nullable=row["nullable"] == "yes",
        roles=frozenset(row["key"].split("|")) - {""},
        meaning=row["meaning"],
    )
