from __future__ import annotations

import polars as pl
import pytest

from xinheng.errors import UnknownName
from xinheng.records.tables import MOMENT, envelope, table, tables

every_table = pytest.mark.parametrize("name", tables())


def test_all_28_tables_are_declared() -> None:
    assert len(tables()) == 28


@every_table
def test_every_table_has_one_event_column_and_the_envelope(name: str) -> None:
    one = table(name)
    assert sum("event" in c.roles for c in one.own) == 1
    assert one.event.dtype in {pl.Date, MOMENT}
    assert {c.name for c in envelope()} <= {c.name for c in one.columns}


@every_table
def test_money_is_stored_as_whole_fen_and_says_so(name: str) -> None:
    for column in table(name).columns:
        if column.unit == "yuan":
            assert column.stored.endswith("_fen")
            assert column.dtype == pl.Int64
        else:
            assert column.stored == column.name


@every_table
def test_closed_lists_are_not_empty(name: str) -> None:
    for column in table(name).columns:
        assert bool(column.options) == (column.kind in {"enum", "set"}), column.name


def test_a_wrong_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"did you mean penalty"):
        table("penalties")
