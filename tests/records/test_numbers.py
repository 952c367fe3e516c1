from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinheng.records.sources.mapping import UNITS, Origin
from xinheng.records.sources.numbers import fen, integers, number_fault
from xinheng.records.sources.times import Said
from xinheng.records.tables import table

FINE = table("penalty").column("fine_amount_yuan")
SAID = Said(pl.col("x"), pl.String())


def in_fen(*texts: str, unit: str = "yuan") -> list[int | None]:
    frame = pl.DataFrame({"x": texts})
    return frame.select(fen(SAID, Origin(column="x", unit=unit)))["x"].to_list()


@pytest.mark.parametrize(
    ("text", "yuan"),
    [
        ("5,000.00", "5000"), ("￥5000", "5000"), ("5000元", "5000"), ("５０００", "5000"),
        ("０．５万元", "5000"), ("0.5万", "5000"), ("¥ -1,234.5", None), ("-¥1,234.5", "-1234.5"),
        ("1.2亿元", "120000000"), ("3千元", "3000"), ("人民币5000元整", "5000"), ("RMB 12", "12"),
        ("5000.005", None), ("9.14E+3", None), ("伍仟元整", None), ("12,5", None), ("NaN", None),
        ("inf", None), ("1,2345", None), ("5000万美元", None), ("", None), ("0.0000001万元", None),
    ],
)  # fmt: skip
def test_an_amount_is_what_it_says_or_no_amount(text: str, yuan: str | None) -> None:
    assert in_fen(text) == [None if yuan is None else int(Decimal(yuan) * 100)]


def test_the_unit_in_the_cell_goes_before_that_of_the_column() -> None:
    assert in_fen("0.5", "5000元", "0.5万元", unit="万元") == [500_000, 500_000, 500_000]


@given(st.integers(-(10**15), 10**15), st.sampled_from(sorted(UNITS)))
def test_no_amount_becomes_another_one(amount: int, unit: str) -> None:
    """Whatever the unit, and with or without separators: to the fen, up to ten trillion yuan."""
    told = Decimal(amount) / 100 / int(UNITS[unit])
    sign, digits = ("-" if told < 0 else ""), f"{abs(told):f}"
    whole, _, rest = digits.partition(".")
    separated = f"{sign}{int(whole):,}" + (f".{rest}" if rest else "")
    assert in_fen(f"{told:f}", separated, unit=unit) == [amount, amount]


@given(st.decimals(0, 10**9, places=3).filter(lambda d: d * 100 % 1 != 0))
def test_more_than_two_decimals_are_never_rounded_away(amount: Decimal) -> None:
    assert in_fen(f"{amount:f}", f"{amount:f}元") == [None, None]


def test_whole_numbers_are_whole() -> None:
    frame = pl.DataFrame({"x": ["1,234", "１２", "3.0", "3.5", "9.14E+3", "x"]})
    told = frame.select(integers(SAID, Origin(column="x"), FINE))["x"].to_list()
    assert told == [1234, 12, 3, None, None, None]


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        ("9.14E+3", "decimal", "spreadsheet shortened"),
        ("伍仟元整", "decimal", "written in words"),
        ("5000.005", "decimal", "two decimals"),
        ("3.5", "integer", "no whole number"),
        ("about 5", "decimal", "no number"),
    ],
)
def test_the_message_names_what_is_wrong(value: str, kind: str, told: str) -> None:
    assert told in number_fault(value, kind)[0]
