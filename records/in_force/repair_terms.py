"""From which day on the repair of a record may be asked for: the terms of `repair_terms.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from xinheng.records.duties.rules import DutyKind
from xinheng.records.in_force.rules import end_columns

REPAIR_DAYS: dict[str, pl.DataType] = {
    "uscc": pl.String(),
    "record_id": pl.String(),
    "table": pl.String(),
    "rule": pl.String(),
    "earliest_on": pl.Date(),
    "ends_on": pl.Date(),
}
"""A row a record: the first day on which its repair may be asked for (null: not known in advance),
and the day from which on it is over by itself (null: never)."""
_UNREPAIRABLE = ("repaired", "not_repairable")


class RepairTerm(BaseModel):
    """The shortest time before a repair of some records."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    table: str
    where: str = Field(description="SQL condition over the table")
    begins: str = Field(alias="from", description="Day that it counts from")
    after: str = Field("", description="Such as 3mo; empty: no day is known in advance")
    duties: tuple[DutyKind, ...] = Field(
        (), description="Overdue duties of these kinds come first, beside those of the record"
    )
    valid_from: date = Field(description="First day of the rule")
    name_zh: str
    name_en: str

    @property
    def earliest_on(self) -> pl.Expr:
        """The first day, of rows of the table."""
        if not self.after:
            return pl.lit(None, pl.Date)
        return pl.col(self.begins).dt.offset_by(self.after)


@cache
def repair_terms() -> Mapping[str, tuple[RepairTerm, ...]]:
    """By table its terms; the first whose condition holds counts."""
    text = files("xinheng.records.in_force").joinpath("repair_terms.toml").read_text("utf-8")
    found: dict[str, tuple[RepairTerm, ...]] = {}
    for told in tomllib.loads(text)["term"]:
        term = RepairTerm.model_validate(told)
        found[term.table] = (*found.get(term.table, ()), term)
    return found


@cache
def term_columns(name: str) -> frozenset[str]:
    """Own columns of a table that its terms read."""
    named = {
        column
        for term in repair_terms()[name]
        for column in (term.begins, *pl.sql_expr(term.where).meta.root_names())
    }
    return frozenset({*named, *end_columns(name), "repair_status", "publicity_until"})


def repair_days(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """From which day on the repair of each record may be asked for: `REPAIR_DAYS`.

    Parameters
    ----------
    rows
        Records in force of a table that has terms, with `term_columns`.
    """
    open_ones = rows.filter(~pl.col("repair_status").is_in(_UNREPAIRABLE).fill_null(value=False))
    rule, earliest = pl.lit(None, pl.String), pl.lit(None, pl.Date)
    for term in reversed(repair_terms()[name]):
        holds = pl.sql_expr(term.where)
        rule = pl.when(holds).then(pl.lit(term.rule)).otherwise(rule)
        earliest = pl.when(holds).then(term.earliest_on).otherwise(earliest)
    told = open_ones.select(
        "uscc",
        "record_id",
        table=pl.lit(name),
        rule=rule,
        earliest_on=earliest,
        ends_on=pl.min_horizontal("publicity_until", *end_columns(name)),
    )
    return told.filter(pl.col("rule").is_not_null()).cast(REPAIR_DAYS)  # type: ignore[arg-type]


def term_named(name: str, rule: str) -> RepairTerm:
    """A term of a table by its rule."""
    return next(term for term in repair_terms()[name] if term.rule == rule)
