"""What the first lines of a file tell: its encoding, its delimiter and where its header stands."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from charset_normalizer import from_bytes

from xinheng.errors import BadDelivery

HEAD_BYTES = 1 << 20
HEAD_ROWS = 20
"""Rows among which the header is looked for."""
DELIMITERS = (",", ";", "\t", "|")
_LIKELY = ("gb18030", "big5", "cp1252")
_SOUND_LETTERS = 64
"""Bytes beyond ASCII from which on a guess at an encoding is better than the usual one."""
_SAMPLE_BYTES = 1 << 16
_NULS = 20
"""One byte of so many is 0 in UTF-16, whose commas and digits have one each; a stray one is not."""
_UNNAMED = re.compile(r"column \d+")
_NAMES = {"\t": "a tab", ";": "';'", "|": "'|'"}


@dataclass(frozen=True, slots=True)
class Head:
    """Where the rows of a file begin and how they are written."""

    names: tuple[str, ...]
    """Columns, in their order."""
    line: int = 1
    """Line, or row of a sheet, in which the header stands."""
    encoding: str = "utf-8"
    delimiter: str = ","
    notes: tuple[str, ...] = ()
    """What was not agreed and was detected."""


def read_head(path: Path, *, encoding: str, delimiter: str, wanted: frozenset[str]) -> Head:
    """Read the head of a text file; what is not given is detected.

    Parameters
    ----------
    encoding, delimiter
        As agreed; empty: detect it.
    wanted
        Columns that are looked for: they tell the header and the delimiter. None: any header.
    """
    with path.open("rb") as source:
        block = source.read(HEAD_BYTES)
    if b"\r" in block and b"\n" not in block and b"\0" not in block:
        raise BadDelivery(
            f"{path.name} ends its lines with carriage returns alone",
            hint="save it as CSV (UTF-8) or as a workbook",
        )
    notes = []
    if not encoding and (encoding := detect_encoding(block)) != "utf-8":
        notes.append(f"{path.name} is read as {encoding}")
    text = decoder_of(encoding)("replace").decode(block)
    text = text.removeprefix("\ufeff")
    if not delimiter and (delimiter := detect_delimiter(text, wanted)) != ",":
        notes.append(f"{path.name} has {_NAMES[delimiter]} between its cells")
    rows = _rows(text, delimiter)
    place = find_header([cells for _, cells in rows], wanted)
    line, cells = rows[place] if rows else (1, [])
    if place:
        notes.append(f"{path.name} has its header in line {line}; what is above was left out")
    return Head(column_names(cells, path), line, encoding, delimiter, tuple(notes))


def decoder_of(encoding: str) -> type[codecs.IncrementalDecoder]:
    """The decoder of an encoding; `BadDelivery` where there is none of that name."""
    try:
        return cast("type[codecs.IncrementalDecoder]", codecs.getincrementaldecoder(encoding))
    except LookupError:
        raise BadDelivery(f"no encoding is named {encoding!r}", hint="e.g. gb18030") from None


def detect_encoding(block: bytes) -> str:
    """UTF-8 or UTF-16 where a file is so, else the likeliest Chinese encoding of its beginning."""
    if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = block[:_SAMPLE_BYTES]
    if sample.count(0) * _NULS >= len(sample) > 0:
        return "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(block)
    except UnicodeDecodeError:
        return _likeliest(sample[: sample.rfind(b"\n") + 1] or sample)
    return "utf-8"


def _likeliest(sample: bytes) -> str:
    """Of few letters no guess is sound: then what Chinese Windows writes, if it can be that."""
    letters = len(sample.translate(None, bytes(range(128))))
    guess = from_bytes(sample, cp_isolation=[*_LIKELY]).best()
    if guess is not None and letters >= _SOUND_LETTERS:
        return guess.encoding
    try:
        sample.decode(_LIKELY[0])
    except UnicodeDecodeError:
        return guess.encoding if guess else _LIKELY[0]
    return _LIKELY[0]


def detect_delimiter(text: str, wanted: frozenset[str]) -> str:
    """The delimiter with which most wanted columns are found, or the most even rows made."""

    def fitness(delimiter: str) -> tuple[int, int]:
        rows = [cells for _, cells in _rows(text, delimiter)]
        known = max((len(wanted & _stripped(cells)) for cells in rows), default=0)
        width, count = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
        return known, count if width > 1 else 0

    return max(DELIMITERS, key=fitness)


def find_header(rows: Sequence[Sequence[str]], wanted: frozenset[str]) -> int:
    """Which of the first rows is the header: that with most wanted columns, else the first."""
    known = [len(wanted & _stripped(cells)) for cells in rows]
    if any(known) or wanted:
        return known.index(max(known)) if known else 0
    widest = max((len(_stripped(cells)) for cells in rows), default=0)
    for place, cells in enumerate(rows):
        if len(_stripped(cells)) * 2 > widest and not any(map(_is_number, cells)):
            return place
    return 0


def column_names(cells: Sequence[str], path: Path) -> tuple[str, ...]:
    """Header cells as names of columns; one without a name is called by its place.

    Raises
    ------
    BadDelivery
        If two columns have one name.
    """
    names = tuple(cell.strip() or f"column {n}" for n, cell in enumerate(cells, 1))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise BadDelivery(f"{path.name} has column {twice[0]!r} twice", hint="rename one of them")
    return names


def is_unnamed(name: str) -> bool:
    """Whether a column has no name in its file and is called by its place."""
    return _UNNAMED.fullmatch(name) is not None


def _rows(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The first rows with something in them, each with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            rows.append((line, cells))
        line = reader.line_num + 1
        if len(rows) == HEAD_ROWS:
            break
    return rows


def _stripped(cells: Sequence[str]) -> set[str]:
    return {cell.strip() for cell in cells} - {""}


def _is_number(cell: str) -> bool:
    return cell.strip().replace(".", "").replace("-", "").isdigit()
