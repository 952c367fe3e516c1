"""Changes of the registration."""

from __future__ import annotations

from xinheng.features.indicator import Indicator
from xinheng.features.vocabulary import count, distinct, flag

INDICATORS = (
    Indicator(
        id="legal_rep_change_count",
        name_zh="法定代表人变更次数",
        name_en="Changes of legal representative",
        scope="general",
        group_l1="企业动态信息",
        group_l2="登记变更",
        table="entity_change",
        value=count("change_item = 'legal_rep'"),
        windows_days=(365, 1095),
        unit="count",
        direction="up",
        kind="dynamic",
        rationale="Frequent change precedes evasion of duties and shell transfers",
    ),
    Indicator(
        id="address_change_count",
        name_zh="住所变更次数",
        name_en="Changes of registered address",
        scope="general",
        group_l1="企业动态信息",
        group_l2="登记变更",
        table="entity_change",
        value=count("change_item = 'address'"),
        windows_days=(365, 1095),
        unit="count",
        direction="up",
        kind="dynamic",
        rationale=(
            "Frequent moves raise the chance that the firm cannot be contacted at its address"
        ),
    ),
    Indicator(
        id="capital_decrease_flag",
        name_zh="减资标志",
        name_en="Registered capital reduced by at least 30%",
        scope="general",
        group_l1="企业动态信息",
        group_l2="登记变更",
        table="entity_change",
        value=flag("change_item = 'capital' and after_num_fen <= 0.7 * before_num_fen"),
        windows_days=(365,),
        unit="flag",
        direction="up",
        kind="dynamic",
        rationale=(
            "Sharp capital reduction lowers ability to bear penalties and debts (adjustments "
            "required by the 2024 rules are listed as an exclusion code)"
        ),
    ),
    Indicator(
        id="key_change_burst",
        name_zh="关键事项集中变更数",
        name_en=("Distinct key items changed together (legal rep, address, shareholder, capital)"),
        scope="general",
        group_l1="企业动态信息",
        group_l2="登记变更",
        table="entity_change",
        value=distinct("change_item", ("legal_rep", "address", "shareholder", "capital")),
        windows_days=(90,),
        unit="count",
        direction="up",
        kind="dynamic",
        rationale=("A burst of changes within 90 days is the classic sign of a sold shell company"),
    ),
)
