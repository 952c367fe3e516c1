from __future__ import annotations

import pytest

from xinheng.records.suggest.headings import best_fit, likeness
from xinheng.records.tables import DERIVED_COLUMNS, PLATFORM_COLUMNS, tables

PENALTY = [
    "序号",
    "决定书文号",
    "当事人",
    "统一社会信用代码",
    "案由",
    "处罚种类",
    "罚款金额（万元）",
    "决定日期",
]
CHECKS = ["Company Name", "Unified Social Credit Code", "Visit Date", "Result", "备注"]


@pytest.mark.parametrize(
    ("headings", "file_name", "table"),
    [
        pytest.param(PENALTY, "2024年台账", "penalty", id="by the headings"),
        pytest.param(CHECKS, "visits", "inspection", id="in English"),
        pytest.param(
            ["企业名称", "列入日期"], "经营异常名录", "abnormal_list", id="by the file's name"
        ),
        pytest.param(
            ["企业名称", "成立日期", "住所", "登记状态"], "d", "entity", id="the register"
        ),
    ],
)
def test_the_table_is_found(headings: list[str], file_name: str, table: str) -> None:
    assert best_fit(headings, file_name).table.name == table


def test_each_heading_goes_to_the_column_that_it_means() -> None:
    found = best_fit(PENALTY, "d").columns
    assert found == {
        "uscc": "统一社会信用代码",
        "entity_name": "当事人",
        "decision_no": "决定书文号",
        "illegal_act_code": "案由",
        "penalty_kinds": "处罚种类",
        "fine_amount_yuan": "罚款金额（万元）",
        "decided_on": "决定日期",
    }


@pytest.mark.parametrize("name", tables())
def test_the_own_names_of_a_table_are_known(name: str) -> None:
    """A file with the canonical headings is recognised, and no heading goes astray."""
    table = tables()[name]
    wanted = [c.name for c in table.columns if c.name not in PLATFORM_COLUMNS | DERIVED_COLUMNS]
    fit = best_fit(["uscc", *wanted], name)
    assert fit.table.name == name
    assert dict(fit.columns) == {one: one for one in ("uscc", *wanted)}


@pytest.mark.parametrize(
    ("heading", "least", "most"),
    [("罚款金额", 1, 1), ("罚款金额(元)", 1, 1), ("罚款金额合计", 0.6, 0.99), ("电话", 0, 0.3)],
)
def test_likeness_falls_with_distance(heading: str, least: float, most: float) -> None:
    assert least <= likeness(heading, ["罚款金额"]) <= most
