"""Workbooks: the cells of one sheet as the texts that a CSV file would have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from xinheng.errors import BadDelivery, near
from xinheng.records.sources.forms.head import HEAD_ROWS, Head, column_names, find_header

CHUNK_ROWS = 50_000
EXACT = 10**15
"""A spreadsheet keeps 15 digits of a number; what is beyond them is lost."""


def read_workbook_head(path: Path, sheet: str, wanted: frozenset[str]) -> Head:
    """Which sheet is read, where its header stands, and its columns.

    Raises
    ------
    BadDelivery
        If the file is no workbook, or has no sheet of that name.
    """
    with _opened(path) as book:
        names = book.sheet_names
        own = _sheet(book, sheet, path)
        rows = [[cell_text(cell) or "" for cell in row] for row in islice(own.iter_rows(), 200)]
    numbered = [(n, row) for n, row in enumerate(rows, 1) if any(row)][:HEAD_ROWS]
    if not numbered:
        raise BadDelivery(f"{path.name}, sheet {own.name}: there is nothing in it")
    place = find_header([row for _, row in numbered], wanted)
    line, cells = numbered[place]
    notes = []
    if len(names) > 1:
        rest = ", ".join(name for name in names if name != own.name)
        notes.append(f"{path.name}: sheet {own.name} is read; not read: {rest}")
    if place:
        notes.append(f"{path.name} has its header in row {line}; what is above was left out")
    return Head(column_names(_trimmed(cells), path), line, notes=tuple(notes))


def read_workbook(
    path: Path, head: Head, sheet: str, null_values: Sequence[str]
) -> Iterator[pl.DataFrame]:
    """The rows below the header; all columns are text."""
    nothing = {*null_values}
    width = len(head.names)
    schema = dict.fromkeys(head.names, pl.String())
    yield pl.DataFrame(schema=schema)  # a header without rows has columns
    with _opened(path) as book:
        rows = islice(_sheet(book, sheet, path).iter_rows(), head.line, None)
        for chunk in _chunks(rows):
            texts = [
                [None if (text := cell_text(cell)) in nothing else text for cell in row[:width]]
                for row in chunk
            ]
            yield pl.DataFrame(texts, schema=schema, orient="row")


def cell_text(cell: object) -> str | None:
    """A cell as the text that it says; a number beyond 15 digits as a spreadsheet shows it.

    >>> cell_text(5000.0), cell_text(0.1), cell_text(9.16403021234568e17), cell_text("")
    ('5000', '0.1', '9.16403E+17', None)
    """
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return _number(float(cell))
    if isinstance(cell, datetime):
        is_day = cell.time() == time()
        return cell.date().isoformat() if is_day else cell.isoformat(" ", timespec="seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell).strip() or None


def _number(number: float) -> str:
    if abs(number) >= EXACT:
        return f"{number:.5E}"
    return format(Decimal(f"{number:.15g}"), "f")


def _trimmed(cells: Sequence[str]) -> list[str]:
    """Without the empty cells at the end, which a sheet has where something once stood."""
    width = max((place for place, cell in enumerate(cells, 1) if cell), default=0)
    return [*cells[:width]]


def _opened(path: Path) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError) as fault:
        reason = str(fault).splitlines()[0]
        raise BadDelivery(
            f"{path.name} is not a readable workbook: {reason}",
            hint="open it and save it again as .xlsx without a password, or as .csv",
        ) from None


def _sheet(book: CalamineWorkbook, name: str, path: Path) -> CalamineSheet:
    if not name:
        return book.get_sheet_by_index(0)
    if name not in book.sheet_names:
        hint = near(name, book.sheet_names)
        raise BadDelivery(f"{path.name} has no sheet {name!r}", hint=hint)
    return book.get_sheet_by_name(name)


def _chunks(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    while chunk := [*islice(rows, CHUNK_ROWS)]:
        yield chunk
