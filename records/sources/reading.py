"""CSV and Parquet files as frames of bounded size, or one line that says why not."""

from __future__ import annotations

import codecs
import csv
import io
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from xinheng.errors import BadDelivery
from xinheng.records.sources.mapping import Mapping

SUFFIXES = (".csv", ".parquet")
CHUNK_ROWS = 400_000
"""Rows that are read at a time."""
_SMALL_FILE = 64 << 20
_BLOCK = 1 << 20


def delivered_files(path: Path, *, at_least: int = 1) -> list[Path]:
    """The file itself, or all CSV and Parquet files of a delivery folder, by name."""
    if not path.exists():
        raise BadDelivery(f"{path} does not exist", hint="name a file or a folder of files")
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    wanted = [file for file in found if file.suffix.lower() in SUFFIXES]
    if len(wanted) < at_least:
        raise BadDelivery(f"{path} holds no {' or '.join(SUFFIXES)} file")
    return wanted


def read_frames(path: Path, mapping: Mapping, *, rows: int = CHUNK_ROWS) -> Iterator[pl.DataFrame]:
    """One delivered file, at most `rows` at a time; CSV columns stay text.

    So every type is judged by the mapping. The same file always gives the same frames, at least
    one: a file with a header and no rows gives its columns.

    Raises
    ------
    BadDelivery
        If the file is empty, truncated, wrongly encoded, ragged or names a column twice.
    """
    if not os.access(path, os.R_OK):
        raise BadDelivery(f"{path.name} cannot be read: permission denied")
    if path.stat().st_size == 0:
        raise BadDelivery(f"{path.name} is empty (0 bytes)", hint="deliver it again")
    frames = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path, mapping)
    yield from _evenly(frames, rows)


def read_file(path: Path, mapping: Mapping) -> pl.DataFrame:
    """One delivered file as a whole; raises as `read_frames` does."""
    return pl.concat(read_frames(path, mapping))


def count_rows(path: Path) -> int:
    """About how many rows a file has, for progress: quoted line ends count too."""
    if path.suffix.lower() == ".parquet":
        try:
            return int(pl.scan_parquet(path).select(pl.len()).collect().item())
        except (pl.exceptions.PolarsError, OSError):
            return 0  # told with its reason when the file is read
    with path.open("rb") as source:
        return sum(block.count(b"\n") for block in iter(lambda: source.read(_BLOCK), b""))


def header(path: Path) -> list[str]:
    """Column names of a delivered file; of a CSV file in UTF-8 with commas."""
    if path.suffix.lower() == ".parquet":
        try:
            return list(pl.read_parquet_schema(path))
        except (pl.exceptions.PolarsError, OSError) as fault:
            raise _unreadable(path, fault) from None
    return _header(path, "utf-8", ",")


def _evenly(frames: Iterator[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """The same rows, `rows` at a time; one frame without rows if there are none."""
    held: list[pl.DataFrame] = []
    count, done = 0, 0
    for frame in frames:
        held.append(frame)
        count += frame.height
        while count >= rows:
            whole = pl.concat(held)
            yield whole.head(rows)
            held = [whole.slice(rows)]
            count, done = count - rows, done + rows
    if count or (held and not done):
        yield pl.concat(held)


def _parquet(path: Path) -> Iterator[pl.DataFrame]:
    try:
        yield from _collected(pl.scan_parquet(path), path)
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise _unreadable(path, fault) from None


def _unreadable(path: Path, fault: Exception) -> BadDelivery:
    reason = str(fault).splitlines()[0]
    return BadDelivery(
        f"{path.name} is not a readable Parquet file: {reason}",
        hint="it may be cut off; deliver it again",
    )


def _csv(path: Path, mapping: Mapping) -> Iterator[pl.DataFrame]:
    _check_header(path, mapping)
    with TemporaryDirectory(prefix="xinheng-") as scratch:
        text = _as_utf8(path, mapping.encoding, Path(scratch))
        lazy = pl.scan_csv(
            text,
            separator=mapping.delimiter,
            infer_schema=False,
            null_values=mapping.null_values,
        )
        try:
            yield from _collected(lazy, text)
        except pl.exceptions.PolarsError as fault:
            reason = str(fault).splitlines()[0]
            raise BadDelivery(f"{path.name} is not a well-formed CSV file: {reason}") from None


def _collected(lazy: pl.LazyFrame, path: Path) -> Iterator[pl.DataFrame]:
    """Small files at once, large ones as a stream."""
    if path.stat().st_size < _SMALL_FILE:
        yield lazy.collect()
        return
    yield from lazy.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True)


def _as_utf8(path: Path, encoding: str, scratch: Path) -> Path:
    """The file if it is valid UTF-8, else a copy that is."""
    decoder = _decoder(encoding)
    if encoding == "utf-8":
        _decode(path, decoder, encoding, None)
        return path
    copy = scratch / path.name
    with copy.open("wb") as target:
        _decode(path, decoder, encoding, target)
    return copy


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    try:
        return codecs.getincrementaldecoder(encoding)()
    except LookupError:
        raise BadDelivery(f"no encoding is named {encoding!r}", hint="e.g. gb18030") from None


def _decode(
    path: Path, decoder: codecs.IncrementalDecoder, encoding: str, target: io.BufferedWriter | None
) -> None:
    at = 0
    with path.open("rb") as source:
        while True:
            block = source.read(_BLOCK)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as fault:
                wrong = at - pending + fault.start
                raise BadDelivery(
                    f"{path.name} is not {encoding}: "
                    f"byte {wrong} is 0x{fault.object[fault.start]:02x}",
                    hint='set encoding in the mapping, e.g. encoding = "gb18030"',
                ) from None
            if target is not None:
                target.write(text.encode())
            if not block:
                return
            at += len(block)


def _check_header(path: Path, mapping: Mapping) -> None:
    names = _header(path, mapping.encoding, mapping.delimiter)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise BadDelivery(f"{path.name} has column {twice[0]!r} twice", hint="rename one of them")


def _header(path: Path, encoding: str, delimiter: str) -> list[str]:
    decoder = _decoder(encoding)
    with path.open("rb") as source:
        block = source.read(_BLOCK)
    try:
        text = decoder.decode(block).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return []  # told with its place when the file is read
    return next(csv.reader(io.StringIO(text), delimiter=delimiter), [])
