"""Records added in thought: the gate can read each, and they move what is steady one way only."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from xinheng.features.added import AddedRecord, added, added_records, against
from xinheng.features.catalogue import catalogue, feature_columns
from xinheng.features.declared import Inputs
from xinheng.records.lake import Lake

AS_OF = datetime(2026, 1, 20, tzinfo=UTC)
SCOPES = ["general", "food", "drugs", "construction"]
each_record = pytest.mark.parametrize("record", added_records(), ids=lambda one: one.id)


def test_records_have_names_of_their_own_and_both_kinds_are_there() -> None:
    names = [one.id for one in added_records()]
    assert len(names) == len({*names})
    assert {one.is_bad for one in added_records()} == {True, False}


@each_record
def test_days_are_told_from_the_day_that_is_asked_about(record: AddedRecord) -> None:
    sent = record.of(("X", "示例", "640302"), date(2026, 3, 1), np.random.default_rng(1))
    days = [value for key, value in sent.values.items() if key.endswith(("_on", "_until"))]
    assert days
    assert not any(str(value).startswith("day") for value in days)
    for key in ("checked_on", "received_on", "listed_on", "reported_on", "filed_on"):
        assert sent.values.get(key, "2026-02-28") == "2026-02-28"


def test_a_list_gives_one_value_a_firm_and_the_same_ones_each_time() -> None:
    record = AddedRecord(id="x", table="inspection", is_bad=True, values={"n": [1, 2, 3], "m": 5})
    drawn = [
        [record.of(("X", "示例", "640302"), date(2026, 3, 1), rng).values["n"] for _ in range(30)]
        for rng in (np.random.default_rng(7), np.random.default_rng(7))
    ]
    assert drawn[0] == drawn[1]
    assert {*drawn[0]} == {1, 2, 3}


def test_what_is_steady_moves_one_way_only(city_lake: Lake) -> None:
    """Of every indicator of the delivered classes, whichever model reads it."""
    indicators = Inputs(scopes=SCOPES).indicators()
    columns = feature_columns(indicators)
    pairs = list(added(city_lake, indicators, AS_OF, most=120))
    assert len(pairs) == len(added_records())
    assert all(not against(pair, columns) for pair in pairs), {
        pair.record.id: found for pair in pairs if (found := against(pair, columns))
    }
    moved = [p.record.id for p in pairs if not p.without.equals(p.with_it)]
    assert moved == [one.id for one in added_records()]


def test_what_is_not_steady_is_found(city_lake: Lake) -> None:
    names = {name for name, one in catalogue().items() if not one.is_steady}
    indicators = [catalogue()[name] for name in sorted(names)]
    found = {
        name.removesuffix("_730d").removesuffix("_1095d")
        for pair in added(city_lake, indicators, AS_OF, most=320)
        for name in against(pair, feature_columns(indicators))
    }
    assert found == names


def test_only_members_of_a_sector_get_its_records(city_lake: Lake) -> None:
    indicators = Inputs(scopes=["general"]).indicators()
    told = [pair.record for pair in added(city_lake, indicators, AS_OF, most=5, sector="food")]
    assert {one.sector for one in told} == {"", "food"}
