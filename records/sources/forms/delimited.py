"""CSV files: read as a stream where every line is a row, and mended first where one is not."""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from xinheng.errors import BadDelivery
from xinheng.records.sources.forms.head import Head, detect_encoding

CHUNK_ROWS = 400_000
"""Rows that are read at a time."""
UNSPLIT = "_unsplit"
"""The text of a row that is not one cell a column; its cells are null."""
MOST_LINES = 100
"""Lines that one quoted cell may go over; beyond them its quote is a stray one."""
_SMALL_FILE = 64 << 20
_BLOCK = 1 << 20
_QUOTE, _LINE_END = ord('"'), ord("\n")


def read_delimited(path: Path, head: Head, null_values: list[str]) -> Iterator[pl.DataFrame]:
    """The rows below the header; all columns are text.

    A cell that says `="text"`, so that a spreadsheet makes no number of it, is that text. A row
    with more cells than the header, or with a quote that is not closed, is a row with its
    text in `UNSPLIT`; where there is one, all frames that come after it have that column.

    Raises
    ------
    BadDelivery
        If the file is not in its encoding.
    """
    with TemporaryDirectory(prefix="xinheng-") as scratch:
        text, look = _as_utf8(path, head.encoding, Path(scratch))
        clean = _unwrapped if look.has_formulas else _as_it_is
        done = 0
        if look.is_even and not look.odd:
            try:
                for frame in map(clean, _scanned(text, head, null_values, head.line - 1)):
                    done += frame.height
                    yield frame
            except pl.exceptions.PolarsError:
                pass  # a row does not fit: all rows are looked at one by one
            else:
                return
        mended, unsplit = _mended(text, head, Path(scratch) / "mended.csv")
        try:
            frames = map(clean, _scanned(mended, head, null_values, 0))
            yield from _marked(frames, unsplit, done)
        except pl.exceptions.PolarsError as fault:
            reason = str(fault).splitlines()[0]
            raise BadDelivery(f"{path.name} is not a well-formed CSV file: {reason}") from None


def _as_it_is(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


def _unwrapped(frame: pl.DataFrame) -> pl.DataFrame:
    """The texts of cells that say `="text"`."""
    return frame.with_columns(pl.col(pl.String).str.replace('^ *="(.*)" *$', "${1}"))


def _scanned(
    path: Path, head: Head, null_values: list[str], skip_lines: int
) -> Iterator[pl.DataFrame]:
    """Small files at once, large ones as a stream."""
    lazy = pl.scan_csv(
        path,
        separator=head.delimiter,
        infer_schema=False,
        null_values=null_values,
        skip_lines=skip_lines,
        with_column_names=lambda _: [*head.names],
        glob=False,
    )
    if path.stat().st_size < _SMALL_FILE:
        yield lazy.collect()
        return
    yield from lazy.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True)


def _marked(
    frames: Iterator[pl.DataFrame], unsplit: dict[int, str], skip: int
) -> Iterator[pl.DataFrame]:
    """The rows after the first `skip`, with the texts of those that could not be split."""
    done = 0
    for frame in frames:
        marks: list[str | None] = [None] * frame.height
        for place in range(done, done + frame.height) if unsplit else ():
            marks[place - done] = unsplit.get(place)
        own = pl.Series(UNSPLIT, marks, dtype=pl.String)
        marked = frame.with_columns(own) if unsplit else frame
        left = marked.slice(max(0, skip - done))
        done += frame.height
        if left.height:
            yield left


@dataclass(slots=True)
class _Look:
    """What a file's bytes tell: whether each line has an even number of quotes, and formulas.

    Where all are even, no cell goes over a line.
    """

    odd: bool = False
    is_even: bool = True
    has_formulas: bool = False

    def feed(self, block: bytes) -> None:
        self.has_formulas = self.has_formulas or b'="' in block
        if not self.is_even:
            return
        if b'"' not in block:
            if b"\n" in block:
                self.is_even, self.odd = not self.odd, False
            return
        symbols = np.frombuffer(block, dtype=np.uint8)
        marks = symbols[(symbols == _QUOTE) | (symbols == _LINE_END)]
        count = np.cumsum(marks == _QUOTE) + self.odd
        self.is_even = not (count[marks == _LINE_END] % 2).any()
        self.odd = bool(count[-1] % 2) if count.size else self.odd


def _as_utf8(path: Path, encoding: str, scratch: Path) -> tuple[Path, _Look]:
    """The file if it is UTF-8, else a copy that is; and what its bytes tell."""
    look = _Look()
    if encoding == "utf-8":
        for block, _ in _decoded(path, encoding):
            look.feed(block)
        return path, look
    copy = scratch / "decoded.csv"
    with copy.open("wb") as target:
        for _, text in _decoded(path, encoding):
            block = text.encode()
            look.feed(block)
            target.write(block)
    return copy, look


def _decoded(path: Path, encoding: str) -> Iterator[tuple[bytes, str]]:
    decoder = codecs.getincrementaldecoder(encoding)()
    at = 0
    with path.open("rb") as source:
        while True:
            block = source.read(_BLOCK)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as fault:
                raise _undecodable(path, encoding, at - pending + fault.start) from None
            yield block, text
            if not block:
                return
            at += len(block)


def _undecodable(path: Path, encoding: str, at: int) -> BadDelivery:
    with path.open("rb") as source:
        source.seek(at)
        block = source.read(_BLOCK)
    likely = detect_encoding(block)
    hint = f'it looks like {likely}: set encoding = "{likely}" in the mapping'
    return BadDelivery(
        f"{path.name} is not {encoding}: byte {at} is 0x{block[0]:02x}",
        hint=hint if likely != encoding else "it may be damaged; deliver it again",
    )


def _mended(text: Path, head: Head, copy: Path) -> tuple[Path, dict[int, str]]:
    """A copy of which Polars can split each row, and the texts of the rows that nobody can.

    Such a row is an empty line of the copy, so that all rows keep their places.
    """
    unsplit: dict[int, str] = {}
    with (
        text.open(encoding="utf-8", newline="\n") as source,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        writer = csv.writer(target, delimiter=head.delimiter, lineterminator="\n")
        writer.writerow(head.names)
        for number, (raw, cells) in enumerate(_split_rows(source, head)):
            if cells is None:
                unsplit[number] = raw.rstrip("\r\n")
                target.write("\n")
            elif cells:
                writer.writerow(cells)
            else:
                target.write(raw if raw.endswith("\n") else f"{raw}\n")
    return copy, unsplit


def _split_rows(source: TextIOWrapper, head: Head) -> Iterator[tuple[str, list[str] | None]]:
    """Each row below the header: its text and its cells; none: as they stand, None: no row.

    A line with an odd number of quotes goes on in the next ones, if that makes a whole row.
    """
    for _ in range(head.line - 1):
        next(source)
    next(csv.reader(source, delimiter=head.delimiter))
    waiting: deque[str] = deque()
    while line := waiting.popleft() if waiting else source.readline():
        if '"' not in line:
            fits = line.count(head.delimiter) < len(head.names)
            yield line, [] if fits else None
            continue
        lines, quotes = [line], line.count('"')
        while quotes % 2 and len(lines) < MOST_LINES:
            more = waiting.popleft() if waiting else source.readline()
            if not more:
                break
            lines.append(more)
            quotes += more.count('"')
        raw = "".join(lines)
        cells = None if quotes % 2 else _cells_of(raw, head.delimiter)
        if cells and (
            len(cells) == len(head.names) or (not lines[1:] and len(cells) < len(head.names))
        ):
            yield raw, cells
        else:
            waiting.extendleft(reversed(lines[1:]))
            yield line, None


def _cells_of(raw: str, delimiter: str) -> list[str] | None:
    try:
        rows = [*csv.reader(io.StringIO(raw, newline=""), delimiter=delimiter, strict=True)]
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None
