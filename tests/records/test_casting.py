"""Whatever types a Parquet file has, a value is read, is a fault, or is refused in one line."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.records.deliveries import write_mapping
from xinheng.errors import BadMapping
from xinheng.records.sources.casting import cast, plain
from xinheng.records.sources.mapping import Origin, load_mapping
from xinheng.records.sources.times import Said
from xinheng.records.tables import Column, table, tables

KINDS: dict[tuple[str, bool], Column] = {}
for _table in tables().values():
    for _column in _table.columns:
        KINDS.setdefault((_column.kind, _column.is_money), _column)

SOURCES = {
    "text": pl.Series(["a", "2024-01-01", " "]),
    "whole": pl.Series([1, 2, None]),
    "number": pl.Series([1.5, float("nan"), float("inf")]),
    "yes/no": pl.Series([True, False, None]),
    "date": pl.Series([date(2024, 1, 1)]),
    "moment": pl.Series([datetime(2024, 1, 1, tzinfo=UTC)]),
    "decimal": pl.Series([Decimal("1.25")]),
    "category": pl.Series(["a", None], dtype=pl.Categorical),
    "enum": pl.Series(["a", None], dtype=pl.Enum(["a"])),
    "nothing": pl.Series([None, None]),
    "huge": pl.Series([2**63 + 5, 1], dtype=pl.UInt64),
    "time of day": pl.Series([time(1, 2)]),
    "duration": pl.Series([timedelta(1)]),
    "texts": pl.Series([["fine"], ["x"], None]),
    "numbers": pl.Series([[1], None]),
    "structure": pl.Series([{"a": 1}]),
    "bytes": pl.Series([b"a", b"\xff"]),
}
ORIGINS = [
    Origin(column="x"),
    Origin(column="x", date_format="%Y"),
    Origin(column="x", plus_days=1),
]


def said(raw: pl.Series) -> Said:
    return Said(pl.col("x"), raw.dtype)


def of(raw: pl.Series, told: pl.Expr) -> pl.Series:
    return raw.to_frame("x").with_columns(x=told)["x"]


NEVER_A_VALUE = {"time of day", "duration", "numbers", "structure", "bytes"}


@pytest.mark.parametrize("column", KINDS.values(), ids=[f"{k}{'¥' * m}" for k, m in KINDS])
@pytest.mark.parametrize("name", SOURCES)
def test_every_source_type_is_read_or_refused_in_one_line(
    tmp_path: Path, column: Column, name: str
) -> None:
    mapping, raw = load_mapping(write_mapping(tmp_path)), SOURCES[name]
    for origin in ORIGINS:
        if name in NEVER_A_VALUE or (name == "texts" and column.kind != "set"):
            with pytest.raises(BadMapping, match=r"^a source column of type .* cannot hold "):
                plain(said(raw), origin, column)
            continue
        told = plain(said(raw), origin, column)
        values = of(raw, cast(told, origin, column, mapping))
        assert values.dtype == column.dtype
        assert of(raw, told.told).dtype == told.dtype
        quoted = of(raw, told.told).cast(pl.String)
        assert quoted.len() == raw.len(), "the value can be quoted in a fault"


@pytest.mark.parametrize(
    ("name", "raw", "stored"),
    [
        ("fine_amount_yuan", pl.Series([Decimal("12.34"), Decimal("0.01")]), [1234, 1]),
        ("fine_amount_yuan", pl.Series(["1e3", "12,5"]), [None, None]),
        ("severity", pl.Series(["minor", "x"], dtype=pl.Categorical), ["minor", None]),
        ("penalty_kinds", pl.Series([["warn", "fine"], ["x"]]), [["fine", "warn"], None]),
        ("repeat_same_act", pl.Series(["是", "N", "1", "maybe"]), [True, False, True, None]),
        ("decision_no", pl.Series([12, 13]), ["12", "13"]),
    ],
)
def test_values_mean_what_they_say(
    tmp_path: Path, name: str, raw: pl.Series, stored: list[object]
) -> None:
    column, origin = table("penalty").column(name), Origin(column="x")
    mapping = load_mapping(write_mapping(tmp_path))
    told = cast(plain(said(raw), origin, column), origin, column, mapping)
    assert of(raw, told).to_list() == stored
