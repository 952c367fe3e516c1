"""What the values of a column tell about how they are written: day forms, units, code lists."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from unicodedata import normalize

import polars as pl

from xinheng.records.codes.dictionary import synonyms
from xinheng.records.sources.mapping import EXCEL_DAYS, UNITS
from xinheng.records.tables import Column

DAY_FORMS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d",
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%d/%m/%Y", "%m/%d/%Y",
)  # fmt: skip
MOST_CODES = 40
"""More different values are no code list."""
_ISO = re.compile(r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}.*)?$")
_COUNTED = re.compile(r"^[2-6]\d{4}$")


def day_forms(values: Sequence[str]) -> list[str]:
    """Forms that together read the days, the fewest first found; empty: all are ISO."""
    left = [value for value in values if not _ISO.match(value)]
    forms: list[str] = []
    for form in (*DAY_FORMS, EXCEL_DAYS):
        unread = [value for value in left if not _is_day(value, form)]
        if len(unread) < len(left):
            forms.append(form)
            left = unread
    return forms


def unit_of(heading: str) -> str:
    """The unit that a heading names, as in `罚款金额(万元)`; empty: none."""
    said = normalize("NFKC", heading)
    named = [unit for unit in UNITS if unit in said and not unit.isascii()]
    longest = max(named, key=len, default="")
    return "" if longest == "元" else longest


def code_list(values: Sequence[str], column: Column, table: str) -> dict[str, str]:
    """Dictionary values for values that are none, `?` where no guess is near; empty: no need."""
    known = synonyms(table, column.name)
    if all(value in column.options or value in known for value in values):
        return {}
    if len(values) > MOST_CODES:
        return {}
    return {value: _guessed(value, column, known) for value in values}


def _guessed(value: str, column: Column, known: Mapping[str, str]) -> str:
    if value in column.options:
        return value
    if value in known:
        return known[value]
    near = get_close_matches(value, [*known, *column.options], n=1, cutoff=0.5)
    inside = [word for word in known if word in value or value in word]
    words = near or sorted(inside, key=len, reverse=True)[:1]
    return known.get(words[0], words[0]) if words else "?"


def _is_day(value: str, form: str) -> bool:
    if form == EXCEL_DAYS:
        return bool(_COUNTED.match(value))
    text = pl.Series([value])
    return (
        text.str.to_datetime(form, strict=False).is_not_null().all()
        if "%H" in form
        else (text.str.to_date(form, strict=False).is_not_null().all())
    )
