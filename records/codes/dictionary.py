"""GB/T 2260 regions with their history, GB/T 4754-2017 industries, and registered synonyms."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Region:
    """One name of one code; a code that was given twice, or renamed after a gap, has two."""

    code: str
    name: str
    first_year: int | None
    """Year of the first edition that has it; none: since before 1980."""
    abolished_year: int | None


@cache
def regions() -> Mapping[str, tuple[Region, ...]]:
    """Every code that was ever valid, with its history (GB/T 2260, editions 1980 to 2019)."""
    found: dict[str, tuple[Region, ...]] = {}
    for row in _rows("regions.csv"):
        region = Region(
            row["code"], row["name"], _year(row["first_year"]), _year(row["abolished_year"])
        )
        found[region.code] = (*found.get(region.code, ()), region)
    return found


@cache
def industries() -> Mapping[str, str]:
    """Chinese names of sections, divisions, and the groups that sectors need."""
    return {row["code"]: row["name_zh"] for row in _rows("industries.csv")}


def is_industry(code: str) -> bool:
    """Whether a code is a section, or starts with a division of its section; digits follow.

    >>> is_industry("H6210"), is_industry("H62"), is_industry("H"), is_industry("C6210")
    (True, True, True, False)
    """
    rest = code[3:]
    deep = len(rest) <= 2 and (rest == "" or (rest.isascii() and rest.isdigit()))
    return code in industries() or (code[:3] in industries() and deep)


@cache
def synonyms(record_type: str, column: str) -> Mapping[str, str]:
    """Registered other words for the dictionary values of a column, as departments say them."""
    return {
        row["said"]: row["means"]
        for row in _rows("synonyms.csv")
        if row["record_type"] in {"*", record_type} and row["column"] == column
    }


@cache
def _rows(name: str) -> tuple[dict[str, str], ...]:
    text = files("xinheng.records.codes").joinpath(name).read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def _year(text: str) -> int | None:
    return int(text) if text else None
