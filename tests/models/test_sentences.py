from __future__ import annotations

import pytest

from xinheng.features.catalogue import catalogue
from xinheng.features.indicator import FeatureColumn
from xinheng.models.reasons.sentences import sentence, shown_value


def column(name: str, place: int = 0) -> FeatureColumn:
    return catalogue()[name].columns[place]


@pytest.mark.parametrize(
    ("name", "value", "push", "zh", "en"),
    [
        (
            "penalty_count", 3.0, 0.4, "近90天行政处罚次数为3次,推高风险",
            "Administrative penalties in force, last 90 days: 3; raises the risk",
        ),
        (
            "penalty_heavy_flag", 0.0, -0.1, "近1095天较重处罚标志:否,降低风险",
            ("Suspension, restriction, downgrade or revocation imposed, last 1095 days: no; "
            "lowers the risk"),
        ),
        (
            "food_area_m2", 1234.5, 0.1, "经营场所面积为1,234平方米,推高风险",
            "Premises area: 1,234 m²; raises the risk",
        ),
        (
            "paid_in_ratio", None, 0.1, "实缴资本比例无数据(来源未覆盖或不适用),推高风险",
            ("Paid-in share of registered capital: no data (source not covered, or not "
            "applicable); raises the risk"),
        ),
    ],
    ids=["count", "flag", "large number", "no data"],
)  # fmt: skip
def test_a_sentence_says_window_value_unit_and_direction(
    name: str, value: float | None, push: float, zh: str, en: str
) -> None:
    assert sentence(column(name), value, push, "zh") == zh
    assert sentence(column(name), value, push, "en") == en


def test_amounts_are_told_in_yuan_not_in_logarithms() -> None:
    assert shown_value(column("penalty_fine_sum_yuan"), 8.294299608857235) == 4000.0
    assert shown_value(column("penalty_count"), 2.0) == 2.0
    assert shown_value(column("penalty_count"), float("nan")) is None
