from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.records.deliveries import write_mapping
from xinheng.records.sources.mapping import Mapping, Origin, load_mapping
from xinheng.records.sources.times import Said, dates, moments

Reader = Callable[[Said, Origin, Mapping], pl.Expr]
NOON = datetime(2024, 3, 1, 4, 0, tzinfo=UTC)
"""Noon in Shanghai."""


def read(reader: Reader, raw: pl.Series, origin: Origin, mapping: Mapping) -> list[object]:
    told = reader(Said(pl.col("x"), raw.dtype), origin, mapping)
    return raw.to_frame("x").with_columns(x=told)["x"].to_list()


@pytest.fixture
def mapping(tmp_path: Path) -> Mapping:
    return load_mapping(write_mapping(tmp_path))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-03-01", datetime(2024, 2, 29, 16, 0, tzinfo=UTC)),
        ("2024-03-01 12:00:00", NOON),
        ("2024-03-01T12:00:00", NOON),
        ("2024-03-01 12:00", NOON),
        ("2024-03-01T12:00:00.5", NOON.replace(microsecond=500_000)),
        ("2024-03-01T04:00:00Z", NOON),
        ("2024-03-01 12:00:00+08:00", NOON),
        ("2024-02-30", None),
        ("2024-02-30 12:00:00", None),
        ("2024-03-01 25:00:00", None),
        ("2024-03-01xyz", None),
        ("01/03/2024", None),
        ("20240301", None),
    ],
)
def test_iso_texts_are_moments_and_the_rest_is_not(
    mapping: Mapping, text: str, moment: datetime | None
) -> None:
    origin = Origin(column="x")
    assert read(moments, pl.Series([text]), origin, mapping) == [moment]
    day = None if moment is None else date(2024, 3, 1)
    assert read(dates, pl.Series([text]), origin, mapping) == [day]


def test_a_format_of_its_own_is_read(mapping: Mapping) -> None:
    day = Origin(column="x", date_format="%d/%m/%Y", plus_days=1)
    assert read(dates, pl.Series(["29/02/2024", "30/02/2024"]), day, mapping) == [
        date(2024, 3, 1),
        None,
    ]
    time = Origin(column="x", date_format="%d/%m/%Y %H.%M")
    assert read(moments, pl.Series(["01/03/2024 12.00"]), time, mapping) == [NOON]


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        pytest.param(pl.Series([NOON.replace(tzinfo=None)]), date(2024, 3, 1), id="wall clock"),
        pytest.param(
            pl.Series([datetime(2024, 2, 29, 20, tzinfo=UTC)]), date(2024, 3, 1), id="with a zone"
        ),
        pytest.param(pl.Series([date(2024, 3, 1)]), date(2024, 3, 1), id="a date"),
    ],
)
def test_typed_times_fall_on_the_legal_day(mapping: Mapping, raw: pl.Series, day: date) -> None:
    assert read(dates, raw, Origin(column="x"), mapping) == [day]


def test_an_hour_that_the_clock_skips_is_no_moment(tmp_path: Path) -> None:
    text = (Path(write_mapping(tmp_path))).read_text(encoding="utf-8")
    chicago = load_mapping(write_mapping(tmp_path, 'time_zone = "America/Chicago"\n' + text))
    skipped = pl.Series(["2024-03-10 02:30:00", "2024-11-03 01:30:00"])
    first, twice = read(moments, skipped, Origin(column="x"), chicago)
    assert first is None
    assert twice == datetime(2024, 11, 3, 6, 30, tzinfo=UTC), "the first of the two"


def test_numbers_are_no_moments(mapping: Mapping) -> None:
    for number in (20240301, 19_783.0, True):
        assert read(moments, pl.Series([number]), Origin(column="x"), mapping) == [None]
        assert read(dates, pl.Series([number]), Origin(column="x"), mapping) == [None]
