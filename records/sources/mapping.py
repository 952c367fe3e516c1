"""A mapping.toml: how the columns of one delivery become rows of the canonical tables."""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from xinheng.errors import BadMapping, UnknownName, near
from xinheng.records.tables import (
    DERIVED_COLUMNS,
    ENVELOPE_DEFAULTS,
    PLATFORM_COLUMNS,
    WARNED_OF,
    Table,
    table,
)

UNITS = {
    "元": 1.0, "yuan": 1.0, "千元": 1_000.0, "万元": 10_000.0, "wan_yuan": 10_000.0,
    "亿元": 100_000_000.0,
}  # fmt: skip
"""Yuan in one unit of what the source sends."""
EXCEL_DAYS = "excel"
"""Stands for a day form: days since 30 December 1899, as a spreadsheet counts them."""


PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Origin(_Strict):
    """Where the value of one target column comes from: exactly one of the first four."""

    column: str | None = Field(None, description="Source column")
    constant: str | int | float | bool | None = Field(None, description="The same in each row")
    format: str | None = Field(None, description="Text with {source_column} placeholders")
    sql: str | None = Field(None, description="SQL expression over source columns")
    codes: dict[str, str] = Field({}, description="Code list: source value to dictionary value")
    otherwise: str | None = Field(None, description="Value for codes that the list lacks")
    unit: str = Field("yuan", description="Of a money column: 元, 千元, 万元 or 亿元")
    separator: str = Field("|", description="Between the members of a set column")
    date_format: tuple[str, ...] = Field(
        (), description="strptime formats where dates are not ISO, or `excel` for its day numbers"
    )
    plus_days: int = Field(0, description="Days to add to a date or time")

    @field_validator("date_format", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return ((value,) if value else ()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [self.column, self.constant, self.format, self.sql]
        if sum(origin is not None for origin in given) != 1:
            raise ValueError("give exactly one of column, constant, format, sql")
        if self.unit not in UNITS:
            raise ValueError(f"unit {self.unit!r} is none of {', '.join(UNITS)}")
        return self

    @property
    def source_columns(self) -> list[str]:
        """Columns of the source that it names, but for those in SQL expressions."""
        if self.format is not None:
            return placeholders(self.format)
        return [self.column] if self.column is not None else []


def placeholders(text: str) -> list[str]:
    """Columns that a format such as `{a}-{b}` names.

    >>> placeholders("{SHOP}-{VISIT DATE}")
    ['SHOP', 'VISIT DATE']
    """
    return PLACEHOLDER.findall(text)


def _origin(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


_DEFAULTS = {name: Origin(constant=value) for name, value in ENVELOPE_DEFAULTS.items()}
AnyOrigin = Annotated[Origin, BeforeValidator(_origin)]


class Unpivot(_Strict):
    """Turn wide columns into rows with `attribute` (the column's name) and `value`."""

    columns: list[str] = Field(min_length=1)
    rename: dict[str, str] = Field({}, description="Column name to attribute name")


class TableMapping(_Strict):
    """How one file feeds one table."""

    name: str
    file: str = Field("*", description="File name or pattern inside the delivery")
    where: str = Field("", description="SQL condition; other rows are left out and counted")
    unpivot: Unpivot | None = None
    columns: dict[str, AnyOrigin]

    @property
    def table(self) -> Table:
        return table(self.name)

    @cached_property
    def said(self) -> str:
        """What it says of any file; equal texts mean the same."""
        return self.model_dump_json(exclude={"file"})


class Identifier(_Strict):
    """A real USCC column, or a stable code made from a foreign register's key."""

    kind: Literal["uscc", "surrogate"]
    column: str | None = Field(None, description="Source column with the code or key")
    format: str | None = Field(None, description="Key of several columns, as {a}-{b}")
    register_name: str = Field("", alias="register", description="Name of the foreign register")

    @model_validator(mode="after")
    def _surrogate_names_its_register(self) -> Self:
        if (self.kind == "surrogate") != bool(self.register_name):
            raise ValueError("a surrogate identifier, and only that, needs register")
        if (self.column is None) == (self.format is None):
            raise ValueError("give exactly one of column, format")
        return self

    @property
    def origin(self) -> Origin:
        return Origin(column=self.column, format=self.format)


class Mapping(_Strict):
    """A whole mapping.toml."""

    time_zone: str = Field("Asia/Shanghai", description="Of dates and times without a zone")
    encoding: str = Field("", description="Of CSV files, e.g. gb18030; empty: detected")
    delimiter: str = Field("", max_length=1, description="Of CSV files; empty: detected")
    sheet: str = Field("", description="Of workbooks; empty: the first")
    null_values: list[str] = Field([], description="Texts that mean: no value")
    identifier: Identifier
    envelope: dict[str, AnyOrigin] = Field({}, description="Columns common to all tables")
    tables: list[TableMapping] = Field(alias="table", min_length=1)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"no time zone {name!r}; {near(name, available_timezones())}")
        return name

    @cached_property
    def said(self) -> str:
        """What it says of all tables; equal texts mean the same."""
        return self.model_dump_json(by_alias=True, exclude={"tables"})

    @cached_property
    def source_columns(self) -> frozenset[str]:
        """Columns of the source that it names, but for those in SQL expressions."""
        origins = [self.identifier.origin, *self.envelope.values()]
        wide: list[str] = []
        for part in self.tables:
            origins += part.columns.values()
            wide += part.unpivot.columns if part.unpivot else []
        named = [name for origin in origins for name in origin.source_columns]
        return frozenset([*named, *wide])

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def origins(self, part: TableMapping) -> dict[str, Origin]:
        """Origin of each mapped column of one table, envelope included."""
        return _DEFAULTS | self.envelope | part.columns


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file.

    Raises
    ------
    BadMapping
        If it is no TOML, has unknown keys, or leaves out a column that the table needs.
    UnknownName
        If it names a table or a column that does not exist.
    """
    mapping = _parsed(path)
    for part in mapping.tables:
        _check_targets(mapping, part, where=f"{path.name}, table {part.name}")
    return mapping


def read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadMapping(f"{path} does not exist", hint="name a .toml file") from None
    except OSError as fault:
        raise BadMapping(f"{path} cannot be read: {fault.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise BadMapping(f"{path} is not TOML: {fault}") from None


def first_fault(path: Path, fault: ValidationError) -> BadMapping:
    """Turn pydantic's report into one line that names the place and the nearest valid key."""
    error = fault.errors()[0]
    place = ".".join(map(str, error["loc"]))
    message = error["msg"].removeprefix("Value error, ")
    more = f" (and {fault.error_count() - 1} more)" if fault.error_count() > 1 else ""
    hint = "see docs/mapping.md and docs/studies.md for the keys"
    return BadMapping(f"{path.name}, {place}: {message}{more}", hint=hint)


def _parsed(path: Path) -> Mapping:
    try:
        return Mapping.model_validate(read_toml(path))
    except ValidationError as fault:
        raise first_fault(path, fault) from None


def _check_targets(mapping: Mapping, part: TableMapping, *, where: str) -> None:
    target = table(part.name, where=where)
    origins = mapping.origins(part)
    mapped = set(origins) | PLATFORM_COLUMNS | DERIVED_COLUMNS | WARNED_OF
    for name in origins:
        target.column(name, where=where)
        if name in PLATFORM_COLUMNS | DERIVED_COLUMNS:
            raise BadMapping(f"{where}: {name} is set by the platform", hint="leave it out")
    mapped |= {"known_at"}  # without it, rows are known from their arrival
    missing = [c.name for c in target.columns if not c.nullable and c.name not in mapped]
    if missing:
        raise BadMapping(
            f"{where}: {', '.join(missing)} must be mapped",
            hint="give a source column, or a constant where it is the same in all rows",
        )
    for name, origin in origins.items():
        column = target.column(name)
        told = [*origin.codes.values(), *([origin.otherwise] if origin.otherwise else [])]
        for value in sorted({*told} - {*column.options}) if column.kind == "enum" else []:
            raise UnknownName(f"value of {name}", value, column.options, where=where)
