"""CSV and Parquet files as frames, or one line that says why not."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from pathlib import Path

import polars as pl

from xinheng.errors import BadDelivery
from xinheng.records.mapping import Mapping

SUFFIXES = (".csv", ".parquet")


def delivered_files(path: Path) -> list[Path]:
    """The file itself, or all CSV and Parquet files of a delivery folder, by name."""
    if not path.exists():
        raise BadDelivery(f"{path} does not exist", hint="name a file or a folder of files")
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    wanted = [file for file in found if file.suffix.lower() in SUFFIXES]
    if not wanted:
        raise BadDelivery(f"{path} holds no {' or '.join(SUFFIXES)} file")
    return wanted


def read_file(path: Path, mapping: Mapping) -> pl.DataFrame:
    """One delivered file; CSV columns stay text, so that every type is judged by the mapping.

    Raises
    ------
    BadDelivery
        If the file is empty, truncated, wrongly encoded, ragged or names a column twice.
    """
    if not os.access(path, os.R_OK):
        raise BadDelivery(f"{path.name} cannot be read: permission denied")
    if path.stat().st_size == 0:
        raise BadDelivery(f"{path.name} is empty (0 bytes)", hint="deliver it again")
    frame = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path, mapping)
    if frame.height == 0:
        raise BadDelivery(f"{path.name} has a header and no rows", hint="deliver it again")
    return frame


def _parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as fault:
        reason = str(fault).splitlines()[0]
        raise BadDelivery(
            f"{path.name} is not a readable Parquet file: {reason}",
            hint="it may be cut off; deliver it again",
        ) from None


def _csv(path: Path, mapping: Mapping) -> pl.DataFrame:
    text = _decoded(path, mapping.encoding)
    _check_header(path, text, mapping.delimiter)
    try:
        return pl.read_csv(
            text.encode(),
            separator=mapping.delimiter,
            infer_schema=False,
            null_values=mapping.null_values,
        )
    except pl.exceptions.PolarsError as fault:
        reason = str(fault).splitlines()[0]
        raise BadDelivery(f"{path.name} is not a well-formed CSV file: {reason}") from None


def _decoded(path: Path, encoding: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except LookupError:
        raise BadDelivery(f"no encoding is named {encoding!r}", hint="e.g. gb18030") from None
    except UnicodeDecodeError as fault:
        raise BadDelivery(
            f"{path.name} is not {encoding}: "
            f"byte {fault.start} is 0x{fault.object[fault.start]:02x}",
            hint='set encoding in the mapping, e.g. encoding = "gb18030"',
        ) from None


def _check_header(path: Path, text: str, delimiter: str) -> None:
    header = next(csv.reader(io.StringIO(text), delimiter=delimiter), [])
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise BadDelivery(f"{path.name} has column {twice[0]!r} twice", hint="rename one of them")
