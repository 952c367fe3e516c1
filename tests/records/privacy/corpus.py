"""Made-up evasions and look-alikes (`corpus.csv`), and rows that carry them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.records.handmade import ENVELOPE, GOOD, NAMES, A


class Case(NamedTuple):
    """A text in a column of a table, and the kind of personal data that it holds, if any."""

    kind: str
    table: str
    column: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.kind or 'harmless'}: {self.text!r} in {self.table}.{self.column}"


def _read() -> list[Case]:
    text = Path(__file__).with_name("corpus.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return [Case(row["kind"], *row["column"].split("."), row["text"]) for row in rows]


CORPUS = _read()
EVASIONS = [case for case in CORPUS if case.kind]
HARMLESS = [case for case in CORPUS if not case.kind]


def row_of(case: Case, number: int) -> Mapping[str, Any]:
    """A good row of the case's table that carries its text."""
    row = ENVELOPE | {"entity_name": NAMES[A], "source_record_no": f"R-{number}"} | GOOD[case.table]
    if case.table == "entity":
        row |= {"name_zh": NAMES[A]}
    return row | {case.column: case.text}
