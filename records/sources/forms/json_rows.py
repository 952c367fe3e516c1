"""JSON deliveries: an array of objects, or one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from xinheng.errors import BadDelivery
from xinheng.records.sources.forms.delimited import UNSPLIT
from xinheng.records.sources.forms.head import Head

CHUNK_ROWS = 50_000
_ITEMS = "an array of objects, or one object a line (.jsonl)"


def read_json_head(path: Path) -> Head:
    """The names of all members of all objects, in the order in which they first come."""
    names: dict[str, None] = {}
    for _, row in _objects(path):
        names |= dict.fromkeys(row or ())
    return Head(tuple(names))


def read_json(path: Path, head: Head, null_values: list[str]) -> Iterator[pl.DataFrame]:
    """All members as text, numbers as they are written; a line that is no object in `UNSPLIT`."""
    nothing = {*null_values}
    schema = {**dict.fromkeys(head.names, pl.String()), UNSPLIT: pl.String()}
    yield pl.DataFrame(schema=dict.fromkeys(head.names, pl.String()))
    rows = _objects(path)
    while chunk := [*islice(rows, CHUNK_ROWS)]:
        told = [
            {**{name: _text(value, nothing) for name, value in (row or {}).items()}, UNSPLIT: raw}
            for raw, row in chunk
        ]
        frame = pl.DataFrame(told, schema=schema)
        yield frame if frame[UNSPLIT].null_count() < frame.height else frame.drop(UNSPLIT)


def _objects(path: Path) -> Iterator[tuple[str | None, Mapping[str, Any] | None]]:
    """Each object; where a line is none, its text and None."""
    if path.suffix.lower() == ".json":
        yield from ((None, row) for row in _array(path))
        return
    try:
        with path.open(encoding="utf-8-sig") as source:
            for line in source:
                if line.strip():
                    row = _object(line)
                    yield (None if row is not None else line.rstrip("\n")), row
    except UnicodeDecodeError:
        raise BadDelivery(f"{path.name} is not utf-8", hint="JSON is always UTF-8") from None


def _object(line: str) -> Mapping[str, Any] | None:
    try:
        row = json.loads(line, parse_float=str, parse_int=str)
    except json.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None


def _array(path: Path) -> list[Mapping[str, Any]]:
    try:
        told = json.loads(path.read_text(encoding="utf-8-sig"), parse_float=str, parse_int=str)
    except (json.JSONDecodeError, UnicodeDecodeError) as fault:
        raise BadDelivery(f"{path.name} is not JSON: {fault}", hint=f"send {_ITEMS}") from None
    lists = (
        [one for one in told.values() if isinstance(one, list)] if isinstance(told, dict) else []
    )
    rows = lists[0] if len(lists) == 1 else told
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadDelivery(f"{path.name} holds no list of records", hint=f"send {_ITEMS}")
    return rows


def _text(value: Any, nothing: set[str]) -> str | None:
    """A member as text: lists of a set's members joined, deeper structures as JSON."""
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "|".join(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return None if text in nothing else text
