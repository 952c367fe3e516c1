"""Social evaluation: complaints, reports, confirmed media items, honours."""

from __future__ import annotations

from xinheng.features.indicator import Indicator
from xinheng.features.vocabulary import count, lasting, surge
from xinheng.features.vocabulary.fold import rows

GENUINE = "accepted and not serial_claimant"
"""Accepted, and not from a suspected serial claimant."""
INDICATORS = (
    Indicator(
        id="complaint_count",
        name_zh="投诉次数",
        name_en="Accepted consumer complaints",
        scope="general",
        group_l1="社会评价信息",
        group_l2="投诉举报",
        table="complaint",
        value=count(f"channel in ('12315_complaint', '12345') and {GENUINE}"),
        windows_days=(30, 90, 365),
        unit="count",
        direction="up",
        kind="dynamic",
        rationale="12315 record; suspected serial claims are excluded",
    ),
    Indicator(
        id="complaint_surge_ratio",
        name_zh="投诉突增倍数",
        name_en="Last 30 days against the mean of the previous 180 days",
        scope="general",
        group_l1="社会评价信息",
        group_l2="投诉举报",
        table="complaint",
        value=surge(30, 180, GENUINE),
        windows_days=(30,),
        unit="ratio",
        direction="up",
        kind="dynamic",
        rationale="Sudden change is more telling than level for large firms",
    ),
    Indicator(
        id="report_case_count",
        name_zh="举报立案次数",
        name_en="Reports of unlawful acts that led to a case",
        scope="general",
        group_l1="社会评价信息",
        group_l2="投诉举报",
        table="complaint",
        value=count("channel = '12315_report' and outcome = 'case_filed'"),
        windows_days=(365, 1095),
        unit="count",
        direction="up",
        kind="dynamic",
        rationale="Verified reports only",
    ),
    Indicator(
        id="media_negative_count",
        name_zh="负面舆情次数",
        name_en="Negative media items confirmed by a person",
        scope="general",
        group_l1="社会评价信息",
        group_l2="舆情",
        table="complaint",
        value=count("channel = 'media' and negative"),
        windows_days=(90,),
        unit="count",
        direction="up",
        kind="dynamic",
        rationale=(
            "Public opinion is part of the national and Shandong frameworks; confirmation by a "
            "person required"
        ),
    ),
    Indicator(
        id="honour_valid_count",
        name_zh="有效荣誉红名单数",
        name_en="Valid red-list entries and government awards",
        scope="general",
        group_l1="社会评价信息",
        group_l2="荣誉资质",
        table="positive_record",
        value=count(
            rows("kind in ('red_list', 'award', 'aeo') and revoked_on is null")
            & lasting("valid_to")
        ),
        windows_days=(0,),
        unit="count",
        direction="down",
        kind="dynamic",
        rationale="Positive evidence (红名单)",
    ),
    Indicator(
        id="ip_certification_count",
        name_zh="知识产权与认证数",
        name_en="Valid patents, trademarks, certifications and standards",
        scope="general",
        group_l1="社会评价信息",
        group_l2="荣誉资质",
        table="positive_record",
        value=count(
            "kind in ('patent', 'trademark', 'certification', 'standard') and revoked_on is null"
        ),
        windows_days=(0,),
        unit="count",
        direction="down",
        kind="dynamic",
        rationale="Real activity and management systems",
    ),
)
