"""Records as they are sent become what the gate would have made of their texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from xinheng.records.inbox.columns import SentColumns, as_sent, given_columns
from xinheng.records.sources.mapping import Identifier, Origin, TableMapping
from xinheng.records.sources.mapping import Mapping as Meaning
from xinheng.records.sources.origins import FILE, ROW
from xinheng.records.sources.shaping import Shaped, shape
from xinheng.records.tables import Column, table, tables

AT = datetime(2025, 6, 1, 4, tzinfo=UTC)
SINCE = datetime(1980, 1, 1)  # noqa: DTZ001  (a wall clock)
TEXTS = ["", " x ", "x", "1", "1.5", "true", "2024-02-29", "2024-02-30", "2024-2-3", "NaT",
         "2024-05-01 10:30:00", "2024-05-01T10:30:00", "1988-04-10 00:30:00", "now", "２",
         "2024-05-01T10:30:00+08:00", "0001-01-01", "-001-01-01"]  # fmt: skip


def values(column: Column) -> st.SearchStrategy[Any]:
    """What senders write into a column: its own words, plain values, and some that are neither."""
    fitting: list[st.SearchStrategy[Any]] = [st.none()]
    if column.options:
        fitting.append(st.sampled_from(column.options))
    elif column.dtype.is_numeric():
        fitting += [st.integers(-(2**62), 2**62), st.integers(0, 9), st.floats(-1e9, 1e9)]
    elif column.kind == "boolean":
        fitting.append(st.booleans())
    elif column.kind == "date":
        fitting.append(st.dates().map(str))
    elif column.kind == "datetime":
        fitting.append(st.datetimes(SINCE).map(lambda one: f"{one:%Y-%m-%d %H:%M:%S}"))
    odd = st.sampled_from(TEXTS) | st.booleans() | st.integers(0, 3)
    return st.one_of(*fitting) | odd


@st.composite
def sent(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    """Records of one table; some of their columns are well filled throughout."""
    name = draw(st.sampled_from(sorted(tables())))
    columns = [c for c in given_columns(name).values() if c is not None]
    strict = {c.name: draw(st.booleans()) for c in columns}
    told = {c.name: values(c) if not strict[c.name] else clean(c) for c in columns}
    record = st.fixed_dictionaries({"uscc": st.just("91440300192317458F"), **told})
    return name, draw(st.lists(record, min_size=1, max_size=4))


def clean(column: Column) -> st.SearchStrategy[Any]:
    if column.dtype.is_numeric():
        return st.integers(0, 10**12) | st.floats(0, 1e9) | st.none()
    if column.kind == "date":
        return st.dates().map(str) | st.none()
    return values(column)


def shaped(name: str, frame: pl.DataFrame) -> Shaped:
    own = {c: Origin(column=c) for c in frame.columns if c != "uscc"}
    part = TableMapping(name=name, file="-", columns=own)
    meaning = Meaning(identifier=Identifier(kind="uscc", column="uscc"), table=[part])
    placed = frame.with_columns(pl.lit(0, pl.Int32).alias(FILE)).with_row_index(ROW, 1)
    return shape(placed, meaning, part, where=name)


def texts(name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pl.DataFrame:
    """The same records as a file of texts."""
    told = {
        c: [None if row.get(c) is None else str(row[c]).lower() if row[c] is True or row[c] is False
            else str(row[c]) for row in rows]
        for c in columns if c != "known_at"
    }  # fmt: skip
    schema = dict.fromkeys(told, pl.String())
    frame = pl.DataFrame(told, schema=schema)
    return frame.with_columns(known_at=pl.lit(AT.isoformat()))


@settings(max_examples=300)
@given(sent())
def test_what_is_plainly_said_is_read_as_its_text_would_be(
    told: tuple[str, list[dict[str, Any]]],
) -> None:
    name, rows = told
    frame = as_sent(table(name), SentColumns.of(name, rows), [AT] * len(rows))
    one, other = shaped(name, frame), shaped(name, texts(name, rows, frame.columns))
    assert_frame_equal(one.rows, other.rows)
    assert one.faults["at", "field"].equals(other.faults["at", "field"])
