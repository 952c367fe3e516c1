"""Which columns of a table decide whether a record is in force: the rows of `rules.csv`.

`only` in force with one of the values; `never` not in force with one of them; `empty` not in force
where all of its values are among them and every amount of the record is 0; `ends` not from the
first moment of that day on; `asked` for a day that ends something else, which whoever means it
asks for. What every record has in common (versions, repair, publicity, dispute) is in the envelope.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl

from xinheng.records.frames import NONE, Bools, Ints, days, first_moments, is_in, wholes
from xinheng.records.tables import table

RULES = ("only", "never", "empty", "ends", "asked")


@dataclass(frozen=True, slots=True)
class ForceRule:
    """What one column says of a record's being in force."""

    column: str
    rule: str
    values: frozenset[str]


@cache
def force_rules() -> Mapping[str, tuple[ForceRule, ...]]:
    """By table its rules, those of kind `asked` included."""
    text = files("xinheng.records.in_force").joinpath("rules.csv").read_text(encoding="utf-8")
    found: dict[str, tuple[ForceRule, ...]] = {}
    for row in csv.DictReader(text.splitlines()):
        name, column, rule = row["record_type"], row["column"], row["rule"]
        stored = table(name, where="rules.csv").column(column, where="rules.csv").stored
        assert rule in RULES, f"rules.csv: {name}.{column} has the rule {rule}"
        values = frozenset(row["values"].split("|")) - {""}
        found[name] = (*found.get(name, ()), ForceRule(stored, rule, values))
    return found


@cache
def _rules(name: str, *kinds: str) -> tuple[ForceRule, ...]:
    return tuple(one for one in force_rules().get(name, ()) if one.rule in kinds)


@cache
def values_in_force(name: str, column: str) -> frozenset[str]:
    """The values of a column with one of which alone a record of a table is in force."""
    return next(one.values for one in _rules(name, "only") if one.column == column)


@cache
def rule_columns(name: str) -> tuple[str, ...]:
    """Columns of a table that decide whether its records are in force."""
    own = [one.column for one in _rules(name, "only", "never", "empty", "ends")]
    return (*own, *(_amounts(name) if _rules(name, "empty") else ()))


@cache
def _amounts(name: str) -> tuple[str, ...]:
    return tuple(column.stored for column in table(name).own if column.is_money)


@cache
def end_columns(name: str) -> tuple[str, ...]:
    """Columns of a table with a day on which the law ends a record."""
    return tuple(one.column for one in _rules(name, "ends"))


def is_valid(name: str, rows: pl.DataFrame) -> Bools:
    """Which records of a table are no annulled or spared decision.

    Needs the columns of `rule_columns`.
    """
    valid = np.ones(rows.height, dtype=bool)
    for one in _rules(name, "only", "never"):
        has_value = is_in(rows[one.column], one.values)
        valid &= has_value if one.rule == "only" else ~has_value
    for one in _rules(name, "empty"):
        valid &= ~_is_empty(rows[one.column], one.values, [rows[c] for c in _amounts(name)])
    return valid


def _is_empty(kinds: pl.Series, values: frozenset[str], amounts: Sequence[pl.Series]) -> Bools:
    """Which records consist of payments alone, each of nothing."""
    empty = np.ones(len(kinds), dtype=bool)
    for amount in amounts:
        empty &= wholes(amount, 0) == 0
    told = kinds.filter(pl.Series(empty)).to_list()
    empty[empty] = [bool(own) and values.issuperset(own) for own in told]
    return empty


def statutory_ends(name: str, rows: pl.DataFrame) -> Sequence[Ints]:
    """By column the moment at which the law ends each record; `NONE` where it ends none."""
    told = (rows[column] for column in end_columns(name))
    ends = (first_moments(days(day)) for day in told if day.null_count() < rows.height)
    return [end for end in ends if (end != NONE).any()]
