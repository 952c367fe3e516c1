"""Which column of a table a heading means: the same word, a near one, or one inside the other."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files
from unicodedata import normalize

from xinheng.records.tables import DERIVED_COLUMNS, PLATFORM_COLUMNS, Column, Table, tables

LEAST = 0.6
"""Likeness from which on a heading is taken for a column."""
_IN_BRACKETS = re.compile(r"[(\[【〔].*?[)\]】〕]")
_HAN = re.compile("[㐀-鿿]+")


@dataclass(frozen=True, slots=True)
class Fit:
    """A table and the headings of a file that mean its columns."""

    table: Table
    columns: Mapping[str, str]
    """Heading by column; `uscc` among them where there is one."""
    likeness: float


def bare(heading: str) -> str:
    """A heading without blanks, brackets and what stands in them.

    >>> bare("罚款金额（万元）"), bare("VISIT DATE")
    ('罚款金额', 'visit date')
    """
    text = _IN_BRACKETS.sub("", normalize("NFKC", heading)).replace("_", " ").strip().lower()
    return re.sub(r"\s+", " ", text) if text.isascii() else re.sub(r"\s+", "", text)


def best_fit(headings: Sequence[str], file_name: str) -> Fit:
    """The table whose own columns the headings mean best; its name in the file's name counts."""
    return max((fit_of(one, headings, file_name) for one in tables().values()),
               key=lambda fit: fit.likeness)  # fmt: skip


def fit_of(table: Table, headings: Sequence[str], file_name: str) -> Fit:
    """The headings that mean the columns of a table, each at most one and the likest first."""
    wanted = [c.name for c in table.columns if c.name not in PLATFORM_COLUMNS | DERIVED_COLUMNS]
    meaningless = {bare(word) for word in _headings()["*", ""]}
    pairs = sorted(
        (
            (likeness(heading, words), -place, column, heading)
            for column in ["uscc", *wanted]
            for words in [_words(table.name, column)]
            for place, heading in enumerate(headings)
            if bare(heading) not in meaningless
        ),
        reverse=True,
    )
    found: dict[str, str] = {}
    total = 2.0 * _is_named(table.name, file_name)
    own = {column.name for column in table.own}
    for like, _, column, heading in pairs:
        if like >= LEAST and column not in found and heading not in found.values():
            found[column] = heading
            total += like if column in own else like / 4
    return Fit(table, found, total)


def likeness(heading: str, words: Sequence[str]) -> float:
    """From 0 to 1: 1 for the same word, less for a part of it or a near one."""
    said = bare(heading)
    return max((_likeness(said, word) for word in words), default=0.0)


def _likeness(said: str, word: str) -> float:
    if not said or not word:
        return 0.0
    if said == word:
        return 1.0
    shorter, longer = sorted((said, word), key=len)
    if shorter in longer and len(shorter) > 1:
        return 0.6 + 0.35 * len(shorter) / len(longer)
    return 0.9 * SequenceMatcher(None, said, word).ratio()


@cache
def _words(table: str, column: str) -> tuple[str, ...]:
    """What a column is called: registered headings, its own name, the Chinese of its meaning."""
    registered = [bare(word) for word in _headings().get((table, column), ())]
    registered += [bare(word) for word in _headings().get(("*", column), ())]
    if column == "uscc":
        return (*registered, "uscc")
    declared: Column = tables()[table].column(column)
    meant = _HAN.findall(declared.meaning)[:1] if not declared.options else []
    return tuple(
        dict.fromkeys([*registered, bare(column), bare(column.removesuffix("_yuan")), *meant])
    )


def _is_named(table: str, file_name: str) -> bool:
    said = bare(file_name)
    names = [bare(table), *map(bare, _headings().get((table, ""), ()))]
    return any(name in said for name in names)


@cache
def _headings() -> Mapping[tuple[str, str], list[str]]:
    text = files("xinheng.records.suggest").joinpath("headings.csv").read_text(encoding="utf-8")
    known: dict[tuple[str, str], list[str]] = {}
    for row in csv.DictReader(text.splitlines()):
        known.setdefault((row["record_type"], row["column"]), []).append(row["heading"])
    return known
