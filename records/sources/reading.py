"""Delivered files as frames of bounded size, or one line that says why not.

Every raw frame of every form passes through `read_frames`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import polars as pl

from xinheng.errors import BadDelivery
from xinheng.records.sources.forms.delimited import CHUNK_ROWS, read_delimited
from xinheng.records.sources.forms.head import Head, read_head
from xinheng.records.sources.forms.json_rows import read_json, read_json_head
from xinheng.records.sources.forms.workbook import read_workbook, read_workbook_head
from xinheng.records.sources.mapping import Mapping

DELIMITED, JSON = (".csv", ".tsv"), (".json", ".jsonl", ".ndjson")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
SUFFIXES = (*DELIMITED, ".parquet", *WORKBOOKS, *JSON)
TAKEN = "CSV, Excel workbooks (.xlsx), JSON (.json, .jsonl) and Parquet"
_SMALL_FILE = 64 << 20
_BLOCK = 1 << 20


def delivered_files(path: Path, *, at_least: int = 1) -> list[Path]:
    """The file itself, or all files of a delivery folder that have a form we take, by name.

    Raises
    ------
    BadDelivery
        If there are fewer than `at_least`.
    """
    if not path.exists():
        raise BadDelivery(f"{path} does not exist", hint="name a file or a folder of files")
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    wanted = [file for file in found if file.suffix.lower() in SUFFIXES]
    if len(wanted) < at_least:
        raise BadDelivery(
            f"{path} holds nothing that can be read: {TAKEN} are taken",
            hint="export it as CSV or save it as a workbook, and send that",
        )
    return wanted


def read_frames(path: Path, mapping: Mapping, *, rows: int = CHUNK_ROWS) -> Iterator[pl.DataFrame]:
    """One delivered file, at most `rows` at a time; all columns but Parquet's stay text.

    So every type is judged by the mapping. The same file always gives the same frames, at least
    one: a file with a header and no rows gives its columns. A row that cannot be split into the
    columns has its text in `UNSPLIT`, which not all frames have.

    Raises
    ------
    BadDelivery
        If the file is empty, truncated, wrongly encoded or names a column twice.
    """
    _check_there(path)
    yield from _evenly(_frames(path, mapping), rows)


def read_file(path: Path, mapping: Mapping) -> pl.DataFrame:
    """One delivered file as a whole; raises as `read_frames` does."""
    return pl.concat(read_frames(path, mapping), how="diagonal")


def count_rows(path: Path) -> int:
    """About how many rows a file has, for progress: quoted line ends count too."""
    if path.suffix.lower() == ".parquet":
        try:
            return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
        except (pl.exceptions.PolarsError, OSError):
            return 0  # told with its reason when the file is read
    if path.suffix.lower() in WORKBOOKS:
        return 0
    with path.open("rb") as source:
        return sum(block.count(b"\n") for block in iter(lambda: source.read(_BLOCK), b""))


def head_of(path: Path, mapping: Mapping | None, *, wanted: frozenset[str] = frozenset()) -> Head:
    """The columns of a delivered file, and what was detected about it.

    Parameters
    ----------
    wanted
        Columns by which the header is known; those of the mapping are, too.
    """
    _check_there(path)
    agreed = (mapping.encoding, mapping.delimiter, mapping.sheet) if mapping else ("", "", "")
    looked_for = wanted | (mapping.source_columns if mapping else frozenset())
    about = path.stat()
    return _head(path, (about.st_size, about.st_mtime_ns), agreed, looked_for)


@lru_cache(maxsize=256)
def _head(
    path: Path, _: tuple[int, int], agreed: tuple[str, str, str], wanted: frozenset[str]
) -> Head:
    """Of one state of a file: it is looked at for its columns, its notes and its rows."""
    encoding, delimiter, sheet = agreed
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        try:
            return Head(tuple(pl.scan_parquet(path, glob=False).collect_schema().names()))
        except (pl.exceptions.PolarsError, OSError) as fault:
            raise _unreadable(path, fault) from None
    if suffix in WORKBOOKS:
        return read_workbook_head(path, sheet, wanted)
    if suffix in JSON:
        return read_json_head(path)
    return read_head(path, encoding=encoding, delimiter=delimiter, wanted=wanted)


def unread_files(path: Path) -> list[str]:
    """Names of the files of a delivery folder that may hold records in a form we do not take."""
    if not path.is_dir():
        return []
    known = (*SUFFIXES, ".toml", ".md", ".txt")
    return sorted(
        file.name
        for file in path.iterdir()
        if file.is_file() and file.suffix.lower() not in known and not file.name.startswith(".")
    )


def _check_there(path: Path) -> None:
    if not os.access(path, os.R_OK):
        raise BadDelivery(f"{path.name} cannot be read: permission denied")
    if path.stat().st_size == 0:
        raise BadDelivery(f"{path.name} is empty (0 bytes)", hint="deliver it again")


def _frames(path: Path, mapping: Mapping) -> Iterator[pl.DataFrame]:
    if path.suffix.lower() == ".parquet":
        return _parquet(path)
    head = head_of(path, mapping)
    if path.suffix.lower() in WORKBOOKS:
        return read_workbook(path, head, mapping.sheet, mapping.null_values)
    if path.suffix.lower() in JSON:
        return read_json(path, head, mapping.null_values)
    return read_delimited(path, head, mapping.null_values)


def _evenly(frames: Iterator[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """The same rows, `rows` at a time; one frame without rows if there are none."""
    held: list[pl.DataFrame] = []
    count, done = 0, 0
    for frame in frames:
        held.append(frame)
        count += frame.height
        while count >= rows:
            whole = pl.concat(held, how="diagonal")
            yield whole.head(rows)
            held = [whole.slice(rows)]
            count, done = count - rows, done + rows
    if count or (held and not done):
        yield pl.concat(held, how="diagonal")


def _parquet(path: Path) -> Iterator[pl.DataFrame]:
    lazy = pl.scan_parquet(path, glob=False)
    try:
        if path.stat().st_size < _SMALL_FILE:
            yield lazy.collect()
            return
        yield from lazy.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True)
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise _unreadable(path, fault) from None


def _unreadable(path: Path, fault: Exception) -> BadDelivery:
    reason = str(fault).splitlines()[0]
    return BadDelivery(
        f"{path.name} is not a readable Parquet file: {reason}",
        hint="it may be cut off; deliver it again",
    )
