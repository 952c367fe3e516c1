"""Annual reports and immediate disclosure."""

from __future__ import annotations

from xinheng.features.indicator import Indicator
from xinheng.features.vocabulary import (
    count,
    diff_days,
    flag,
    in_state,
    latest_flag,
    past,
    ratio,
    run_length,
    told_by,
    unmet,
    yoy_of_reports,
)
from xinheng.features.vocabulary.fold import Fold, Op, rows

REPORTS = rows("kind = 'annual_report'")
REGISTER = Fold(op=Op.SUM, rows=rows(""), table="entity", is_evidence=False)
"""Who owes a report is known of those whom the register tells of."""
ANY_REPORT = Fold(op=Op.SUM, rows=REPORTS, is_evidence=False)
INDICATORS = (
    Indicator(
        id="ar_lead_days_last",
        name_zh="上年年报提前天数",
        name_en="Days before the deadline at which the last annual report was first filed",
        scope="general",
        group_l1="企业动态信息",
        group_l2="年报公示",
        table="annual_report",
        value=diff_days("due_on", "submitted_at", "revision_no = 0"),
        windows_days=(0,),
        unit="day",
        direction="down",
        kind="obligation",
        rationale=(
            "Last-minute filers are the ones who miss the next deadline; negative = filed late"
        ),
    ),
    Indicator(
        id="ar_late_count",
        name_zh="逾期年报次数",
        name_en="Annual reports first filed after the deadline or missing",
        scope="general",
        group_l1="企业动态信息",
        group_l2="年报公示",
        table="obligation",
        value=told_by(
            count(REPORTS & in_state("performed_late", "overdue")),
            "the register, or by reports that were filed",
            register=REGISTER,
            reports=ANY_REPORT,
        ),
        windows_days=(1095, 1825),
        unit="count",
        direction="up",
        kind="obligation",
        rationale="Prior late reports are the strongest known predictor of the next one",
        covered_by=("annual_report",),
    ),
    Indicator(
        id="ar_missing_years",
        name_zh="连续未年报年数",
        name_en="Consecutive years with no annual report up to now",
        scope="general",
        group_l1="企业动态信息",
        group_l2="年报公示",
        table="obligation",
        value=told_by(
            run_length(
                in_state("overdue"),
                among=REPORTS & in_state("performed", "performed_late", "overdue"),
                year="report_year",
            ),
            "the register",
            register=REGISTER,
        ),
        windows_days=(0,),
        unit="year",
        direction="up",
        kind="obligation",
        rationale=(
            "Two consecutive missing years plus no contact can lead to licence revocation under "
            "the 2024 revision"
        ),
        covered_by=("annual_report",),
    ),
    Indicator(
        id="ar_open_flag",
        name_zh="本期年报未报标志",
        name_en="This year's report still not filed inside the window",
        scope="general",
        group_l1="企业动态信息",
        group_l2="年报公示",
        table="obligation",
        value=told_by(flag(REPORTS & in_state("open")), "the register", register=REGISTER),
        windows_days=(0,),
        unit="flag",
        direction="up",
        kind="obligation",
        is_clock=True,
        rationale="Basis of the 72-hour warning; only informative between 1 January and 30 June",
        covered_by=("annual_report",),
    ),
    Indicator(
        id="ar_revision_count",
        name_zh="年报更正次数",
        name_en="Corrections of published annual reports",
        scope="general",
        group_l1="企业动态信息",
        group_l2="年报公示",
        table="annual_report",
        value=count("revision_no >= 1"),
        windows_days=(1095,),
        unit="count",
        direction="up",
        kind="dynamic",
        rationale=(
            "Repeated corrections were used as a targeting rule (two or more changes) in a "
            "provincial targeted check"
        ),
    ),
    Indicator(
        id="ar_all_zero_flag",
        name_zh="年报财务全零标志",
        name_en="All financial items of the last report are zero",
        scope="general",
        group_l1="企业动态信息",
        group_l2="年报公示",
        table="annual_report",
        value=latest_flag(
            "assets_fen = 0 and revenue_fen = 0 and profit_fen = 0 and tax_paid_fen = 0"
        ),
        windows_days=(0,),
        unit="flag",
        direction="up",
        kind="dynamic",
        rationale="Henan 2021 checked 100% of all-zero filers",
    ),
    Indicator(
        id="ar_debt_ratio",
        name_zh="资产负债率",
        name_en="Liabilities over assets in the last report",
        scope="general",
        group_l1="企业动态信息",
        group_l2="经营状况",
        table="annual_report",
        value=ratio("liabilities_fen", "assets_fen"),
        windows_days=(0,),
        unit="ratio",
        direction="up",
        kind="dynamic",
        rationale="Over-indebted firms default on obligations more often",
    ),
    Indicator(
        id="ar_revenue_change_pct",
        name_zh="营业收入同比变化",
        name_en="Year-on-year change of revenue",
        scope="general",
        group_l1="企业动态信息",
        group_l2="经营状况",
        table="annual_report",
        value=yoy_of_reports("revenue_fen", year="report_year"),
        windows_days=(0,),
        unit="percent",
        direction="down",
        kind="dynamic",
        rationale="Shrinking revenue precedes arrears and closure",
    ),
    Indicator(
        id="disclosure_overdue_count",
        name_zh="即时信息逾期公示次数",
        name_en="Immediate-disclosure items published late or not at all",
        scope="general",
        group_l1="企业动态信息",
        group_l2="年报公示",
        table="disclosure_item",
        value=count(past("due_on") & unmet("due_on", "disclosed_on")),
        windows_days=(365, 1095),
        unit="count",
        direction="up",
        kind="obligation",
        rationale=(
            "20-working-day duty of the publicity regulation; ordered and unmet items lead to "
            "abnormal listing"
        ),
    ),
)
