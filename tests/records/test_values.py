from __future__ import annotations

import pytest

from xinheng.records.suggest.values import code_list, day_forms, unit_of
from xinheng.records.tables import table


@pytest.mark.parametrize(
    ("values", "forms"),
    [
        (["2024-03-01", "2024-03-01 10:00:00"], []),
        (["2024/3/1", "2024年3月8日"], ["%Y/%m/%d", "%Y年%m月%d日"]),
        (["20240301"], ["%Y%m%d"]),
        (["45352"], ["excel"]),
        (["31/03/2024"], ["%d/%m/%Y"]),
        (["2024-03-01", "待定"], []),
    ],
)
def test_day_forms_are_those_that_read_the_values(values: list[str], forms: list[str]) -> None:
    assert day_forms(values) == forms


@pytest.mark.parametrize(
    ("heading", "unit"),
    [
        ("罚款（万元）", "万元"),
        ("资产总额(亿元)", "亿元"),
        ("罚款(元)", ""),
        ("罚款", ""),
        ("万元", "万元"),
    ],
)
def test_the_unit_stands_in_the_heading(heading: str, unit: str) -> None:
    assert unit_of(heading) == unit


def test_known_words_need_no_code_list() -> None:
    assert code_list(["轻微", "serious"], table("penalty").column("severity"), "penalty") == {}


def test_unknown_words_are_guessed_or_marked() -> None:
    told = code_list(["一般失信", "轻微", "XX"], table("penalty").column("severity"), "penalty")
    assert told == {"一般失信": "general", "轻微": "minor", "XX": "?"}
