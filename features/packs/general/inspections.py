"""Supervision: inspections, their results and what was ordered."""

from __future__ import annotations

from xinheng.features.indicator import Indicator
from xinheng.features.vocabulary import count, days_since_last, flag, in_state, share
from xinheng.features.vocabulary.fold import rows

PROBLEM = "result not in ('no_problem', 'no_such_activity')"
"""What the specification calls a problem found."""
INDICATORS = (
    Indicator(
        id="inspection_problem_rate",
        name_zh="抽查问题率",
        name_en="Share of own inspections that found a problem",
        scope="general",
        group_l1="监管信息",
        group_l2="抽查检查",
        table="inspection",
        value=share(PROBLEM, prior=2, mean="industry_division"),
        windows_days=(1095,),
        unit="ratio",
        direction="up",
        kind="dynamic",
        rationale="Past findings predict findings; shrunk to the industry rate",
    ),
    Indicator(
        id="inspection_no_contact_count",
        name_zh="抽查无法联系次数",
        name_en="Random checks where the firm could not be contacted at its address",
        scope="general",
        group_l1="监管信息",
        group_l2="抽查检查",
        table="inspection",
        value=count("result = 'no_contact'"),
        windows_days=(1095,),
        unit="count",
        direction="up",
        kind="dynamic",
        rationale=(
            "Largest single finding of published random checks (7.3% of firms checked in Sichuan "
            "2015)"
        ),
    ),
    Indicator(
        id="inspection_refusal_flag",
        name_zh="拒绝检查标志",
        name_en="Refused or obstructed an inspection",
        scope="general",
        group_l1="监管信息",
        group_l2="抽查检查",
        table="inspection",
        value=flag("result = 'refused'"),
        windows_days=(1825,),
        unit="flag",
        direction="up",
        kind="dynamic",
        rationale="Serious lack of cooperation; published by law",
    ),
    Indicator(
        id="rectification_overdue_count",
        name_zh="整改逾期次数",
        name_en="Rectification orders overdue or done late",
        scope="general",
        group_l1="监管信息",
        group_l2="抽查检查",
        table="obligation",
        value=count(rows("kind = 'rectification'") & in_state("overdue", "performed_late")),
        windows_days=(365, 1095),
        unit="count",
        direction="up",
        kind="obligation",
        rationale="Unmet orders turn into cases",
        covered_by=("inspection",),
    ),
    Indicator(
        id="days_since_last_inspection",
        name_zh="距上次检查天数",
        name_en="Days since the last on-site inspection",
        scope="general",
        group_l1="监管信息",
        group_l2="抽查检查",
        table="inspection",
        value=days_since_last("checked_on", cap=3650),
        windows_days=(0,),
        unit="day",
        direction="none",
        kind="dynamic",
        rationale="Exposure control: what was not looked at cannot have been found",
        is_steady=False,
    ),
)
