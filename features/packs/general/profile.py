"""Basic attributes: what the enterprise is, and which licences it holds."""

from __future__ import annotations

from xinheng.features.indicator import Indicator
from xinheng.features.vocabulary import (
    age_days,
    ahead,
    begun,
    days_until_next,
    flag,
    group_rate,
    latest_of_both,
    past,
    proven,
    ratio,
    within_days_of,
)

INDICATORS = (
    Indicator(
        id="age_days",
        name_zh="成立年限",
        name_en="Days since establishment",
        scope="general",
        group_l1="企业基础属性信息",
        group_l2="主体概况",
        table="entity",
        value=age_days("established_on"),
        windows_days=(0,),
        unit="day",
        direction="none",
        kind="static",
        rationale=(
            "Life-cycle control: very young firms lack history, very old ones may be dormant; "
            "effect is not monotone"
        ),
    ),
    Indicator(
        id="new_entity_flag",
        name_zh="新设一年内标志",
        name_en="Established within one year",
        scope="general",
        group_l1="企业基础属性信息",
        group_l2="主体概况",
        table="entity",
        value=flag(within_days_of("established_on", 365)),
        windows_days=(0,),
        unit="flag",
        direction="none",
        kind="static",
        rationale=(
            "Marks the 1-year observation period (观察期) so that thin history is not read as "
            "safety; used by policy, neutral in the model"
        ),
    ),
    Indicator(
        id="suspension_flag",
        name_zh="歇业备案中标志",
        name_en="Currently filed as suspended (歇业)",
        scope="general",
        group_l1="企业基础属性信息",
        group_l2="主体概况",
        table="suspension_filing",
        value=flag(begun("suspend_from") & ahead("suspend_to") & "resumed_on is null"),
        windows_days=(0,),
        unit="flag",
        direction="none",
        kind="static",
        rationale=(
            "Filed suspension is lawful for up to 3 years; drives exemption from random checks, "
            "must not worsen the score"
        ),
    ),
    Indicator(
        id="paid_in_ratio",
        name_zh="实缴资本比例",
        name_en="Paid-in share of registered capital",
        scope="general",
        group_l1="企业基础属性信息",
        group_l2="资本状况",
        table="entity",
        value=ratio("paid_in_capital_fen", "registered_capital_fen"),
        windows_days=(0,),
        unit="ratio",
        direction="down",
        kind="static",
        rationale=(
            "Company Law 2023 requires payment within 5 years; real capital indicates substance"
        ),
    ),
    Indicator(
        id="capital_abnormal_flag",
        name_zh="注册资本明显异常标志",
        name_en="Registered capital implausible for the firm's scale",
        scope="general",
        group_l1="企业基础属性信息",
        group_l2="资本状况",
        table="annual_report",
        value=latest_of_both(
            "employees = 0 or tax_paid_fen = 0 or revenue_fen < 100000000",
            table="entity",
            column="registered_capital_fen",
            at_least=10_000_000_000,
        ),
        windows_days=(0,),
        unit="flag",
        direction="up",
        kind="static",
        rationale=(
            "Shandong 2020 checked 100% of firms over 100 million yuan capital with zero tax, "
            "zero staff or revenue under 1 million"
        ),
    ),
    Indicator(
        id="industry_problem_rate",
        name_zh="行业抽查问题率",
        name_en="Problem-found rate of the industry division, smoothed, own record left out",
        scope="general",
        group_l1="企业基础属性信息",
        group_l2="行业属性",
        table="inspection",
        value=group_rate(
            "result <> 'no_problem'",
            by="industry_division",
            base="selection_reason = 'random_draw'",
            prior=50,
        ),
        windows_days=(730,),
        unit="ratio",
        direction="up",
        kind="static",
        rationale=("Industry base risk; random draws only, so that targeted checks do not bias it"),
    ),
    Indicator(
        id="licence_days_to_expiry",
        name_zh="最近到期许可剩余天数",
        name_en="Days until the earliest licence expiry",
        scope="general",
        group_l1="企业基础属性信息",
        group_l2="许可资质",
        table="licence",
        value=days_until_next("valid_to", "status = 'valid'"),
        windows_days=(0,),
        unit="day",
        direction="down",
        kind="obligation",
        rationale=(
            "Registration rules require change or cancellation within 30 days of licence expiry; "
            "nearer expiry = higher risk"
        ),
    ),
    Indicator(
        id="licence_expired_flag",
        name_zh="许可过期未延续标志",
        name_en="Licence expired, no renewal accepted, scope not changed",
        scope="general",
        group_l1="企业基础属性信息",
        group_l2="许可资质",
        table="licence",
        value=flag(
            past("valid_to")
            & proven()
            & "renewal_applied_on is null and successor_on is null and status <> 'cancelled'"
        ),
        windows_days=(0,),
        unit="flag",
        direction="up",
        kind="obligation",
        rationale="Operating without a valid licence is a frequent finding",
    ),
)
