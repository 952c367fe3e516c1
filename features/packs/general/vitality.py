"""Vitality: staff, electricity, water."""

from __future__ import annotations

from xinheng.features.indicator import Indicator
from xinheng.features.vocabulary import count, count_months, pct_change, yoy_pct

INDICATORS = (
    Indicator(
        id="insured_headcount_change_pct",
        name_zh="参保人数变化率",
        name_en="Change of insured headcount against the previous period",
        scope="general",
        group_l1="企业动态信息",
        group_l2="经营活力",
        table="social_insurance",
        value=pct_change("insured_headcount"),
        windows_days=(90, 180, 365),
        unit="percent",
        direction="down",
        kind="dynamic",
        rationale=(
            "Staff leaving the insurance roll is an early sign of distress (Shaoxing/Shangyu "
            "collect 参保人数)"
        ),
    ),
    Indicator(
        id="si_arrears_months",
        name_zh="社保欠缴月数",
        name_en="Months with social-insurance arrears",
        scope="general",
        group_l1="企业动态信息",
        group_l2="经营活力",
        table="social_insurance",
        value=count("in_arrears"),
        windows_days=(365,),
        unit="month",
        direction="up",
        kind="obligation",
        rationale="Unpaid social insurance precedes wage arrears and penalties",
    ),
    Indicator(
        id="electricity_change_pct",
        name_zh="用电量变化率",
        name_en="Year-on-year change of electricity use",
        scope="general",
        group_l1="企业动态信息",
        group_l2="经营活力",
        table="utility_usage",
        value=yoy_pct("usage", "utility = 'electricity' and not meter_shared", decimals=3),
        windows_days=(90, 365),
        unit="percent",
        direction="down",
        kind="dynamic",
        rationale="Sharp fall signals stoppage; year-on-year removes season",
    ),
    Indicator(
        id="water_change_pct",
        name_zh="用水量变化率",
        name_en="Year-on-year change of water use",
        scope="general",
        group_l1="企业动态信息",
        group_l2="经营活力",
        table="utility_usage",
        value=yoy_pct("usage", "utility = 'water' and not meter_shared", decimals=3),
        windows_days=(90, 365),
        unit="percent",
        direction="down",
        kind="dynamic",
        rationale="As for electricity, informative for food and textile firms",
    ),
    Indicator(
        id="utility_zero_months",
        name_zh="零用量月数",
        name_en="Months with zero electricity and water use",
        scope="general",
        group_l1="企业动态信息",
        group_l2="经营活力",
        table="utility_usage",
        value=count_months("usage", "utility in ('electricity', 'water') and not meter_shared"),
        windows_days=(180,),
        unit="month",
        direction="up",
        kind="dynamic",
        rationale=(
            "More than six months of self-closure without filing is itself a ground for "
            "revocation (Company Law art. 260)"
        ),
    ),
)
