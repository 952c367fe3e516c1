"""Supervision: administrative penalties and the payment of fines."""

from __future__ import annotations

import polars as pl

from xinheng.features.indicator import Indicator
from xinheng.features.vocabulary import (
    count,
    days_since_last,
    days_to_due,
    decayed_points,
    due,
    flag,
    in_state,
    max_group_count,
    ratio_to,
    share,
    total,
)
from xinheng.features.vocabulary.fold import rows

FINE = rows("kind = 'penalty_payment'")
"""Duties to pay a fine."""
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
        value=count("procedure = 'ordinary'"),
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
        value=total("fine_amount_fen + confiscated_fen", per=100),
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
        value=days_since_last("decided_on", cap=3650),
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
    Indicator(
        id="penalty_overdue_unpaid_yuan",
        name_zh="逾期未缴罚款",
        name_en="Fine outstanding past its due date",
        scope="general",
        group_l1="监管信息",
        group_l2="处罚履行",
        table="obligation",
        value=total("amount_fen", FINE & in_state("overdue"), per=100),
        windows_days=(0,),
        unit="yuan",
        direction="up",
        kind="obligation",
        rationale="行政处罚未履行; additional 3% a day accrues up to the principal",
        logarithmic=True,
        covered_by=("penalty", "penalty_performance"),
    ),
    Indicator(
        id="penalty_days_to_due",
        name_zh="距罚款到期天数",
        name_en="Days to the nearest unpaid fine's due date",
        scope="general",
        group_l1="监管信息",
        group_l2="处罚履行",
        table="obligation",
        value=days_to_due(FINE & in_state("open"), cap=60),
        windows_days=(0,),
        unit="day",
        direction="none",
        kind="obligation",
        is_clock=True,
        rationale="Clock of the unpaid-penalty warning; a context variable, so not constrained",
        covered_by=("penalty", "penalty_performance"),
    ),
    Indicator(
        id="penalty_paid_on_time_ratio",
        name_zh="罚款按期缴纳率",
        name_en="Share of past fines paid by the due date",
        scope="general",
        group_l1="监管信息",
        group_l2="处罚履行",
        table="obligation",
        value=share(in_state("performed"), FINE & due(), prior=2),
        windows_days=(1825,),
        unit="ratio",
        direction="down",
        kind="obligation",
        rationale="Own payment habit, strongest predictor of the next payment",
        covered_by=("penalty", "penalty_performance"),
    ),
    Indicator(
        id="penalty_deferral_flag",
        name_zh="延期分期批准标志",
        name_en="Approved deferral or instalment in force",
        scope="general",
        group_l1="监管信息",
        group_l2="处罚履行",
        table="obligation",
        value=flag(FINE & in_state("paused")),
        windows_days=(0,),
        unit="flag",
        direction="none",
        kind="obligation",
        rationale=(
            "Lawful hardship relief (art. 66); moves the clock, must not by itself worsen the score"
        ),
        covered_by=("penalty", "penalty_performance"),
    ),
    Indicator(
        id="penalty_to_revenue_ratio",
        name_zh="罚没金额占营收比",
        name_en="Outstanding fine relative to last reported revenue",
        scope="general",
        group_l1="监管信息",
        group_l2="处罚履行",
        table="obligation",
        value=ratio_to(
            "amount_fen", FINE & in_state("open"), table="annual_report", to="revenue_fen"
        ),
        windows_days=(0,),
        unit="ratio",
        direction="up",
        kind="obligation",
        rationale="Ability to pay",
        covered_by=("penalty", "penalty_performance"),
    ),
)
