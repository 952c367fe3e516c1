"""Records as they are sent become what the gate would have made of their texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from xinheng.errors import BadRequest, XinhengError
from xinheng.records.inbox.columns import SentColumns, by_table, given_columns
from xinheng.records.inbox.rows import as_sent
from xinheng.records.inbox.sent import LONGEST, checked, checked_about
from xinheng.records.inbox.store import Sent
from xinheng.records.sources.mapping import Identifier, Origin, TableMapping
from xinheng.records.sources.mapping import Mapping as Meaning
from xinheng.records.sources.origins import FILE, ROW
from xinheng.records.sources.shaping import Shaped, shape
from xinheng.records.tables import Column, table, tables

OWN = "91440300192317458F"
AT = datetime(2025, 6, 1, 4, tzinfo=UTC)
SINCE = datetime(1980, 1, 1)  # noqa: DTZ001  (a wall clock)
TEXTS = ["", " x ", "x", "1", "1.5", "true", "2024-02-29", "2024-02-30", "2024-2-3", "NaT",
         "2024-05-01 10:30:00", "2024-05-01T10:30:00", "1988-04-10 00:30:00", "now", "２",
         "2024-05-01T10:30:00+08:00", "2024-05-01 10:30:00Z", "2024-05-01T10:30:00+24:00",
         "2024-05-01T10:30:00+08:60",
         "2024-05-01 10:30:00-00:00", "0001-01-01 00:00:00+23:59", "9999-12-31 23:59:59-23:59",
         "1988-04-10 00:30:00+08:00", "2024-05-01T24:00:00Z", "2024-05-01T23:59:60Z",
         "0001-01-01", "-001-01-01",
         "2024-02-29,2024-03-01", "2024-05-01,"]  # fmt: skip


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
        zones = st.sampled_from(["Z", "+08:00", "-23:59"])
        fitting.append(st.builds("{:%Y-%m-%dT%H:%M:%S}{}".format, st.datetimes(), zones))
    odd = st.sampled_from(TEXTS) | st.booleans() | st.integers(0, 3)
    return st.one_of(*fitting) | odd


@st.composite
def sent(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    """Records of one table; some of their columns are well filled throughout."""
    name = draw(st.sampled_from(sorted(tables())))
    columns = [c for c in given_columns(name).values() if c is not None]
    strict = {c.name: draw(st.booleans()) for c in columns}
    told = {c.name: values(c) if not strict[c.name] else clean(c) for c in columns}
    record = st.fixed_dictionaries({"uscc": st.just(OWN), **told})
    return name, draw(st.lists(record, min_size=1, max_size=4))


def clean(column: Column) -> st.SearchStrategy[Any]:
    if column.dtype.is_numeric():
        return st.integers(0, 10**12) | st.floats(0, 1e9) | st.none()
    if column.kind == "date":
        return st.dates().map(str) | st.none()
    if column.kind == "datetime":
        zone, form = st.sampled_from(["Z", "+08:00", "-23:59"]), "{:%Y-%m-%dT%H:%M:%S}{}".format
        local = st.builds(form, st.datetimes(), st.just(""))
        return st.one_of(local, st.builds(form, st.datetimes(), zone), st.none())
    return values(column)


def shaped(name: str, frame: pl.DataFrame, ready: frozenset[str] = frozenset()) -> Shaped:
    own = {c: Origin(column=c) for c in frame.columns if c != "uscc"}
    part = TableMapping(name=name, file="-", columns=own)
    meaning = Meaning(identifier=Identifier(kind="uscc", column="uscc"), table=[part])
    placed = frame.with_columns(pl.lit(0, pl.Int32).alias(FILE)).with_row_index(ROW, 1)
    return shape(placed, meaning, part, where=name, ready=ready)


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
    frame, ready = as_sent(table(name), SentColumns.of(name, rows), [AT] * len(rows))
    expected = shaped(name, texts(name, rows, frame.columns))
    for one in (shaped(name, frame), shaped(name, frame, ready)):
        assert_frame_equal(one.rows, expected.rows)
        assert one.faults["at", "field"].equals(expected.faults["at", "field"])


@pytest.mark.parametrize(
    "said",
    ["2024-05-01T10:30:00Z", "2024-05-01 10:30:00+08:00", "2024-05-01T10:30:00-00:00",
     "2024-05-01T10:30:00+23:59", "2024-05-01T10:30:00+24:00", "2024-05-01T10:30:00+08:60",
     "2024-05-01T24:00:00Z", "2024-05-01T23:59:60Z", "2024-02-30T10:00:00Z",
     "0000-01-01 00:00:00Z", "0001-01-01 00:00:00+23:59", "9999-12-31 23:59:59-23:59",
     "1927-01-01T00:00:00+08:05", "1988-04-10 00:30:00", "1991-12-31 23:59:59",
     "1992-01-01 00:00:00"],
)  # fmt: skip
def test_times_are_read_as_their_texts_would_be(said: str) -> None:
    rows = [{"uscc": OWN, "submitted_at": said}]
    frame, ready = as_sent(table("annual_report"), SentColumns.of("annual_report", rows), [AT])
    expected = shaped("annual_report", texts("annual_report", rows, frame.columns))
    one = shaped("annual_report", frame, ready)
    assert_frame_equal(one.rows, expected.rows)
    assert one.faults.equals(expected.faults)


odd_values = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**64), 2**64), st.floats(), st.sampled_from(TEXTS),
    st.just("x" * (LONGEST + 1)), st.lists(st.sampled_from(["a", 1])), st.just({}),
)  # fmt: skip
said_code = st.sampled_from([OWN, f" {OWN.lower()}", "91440300708461136T", "", None, 7])
said_columns = ["uscc", "source_record_no", "region_code", "known_at", "colour"]


@st.composite
def any_records(draw: st.DrawFn) -> list[tuple[str, dict[str, Any]]]:
    """Records of several tables, mostly in order."""
    fine = draw(st.booleans())
    names = ["complaint", "penalty"] if fine else ["complaint", "penalty", "wishes"]
    told = st.sampled_from(["x", "y", None]) if fine else odd_values
    columns = said_columns[1:3] if fine else said_columns[1:]
    code = st.just(OWN) if fine else said_code
    values = st.fixed_dictionaries({}, optional={"uscc": code, **dict.fromkeys(columns, told)})
    return draw(st.lists(st.tuples(st.sampled_from(names), values), max_size=5))


def looked_at_one_by_one(records: list[tuple[str, dict[str, Any]]]) -> list[Sent]:
    """What is wrong with the first record that is not in order is told, of all that could be."""
    fine = []
    for place, (name, values) in enumerate(records):
        one = checked(name, {"uscc": OWN, **values}, where=f"records.{place}")
        if one.values["uscc"] != OWN:
            raise BadRequest(f"records.{place} is about another enterprise than {OWN}")
        fine.append(one)
    return fine


@settings(max_examples=500)
@given(any_records())
@example([("complaint", {"uscc": None}), ("wishes", {})])
def test_records_are_looked_at_together_as_one_by_one(
    records: list[tuple[str, dict[str, Any]]],
) -> None:
    try:
        one_by_one = looked_at_one_by_one(records)
    except XinhengError as fault:
        with pytest.raises(type(fault), match=f"^{re.escape(str(fault))}$"):
            checked_about(OWN, records)
        return
    together = {one.record_type: one for one in checked_about(OWN, records)}
    for one in by_table(one_by_one):
        own, known_at = together.pop(one.record_type), [AT] * one.height
        target = table(one.record_type)
        assert_frame_equal(as_sent(target, own, known_at).rows, as_sent(target, one, known_at).rows)
    assert together == {}
