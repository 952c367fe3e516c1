"""Supervision: administrative penalties."""

from __future__ import annotations

import polars as pl

from xinheng.features.indicator import Indicator
from xinheng.features.vocabulary import (
    count,
    days_since_last,
    decayed_points,
    flag,
    max_group_count,
    total,
)

EFFECTIVE = pl.col("state") == "effective"
HEAVY_KINDS = [
    "suspend_business",
    "suspend_licence",
    "downgrade",
    "revoke_licence",
    "revoke_business_licence",
    "restrict_business",
]
"""Kinds that may not be taken down early."""
INDICATORS = (
    Indicator(
        id="penalty_count",
        name_zh="行政处罚次数",
        name_en="Administrative penalties in force",
        scope="general",
        group_l1="监管信息",
        group_l2="行政处罚",
        table="penalty",
        value=count(where=EFFECTIVE & (pl.col("procedure") == "ordinary")),
        windows_days=(90, 365, 1095),
        unit="count",
        direction="up",
        kind="dynamic",
        rationale=(
            "Core compliance record; simple-procedure and warning-only cases are not counted"
        ),
    ),
    Indicator(
        id="penalty_severity_points",
        name_zh="处罚严重程度积分",
        name_en="Severity points with time decay",
        scope="general",
        group_l1="监管信息",
        group_l2="行政处罚",
        table="penalty",
        value=decayed_points(
            "severity", {"minor": 1, "general": 3, "serious": 10}, half_life_days=365
        ),
        windows_days=(1095,),
        unit="point",
        direction="up",
        kind="dynamic",
        rationale=(
            "Amount, severity and recency in one number; a half-life of one year fades old cases"
        ),
    ),
    Indicator(
        id="penalty_fine_sum_yuan",
        name_zh="罚没金额合计",
        name_en="Fines plus confiscation",
        scope="general",
        group_l1="监管信息",
        group_l2="行政处罚",
        table="penalty",
        value=total(pl.col("fine_amount_fen") + pl.col("confiscated_fen"), per=100),
        windows_days=(365, 1095),
        unit="yuan",
        direction="up",
        kind="dynamic",
        rationale=(
            "Size of breach (log1p in the model); values over 1 million yuan count only after "
            "double confirmation"
        ),
        logarithmic=True,
    ),
    Indicator(
        id="penalty_days_since_last",
        name_zh="距最近处罚天数",
        name_en="Days since the last penalty",
        scope="general",
        group_l1="监管信息",
        group_l2="行政处罚",
        table="penalty",
        value=days_since_last("decided_on", cap=3650, where=EFFECTIVE),
        windows_days=(0,),
        unit="day",
        direction="down",
        kind="dynamic",
        rationale="Recency; never punished = cap value, keeps the monotone direction",
    ),
    Indicator(
        id="penalty_repeat_same_act_count",
        name_zh="同类违法再犯次数",
        name_en="Repeat penalties for the same act",
        scope="general",
        group_l1="监管信息",
        group_l2="行政处罚",
        table="penalty",
        value=max_group_count("illegal_act_code", less=1),
        windows_days=(1095,),
        unit="count",
        direction="up",
        kind="dynamic",
        rationale=(
            "Repeat within one year is a legal aggravating ground (e.g. food implementing "
            "regulation art. 67)"
        ),
    ),
    Indicator(
        id="penalty_heavy_flag",
        name_zh="较重处罚标志",
        name_en="Suspension, restriction, downgrade or revocation imposed",
        scope="general",
        group_l1="监管信息",
        group_l2="行政处罚",
        table="penalty",
        value=flag(pl.col("penalty_kinds").list.set_intersection(HEAVY_KINDS).list.len() > 0),
        windows_days=(1095,),
        unit="flag",
        direction="up",
        kind="dynamic",
        rationale="Kinds that may not be taken down early and can lead to serious listing",
    ),
)
