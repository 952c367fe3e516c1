"""The table of checks, and how a failure is found and told."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as default
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Literal

import polars as pl

from xinheng.domain import ZONE
from xinheng.records.codes.deployment import CodeTables, delivered_codes
from xinheng.records.codes.succession import NO_SUCCESSIONS, Successions
from xinheng.records.duties.workdays import Workdays, workdays
from xinheng.records.gate.validity import Archive, Versions
from xinheng.records.tables import Table

Severity = Literal["reject", "quarantine", "warn"]
Condition = pl.Expr | pl.Series
Said = Mapping[str, Condition | str]

FINDING_SCHEMA: dict[str, pl.DataType] = {
    "at": pl.UInt32(),
    "check": pl.String(),
    "severity": pl.String(),
    "field": pl.String(),
    "message_en": pl.String(),
    "message_zh": pl.String(),
}
"""One failed check of one row: `at` is the row's place among those examined."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of `checks.csv`."""

    id: str
    severity: Severity
    record_type: str
    """A table, or `*` for all."""
    rule: str
    message_en: str
    message_zh: str


@dataclass(frozen=True, slots=True)
class Failure:
    """One way to fail a check: the rows that do, the field to blame and what the message says.

    Message placeholders that are columns of the row need no value here; money is told in yuan. A
    value that depends on the language has a name with its suffix, as `reason_zh`.
    """

    when: Condition
    field: str = ""
    says: Said = default(default_factory=dict)
    severity: Severity | None = None
    """Instead of that of the check."""
    messages: tuple[str, str] | None = None
    """In English and Chinese, where those of the check do not name the fault."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Rows of one table under examination, and the records around them.

    Records are only to be had beside the rows: those that were known, and still stood, when each
    row arrived. `archive` holds the records of the enterprises under examination by table, `whole`
    those of all enterprises. `codes` are the code tables and `calendar` the working days of the
    deployment.
    """

    table: Table
    rows: pl.DataFrame
    archive: Callable[[str], Archive]
    whole: Callable[[str], Archive]
    codes: CodeTables = default(default_factory=delivered_codes)
    calendar: Workdays = default(default_factory=workdays)
    confirmed: Mapping[str, datetime] = default(default_factory=dict)
    """Codes outside the check rule that the register confirmed, and since when they are valid."""
    successions: Successions = NO_SUCCESSIONS
    """The codes of firms that changed theirs, as the lake knows them."""

    def records(self, name: str) -> Versions:
        """A table's records of the enterprises under examination."""
        return self._versions(self.archive(name))

    def everyone(self, name: str) -> Versions:
        """A table's records of all enterprises."""
        return self._versions(self.whole(name))

    def _versions(self, archive: Archive) -> Versions:
        return Versions(archive.rows, archive.later, self.rows)

    def has(self, *columns: str) -> bool:
        return all(column in self.rows.columns for column in columns)


Check = Callable[[Scene], Iterable[Failure]]


@cache
def rules() -> Mapping[str, Rule]:
    """All checks by id, as the domain specification numbers them."""
    text = files("xinheng.records.gate").joinpath("checks.csv").read_text(encoding="utf-8")
    return {row["id"]: _rule(row) for row in csv.DictReader(text.splitlines())}


def examine(scene: Scene, checks: Mapping[str, Check]) -> pl.DataFrame:
    """Apply checks to rows: `FINDING_SCHEMA`, in the order of the checks."""
    failures = [
        (check_id, failure)
        for check_id, check in checks.items()
        if rules()[check_id].record_type in {"*", scene.table.name}
        for failure in check(scene)
    ]
    return write_findings(scene.rows, failures)


def write_findings(rows: pl.DataFrame, failures: Sequence[tuple[str, Failure]]) -> pl.DataFrame:
    """Failures of checks, by id, as findings: `FINDING_SCHEMA`."""
    if not failures:
        return no_findings()
    columns = {str(i): failure.when for i, (_, failure) in enumerate(failures)}
    masks = rows.select(**columns)
    told = [
        _told(rows, rules()[check], failure, masks[str(i)].fill_null(value=False).arg_true())
        for i, (check, failure) in enumerate(failures)
        if masks[str(i)].any()
    ]
    return pl.concat(told) if told else no_findings()


@cache
def no_findings() -> pl.DataFrame:
    return pl.DataFrame(schema=FINDING_SCHEMA)


def _told(rows: pl.DataFrame, rule: Rule, failure: Failure, at: pl.Series) -> pl.DataFrame:
    bad = rows[at]
    said = {
        name: value.gather(at) if isinstance(value, pl.Series) else value
        for name, value in failure.says.items()
    }
    constants = {name: value for name, value in said.items() if isinstance(value, str)}
    computed = {name: value for name, value in said.items() if not isinstance(value, str)}
    spoken = bad.with_columns(**{f"says:{name}": value for name, value in computed.items()})
    texts = failure.messages or (rule.message_en, rule.message_zh)
    messages = [
        _message(text, spoken, {"field": failure.field, **constants}, language)
        for text, language in zip(texts, ("en", "zh"), strict=True)
    ]
    return spoken.select(
        at=at.cast(pl.UInt32),
        check=pl.lit(rule.id),
        severity=pl.lit(failure.severity or rule.severity),
        field=pl.lit(failure.field),
        message_en=messages[0],
        message_zh=messages[1],
    )


def _message(text: str, rows: pl.DataFrame, constants: Mapping[str, str], language: str) -> pl.Expr:
    names = _PLACEHOLDER.findall(text)
    own = [f"{n}_{language}" if f"says:{n}_{language}" in rows.columns else n for n in names]
    values = [_value(name, rows, constants) for name in own]
    return pl.format(_PLACEHOLDER.sub("{}", text), *values) if names else pl.lit(text)


def _value(name: str, rows: pl.DataFrame, constants: Mapping[str, str]) -> pl.Expr:
    if f"says:{name}" in rows.columns:
        return as_text(pl.col(f"says:{name}"), rows.schema[f"says:{name}"])
    if name in constants:
        return pl.lit(constants[name])
    if name in rows.columns:
        return as_text(pl.col(name), rows.schema[name])
    fen = f"{name.removesuffix('_yuan')}_fen"
    if fen in rows.columns:
        return yuan(pl.col(fen)).fill_null(_UNKNOWN)
    return pl.lit(_UNKNOWN)


def as_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A value as a message says it: moments as legal days, sets joined."""
    if isinstance(dtype, pl.Datetime):
        local = value.dt.convert_time_zone(str(ZONE)) if dtype.time_zone else value
        return local.dt.strftime("%Y-%m-%d").fill_null(_UNKNOWN)
    if isinstance(dtype, pl.List):
        return value.cast(pl.List(pl.String)).list.join(", ").fill_null(_UNKNOWN)
    return value.cast(pl.String).fill_null(_UNKNOWN)


def yuan(fen: pl.Expr) -> pl.Expr:
    """Fen as yuan text, exact: 12345 is 123.45, 12300 is 123."""
    whole = (fen.abs() // 100).cast(pl.String)
    rest = (fen.abs() % 100).cast(pl.String).str.zfill(2)
    sign = pl.when(fen < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    cents = pl.when(rest == "00").then(pl.lit("")).otherwise(pl.format(".{}", rest))
    return pl.concat_str(sign, whole, cents)


def _rule(row: Mapping[str, str]) -> Rule:
    severity = row["severity"]
    assert severity in {"reject", "quarantine", "warn"}, row["id"]
    return Rule(
        id=row["id"],
        severity=severity,  # type: ignore[arg-type]
        record_type=row["record_type"],
        rule=row["rule"],
        message_en=row["message_en"],
        message_zh=row["message_zh"],
    )
