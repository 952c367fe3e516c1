"""Who is scored and who owes a report follows from the code."""

from __future__ import annotations

import polars as pl
import pytest

from xinheng.records.codes.subjects import (
    ALL_OTHERS,
    has_scored_code,
    is_scored,
    owe_reports,
    reason_not_scored,
    subject_of,
    subjects,
)
from xinheng.records.frames import FEW
from xinheng.records.tables import tables

REST = "640302MA00000000"


@pytest.mark.parametrize(
    ("prefix", "scored", "owes"),
    [
        ("91", True, True), ("92", False, True), ("93", False, True), ("52", False, False),
        ("12", False, False), ("51", False, False), ("53", False, False), ("N2", False, False),
        ("A1", False, False), ("Y1", False, False),
    ],
)  # fmt: skip
def test_the_prefix_decides_whatever_type_is_claimed(prefix: str, scored: bool, owes: bool) -> None:
    rows = pl.DataFrame({"uscc": [prefix + REST], "entity_type": ["enterprise"]})
    assert rows.select(is_scored()).item() is scored
    assert owe_reports(rows["uscc"]).tolist() == [owes]
    assert owe_reports(pl.concat([rows["uscc"]] * (FEW + 1))).all() == owes
    assert rows.select(has_scored_code()).item() is scored
    assert (reason_not_scored(prefix + REST, "enterprise") is None) is scored


def test_an_enterprise_code_with_another_type_is_not_scored_but_owes() -> None:
    rows = pl.DataFrame({"uscc": ["91" + REST], "entity_type": ["individual_business"]})
    assert rows.select(is_scored()).item() is False
    assert owe_reports(rows["uscc"]).all()
    reason = reason_not_scored("91" + REST, "individual_business")
    assert reason is not None
    assert "individual_business" in reason[0]


def test_every_kind_says_why_it_is_not_scored_and_names_types_of_the_register() -> None:
    options = {c.name: c.options for c in tables()["entity"].own}["entity_type"]
    for one in subjects().values():
        assert {*one.entity_types} <= {*options}
        assert bool(one.reason_en and one.reason_zh) is not one.is_scored
    assert subject_of("ZZ") is subjects()[ALL_OTHERS]
