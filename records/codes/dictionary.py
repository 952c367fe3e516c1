"""GB/T 4754-2017 industries, and registered synonyms of dictionary values."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def industries() -> Mapping[str, str]:
    """Chinese names of sections, divisions, and the groups that sectors need."""
    return {row["code"]: row["name_zh"] for row in _rows("industries.csv")}


def is_industry(code: str, known: Mapping[str, str] | None = None) -> bool:
    """Whether a code is a section, or starts with a division of its section; digits follow.

    >>> is_industry("H6210"), is_industry("H62"), is_industry("H"), is_industry("C6210")
    (True, True, True, False)
    """
    rest = code[3:]
    deep = len(rest) <= 2 and (rest == "" or (rest.isascii() and rest.isdigit()))
    table = industries() if known is None else known
    return code in table or (code[:3] in table and deep)


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
