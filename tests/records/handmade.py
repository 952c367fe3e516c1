"""200 hand-made rows, and what the gate must say of each: the table of outcomes.

Each case is `(table, changes to the table's good row, outcome, checks)`. Rows arrive in one
delivery on 2024-06-20; `A` to `F` are firms of the register, `X` is on no register.
"""

from __future__ import annotations

from typing import Any

from xinheng.domain import check_character, organisation_check


def _code(symbols: str, region: str = "640302") -> str:
    first_17 = f"91{region}{symbols}{organisation_check(symbols)}"
    return first_17 + check_character(first_17)


def _odd_code(symbols: str) -> str:
    """A right check character 18 over a wrong organisation check (QC04)."""
    right = organisation_check(symbols)
    first_17 = f"91640302{symbols}{'1' if right != '1' else '2'}"
    return first_17 + check_character(first_17)


A, B, C, D, E, F = (_code(f"MA7{letter}0001") for letter in "ABCDEF")
ODD = _odd_code("MA7G0001")
TWIN = _code("MA7H0001")
OUTSIDE = _code("MA7X0001")
AUTHORITY = _code("MB7A0001")
NAMES = {
    A: "示例市甲餐饮有限公司", B: "示例市乙食品有限公司", C: "示例市丙建筑有限公司",
    D: "示例市丁药业有限公司", E: "示例市戊商贸有限公司", F: "示例市己制造有限公司",
    ODD: "示例市庚旧码有限公司", TWIN: "示例市甲餐饮有限公司",
}  # fmt: skip

ENVELOPE = {
    "uscc": A, "source_dept": "scj", "authority_uscc": AUTHORITY, "source_system": "s1",
    "region_code": "640302",
}  # fmt: skip
GOOD: dict[str, dict[str, Any]] = {
    "entity": {
        "entity_type": "enterprise", "status": "active", "established_on": "2018-03-01",
        "industry_code": "H6210", "registered_region_code": "640302", "address_text": "示例路1号",
        "address_key": "k1", "address_kind": "leased", "large_enterprise": "否", "ended_on": None,
    },
    "entity_change": {
        "change_item": "capital", "changed_on": "2024-06-13", "before_text": None,
        "after_text": None,
    },
    "party_link": {
        "party_kind": "person", "party_key": "3f8a91c2d47be605", "role": "legal_rep",
        "valid_from": "2024-06-13"
    },
    "suspension_filing": {
        "filed_on": "2024-06-10", "suspend_from": "2024-06-15", "suspend_to": "2025-06-14"
    },
    "annual_report": {
        "report_year": 2023, "due_on": "2024-06-30", "submitted_at": "2024-06-18T10:00:00+08:00",
        "channel": "online", "revision_no": 0, "is_late_supplement": "否", "assets_yuan": 1000000,
        "liabilities_yuan": 400000, "equity_yuan": 600000, "revenue_yuan": 2000000,
        "profit_yuan": 100000,
    },
    "disclosure_item": {"item": "capital", "formed_on": "2024-06-17", "due_on": "2024-07-15"},
    "licence": {
        "licence_kind": "food_business", "licence_no": "JY16403020000001",
        "granted_on": "2024-06-03", "valid_from": "2024-06-03", "valid_to": "2029-06-02",
        "status": "valid", "by_commitment": "否",
    },
    "penalty": {
        "decision_no": "示市监罚〔2024〕1号", "illegal_act_code": "act1",
        "penalty_kinds": "fine", "procedure": "ordinary", "fine_amount_yuan": 5000,
        "confiscated_yuan": 0, "decided_on": "2024-06-03", "served_on": "2024-06-05",
        "due_on": "2024-06-20", "severity": "general", "sector": "food",
        "repeat_same_act": "否", "state": "effective", "publicity_until": "2024-12-03",
    },
    "penalty_performance": {
        "decision_no": "示市监罚〔2024〕1号", "event_kind": "paid", "occurred_on": "2024-06-12",
        "amount_yuan": 5000,
    },
    "inspection": {
        "plan_no": "P1", "kind": "random", "joint": "否", "matter_code": "m1", "sector": "food",
        "checked_on": "2024-06-12", "result": "no_problem", "critical_defects": 0,
        "major_defects": 0, "minor_defects": 1, "case_filed": "否",
        "selection_reason": "random_draw", "selection_prob": 0.05, "rectify_due_on": None,
    },
    "sampling_test": {
        "sample_no": "S1", "sector": "food", "product_category": "meat",
        "sampled_on": "2024-06-01", "reported_on": "2024-06-12", "qualified": "是",
        "item_class": None, "role": "seller", "retest": "none", "batch_no": "L1",
    },
    "abnormal_list": {"reason": "no_contact", "listed_on": "2024-06-12", "removed_on": None},
    "serious_list": {"field": "market", "listed_on": "2024-06-12", "removed_on": None},
    "court_record": {
        "kind": "judgment", "case_no": "(2024)宁0302民初1号", "role": "defendant",
        "filed_on": "2024-06-04", "amount_yuan": 10000, "performed": "unknown",
    },
    "tax_record": {
        "kind": "rating", "period_year": 2023, "rating": "B", "occurred_on": "2024-04-20"
    },
    "social_insurance": {"month": "2024-05-01", "insured_headcount": 10, "in_arrears": "否"},
    "utility_usage": {
        "month": "2024-05-01", "utility": "electricity", "usage": 1000, "meter_shared": "否"
    },
    "complaint": {
        "channel": "12315_complaint", "received_on": "2024-06-12", "category_code": "c1",
        "sector": "food", "accepted": "是", "outcome": "settled", "negative": "否",
        "serial_claimant": "否",
    },
    "commitment": {
        "kind": "approval", "matter_code": "m1", "made_on": "2024-06-03", "outcome": "pending"
    },
    "contract_performance": {
        "contract_no": "HT1", "kind": "gov_procurement", "signed_on": "2024-06-03",
        "amount_yuan": 80000, "outcome": "on_track",
    },
    "credit_repair": {
        "target_record_id": "N-repaired", "target_table": "penalty", "applied_on": "2024-06-12",
        "result": "approved", "effective_on": "2024-06-14",
    },
    "positive_record": {"kind": "award", "level": "city", "granted_on": "2024-06-03"},
    "encumbrance": {"kind": "equity_pledge", "registered_on": "2024-06-12", "amount_yuan": 5000},
    "product_event": {
        "kind": "trace_gap", "sector": "food", "level": "none",
        "occurred_at": "2024-06-18T08:00:00+08:00",
    },
    "sector_profile": {
        "sector": "food", "attribute": "area_m2", "value_num": 120, "valid_from": "2024-06-03"
    },
    "construction_project": {
        "project_no": "XM1", "role": "general_contractor", "started_on": "2024-06-03",
        "state": "in_progress",
    },
    "wage_record": {"kind": "clue", "occurred_on": "2024-06-12", "workers": 8, "amount_yuan": 900},
    "safety_accident": {
        "accident_no": "SG1", "kind": "work_safety", "level": "general",
        "occurred_on": "2024-06-12", "deaths": 0, "serious_injuries": 1, "liability": "main",
    },
}  # fmt: skip

Case = tuple[str, dict[str, Any], str, str]
P, W, Q, R, DUP = "passed", "warned", "quarantined", "rejected", "duplicate"

_REGISTER: list[Case] = [
    ("entity", {"uscc": A}, P, ""),
    ("entity", {"uscc": B, "industry_code": "C1411", "address_text": "示例路2号"}, P, ""),
    ("entity", {"uscc": C, "industry_code": "E4710", "address_text": "示例路3号"}, P, ""),
    ("entity", {"uscc": D, "industry_code": "C2710", "address_text": "示例路4号"}, P, ""),
    ("entity", {"uscc": E, "status": "cancelled", "ended_on": "2024-06-10",
                "address_text": "示例路5号"}, P, ""),
    ("entity", {"uscc": F, "address_text": "示例路6号", "source_record_no": "E-F1"}, R, "QC05"),
    ("entity", {"uscc": F, "address_text": "示例路66号", "source_record_no": "E-F2"}, R, "QC05"),
    ("entity", {"uscc": ODD, "address_text": "示例路7号"}, W, "QC04"),
]  # fmt: skip
_PENALTIES: list[Case] = [
    *(("penalty", {"uscc": B, "decision_no": f"示市监罚〔2024〕{n}号", "fine_amount_yuan": 4000 + n,
                   "decided_on": f"2024-06-{n:02d}", "served_on": "2024-06-11",
                   "due_on": "2024-06-26"}, P, "") for n in range(2, 10)),
    ("penalty", {}, P, ""),
    ("penalty", {"decision_no": "示市监罚〔2024〕20号", "fine_amount_yuan": 1000000.01,
                 "illegal_act_code": "act2"}, Q, "QC12"),
    ("penalty", {"decision_no": "示市监罚〔2024〕21号", "fine_amount_yuan": 1000000,
                 "illegal_act_code": "act2"}, P, ""),
    ("penalty", {"decision_no": "示市监罚〔2024〕22号", "fine_amount_yuan": 0.5}, Q, "QC13"),
    ("penalty", {"decision_no": "示市监罚〔2024〕23号", "fine_amount_yuan": 45000000}, Q,
     "QC12,QC13"),
    ("penalty", {"decision_no": "示市监罚〔2024〕24号", "fine_amount_yuan": 0}, R, "QC14"),
    ("penalty", {"decision_no": "示市监罚〔2024〕25号", "penalty_kinds": "warn"}, R, "QC14"),
    ("penalty", {"decision_no": "示市监罚〔2024〕26号", "confiscated_yuan": 100}, R, "QC14"),
    ("penalty", {"decision_no": "示市监罚〔2024〕27号", "penalty_kinds": "fine|confiscate_income",
                 "confiscated_yuan": 100, "fine_amount_yuan": 4100}, P, ""),
    ("penalty", {"decision_no": "示市监罚〔2024〕28号", "served_on": "2024-06-01",
                 "due_on": "2024-06-16"}, R, "QC15"),
    ("penalty", {"decision_no": "示市监罚〔2024〕29号", "due_on": "2024-06-04"}, R, "QC15"),
    ("penalty", {"decision_no": "示市监罚〔2024〕30号", "served_on": None}, R, "QC15"),
    ("penalty", {"decision_no": "示市监罚〔2024〕31号", "due_on": "2024-07-05",
                 "fine_amount_yuan": 4200}, W, "QC16"),
    ("penalty", {"decision_no": "罚单31", "fine_amount_yuan": 4300}, Q, "QC18"),
    ("penalty", {"decision_no": "示市监罚〔2024〕33号", "fine_amount_yuan": 4400,
                 "source_record_no": "N-33a"}, Q, "QC18"),
    ("penalty", {"decision_no": "示市监罚〔2024〕33号", "fine_amount_yuan": 4500,
                 "source_record_no": "N-33b"}, Q, "QC18"),
    ("penalty", {"decision_no": "示市监罚〔2024〕34号", "fine_amount_yuan": 4600,
                 "publicity_until": "2030-06-03"}, W, "QC29"),
    ("penalty", {"decision_no": "示市监罚〔2024〕35号", "fine_amount_yuan": 4700,
                 "repair_status": "repaired", "repaired_at": "2024-06-14",
                 "source_record_no": "N-repaired"}, P, ""),
    ("penalty", {"decision_no": "示市监罚〔2024〕36号", "fine_amount_yuan": 4800,
                 "repair_status": "已修复", "repaired_at": "2024-06-14"}, Q, "QC28"),
    ("penalty", {"decision_no": "示市监罚〔2024〕37号", "fine_amount_yuan": 4900,
                 "severity": "极重"}, R, "QC09"),
    ("penalty", {"decision_no": "示市监罚〔2024〕38号", "fine_amount_yuan": 4950,
                 "penalty_kinds": "罚款|警告", "severity": "一般"}, P, ""),
    ("penalty", {"decision_no": "无"}, R, "QC08"),
    ("penalty", {"decision_no": "示市监罚〔2024〕39号", "decided_on": "2024-02-30"}, R, "QC10"),
    ("penalty", {"uscc": D, "decision_no": "示市监罚〔2023〕40号", "fine_amount_yuan": 4970,
                 "decided_on": "2023-12-01", "served_on": "2024-06-05",
                 "publicity_until": "2024-06-01"}, W, "QC11"),
    ("penalty", {"uscc": C, "decision_no": "示市监罚〔2024〕41号", "fine_amount_yuan": 4980,
                 "source_record_no": "city-41"}, Q, "QC07"),
    ("penalty", {"uscc": C, "decision_no": "利市监罚〔2024〕7号", "fine_amount_yuan": 4980,
                 "source_dept": "scj-lt", "source_record_no": "county-7"}, Q, "QC07"),
]  # fmt: skip
_REST: list[Case] = [
    *((name, {}, P, "") for name in GOOD if name not in {"entity", "penalty"}),
    ("inspection", {"uscc": "91640302MA7A0001XX"}, R, "QC01"),
    ("inspection", {"uscc": A.lower() + " "}, P, ""),
    ("inspection", {"uscc": A[:17]}, R, "QC01"),
    ("inspection", {"uscc": "91640302I" + A[9:]}, R, "QC01"),
    ("inspection", {"uscc": None}, R, "QC08"),
    ("inspection", {"uscc": OUTSIDE, "entity_name": "示例市登记外有限公司"}, Q, "QC02"),
    ("complaint", {"uscc": OUTSIDE, "entity_name": "示例市登记外有限公司"}, Q, "QC02"),
    ("inspection", {"uscc": A, "checked_on": "2018-02-01"}, Q, "QC02,QC11"),
    ("inspection", {"entity_name": "示例市另外有限公司"}, R, "QC03"),
    ("inspection", {"entity_name": "示例市甲餐饮（有限）公司 "}, P, ""),
    ("inspection", {"uscc": ODD}, W, "QC04"),
    ("inspection", {"entity_name": "测试"}, R, "QC08"),
    ("inspection", {"matter_code": None}, R, "QC08"),
    ("inspection", {"source_record_no": None}, R, "QC08"),
    ("inspection", {"kind": "走访"}, R, "QC09"),
    ("inspection", {"critical_defects": "很多"}, R, "QC09"),
    ("inspection", {"joint": "也许"}, R, "QC09"),
    ("inspection", {"checked_on": "2024-06-31"}, R, "QC10"),
    ("inspection", {"checked_on": "1948-01-01"}, R, "QC10"),
    ("inspection", {"checked_on": "2024-07-01"}, R, "QC10"),
    ("inspection", {"checked_on": "2024-02-01"}, W, "QC11"),
    ("inspection", {"critical_defects": 2}, R, "QC26"),
    ("inspection", {"rectify_due_on": "2024-07-01"}, R, "QC26"),
    ("inspection", {"result": "failed", "minor_defects": 0}, R, "QC26"),
    ("inspection", {"result": "ordered_correction", "major_defects": 1,
                    "rectify_due_on": "2024-07-01"}, P, ""),
    ("inspection", {"selection_prob": None}, W, "QC27"),
    ("inspection", {"kind": "complaint", "selection_reason": "complaint",
                    "selection_prob": None}, P, ""),
    ("inspection", {"uscc": E}, Q, "QC22"),
    ("inspection", {"uscc": E, "result": "no_contact", "minor_defects": None}, P, ""),
    ("inspection", {"uscc": E, "checked_on": "2024-06-05"}, P, ""),
    ("inspection", {"uscc": B, "source_record_no": "I-city", "matter_code": "m1"}, Q, "QC07"),
    ("inspection", {"uscc": B, "source_record_no": "I-county", "source_system": "s2",
                    "matter_code": "m1"}, Q, "QC07"),
    ("inspection", {"uscc": D, "source_record_no": "I-1", "matter_code": "m1"}, Q, "QC07"),
    ("inspection", {"uscc": D, "source_record_no": "I-1", "matter_code": "m1"}, DUP, "QC06"),
    ("inspection", {"uscc": D, "source_record_no": "I-1", "matter_code": "m1",
                    "minor_defects": 3}, Q, "QC07"),
    ("contract_performance", {"uscc": E, "signed_on": "2024-06-14", "contract_no": "HT2"}, Q,
     "QC22"),
    ("licence", {"licence_no": "JY2", "uscc": E, "granted_on": "2024-06-14",
                 "valid_from": "2024-06-14"}, Q, "QC22"),
    ("licence", {"licence_no": "JY3", "valid_from": "2024-06-01"}, R, "QC19"),
    ("licence", {"licence_no": "JY4", "valid_to": "2024-05-01"}, R, "QC19"),
    ("licence", {"licence_no": "JY5", "valid_to": "2034-06-03"}, R, "QC19"),
    ("licence", {"licence_no": "JY6", "valid_to": None}, P, ""),
    ("licence", {"licence_no": "AX1", "licence_kind": "safety_production",
                 "valid_to": "2029-06-02", "uscc": C}, R, "QC19"),
    ("licence", {"licence_no": "JY7", "granted_on": "2023-01-05", "valid_from": "2023-01-05",
                 "valid_to": "2028-01-04"}, W, "QC11"),
    ("penalty_performance", {"decision_no": "示市监罚〔2024〕999号"}, Q, "QC17"),
    ("penalty_performance", {"uscc": B, "decision_no": "示市监罚〔2024〕2号",
                             "amount_yuan": 8004}, P, ""),
    ("penalty_performance", {"uscc": B, "decision_no": "示市监罚〔2024〕3号",
                             "amount_yuan": 8006.01}, Q, "QC17"),
    ("penalty_performance", {"uscc": B, "decision_no": "示市监罚〔2024〕4号",
                             "event_kind": "part_paid", "amount_yuan": 2000}, P, ""),
    ("penalty_performance", {"uscc": B, "decision_no": "示市监罚〔2024〕5号",
                             "event_kind": "demand_served", "amount_yuan": None}, P, ""),
    ("abnormal_list", {"reason": "annual_report", "listed_on": "2024-06-19",
                       "source_record_no": "Y1"}, R, "QC25"),
    ("abnormal_list", {"uscc": B, "removed_on": "2024-06-01"}, R, "QC25"),
    ("abnormal_list", {"uscc": B, "removed_on": "2024-06-13", "removal_kind": "repaired"}, P, ""),
    ("abnormal_list", {"uscc": D, "reason": "annual_report", "listed_on": "2024-06-19"}, P, ""),
    ("annual_report", {"uscc": B, "assets_yuan": 1500000}, W, "QC23"),
    ("annual_report", {"uscc": C, "assets_yuan": 0, "liabilities_yuan": 0, "equity_yuan": 0,
                       "revenue_yuan": 0, "profit_yuan": 0}, W, "QC23"),
    ("annual_report", {"uscc": D, "report_year": 2022, "submitted_at": "2024-06-18T09:00:00+08:00",
                       "is_late_supplement": "是", "assets_yuan": 9000, "liabilities_yuan": 4000,
                       "equity_yuan": 5000, "revenue_yuan": 7000, "profit_yuan": 10}, P, ""),
    ("annual_report", {"uscc": D, "assets_yuan": 9100000, "liabilities_yuan": 4100000,
                       "equity_yuan": 5000000, "revenue_yuan": 8000}, W, "QC24"),
    ("annual_report", {"uscc": ODD, "assets_yuan": 77000, "liabilities_yuan": 7000,
                       "equity_yuan": 70000, "revenue_yuan": 31000}, W, "QC04,QC23"),
    ("annual_report", {"uscc": E, "assets_yuan": 77000, "liabilities_yuan": 7000,
                       "equity_yuan": 70000, "revenue_yuan": 31000}, W, "QC23"),
    ("sampling_test", {"sample_no": "S2", "sampled_on": "2024-06-13"}, R, "QC30"),
    ("sampling_test", {"sample_no": "S3", "qualified": "否"}, R, "QC30"),
    ("sampling_test", {"sample_no": "S4", "qualified": "否", "item_class": "pathogen",
                       "retest": "overturned"}, R, "QC30"),
    ("sampling_test", {"sample_no": "S5", "qualified": "否", "item_class": "pathogen",
                       "batch_no": "L5"}, P, ""),
    *(("utility_usage", {"uscc": B, "month": f"2023-{m:02d}-01", "usage": 900 + m}, W, "QC11")
      for m in range(1, 13)),
    *(("utility_usage", {"uscc": B, "month": f"2024-{m:02d}-01", "usage": 950 + m}, W, "QC11")
      for m in range(1, 4)),
    ("utility_usage", {"uscc": B, "month": "2024-05-01", "usage": 90000}, Q, "QC31"),
    ("utility_usage", {"uscc": B, "month": "2024-04-01", "usage": -1}, Q, "QC11,QC31"),
    ("utility_usage", {"uscc": C, "month": "2023-05-01"}, W, "QC11"),
    ("utility_usage", {"uscc": C, "month": "2024-05-01", "usage": 40000, "meter_shared": "是"},
     P, ""),
    ("utility_usage", {"uscc": D, "month": "2023-05-01"}, W, "QC11"),
    ("utility_usage", {"uscc": D, "usage": 19000}, P, ""),
    *(("social_insurance", {"uscc": B, "month": f"2023-{m:02d}-01"}, W, "QC11")
      for m in range(1, 13)),
    ("social_insurance", {"uscc": B, "month": "2024-01-01", "insured_headcount": 0}, Q,
     "QC11,QC32"),
    ("social_insurance", {"uscc": C, "month": "2024-04-01", "insured_headcount": 2}, W, "QC11"),
    ("social_insurance", {"uscc": C, "insured_headcount": 21}, Q, "QC32"),
    ("social_insurance", {"uscc": D, "month": "2024-04-01", "insured_headcount": 2}, W, "QC11"),
    ("social_insurance", {"uscc": D, "insured_headcount": 0}, P, ""),
    ("social_insurance", {"uscc": E, "month": "2024-04-01"}, W, "QC11"),
    ("social_insurance", {"uscc": E, "insured_headcount": 0}, P, ""),
    ("entity_change", {"uscc": B, "change_item": "名称变更", "before_text": "示例市旧名有限公司",
                       "after_text": NAMES[B]}, P, ""),
    ("complaint", {"uscc": B, "entity_name": "示例市旧名有限公司"}, P, ""),
    ("complaint", {"uscc": B, "category_code": "c2", "source_system": "12345"}, P, ""),
    ("complaint", {"uscc": B, "channel": "微博"}, R, "QC09"),
    ("complaint", {"uscc": B, "category_code": "c3", "received_on": "2024-05-01"}, W, "QC11"),
    ("court_record", {"kind": "dishonest_debtor", "case_no": "(2024)宁0302执2号", "role": "debtor",
                      "performed": "none"}, P, ""),
    ("court_record", {"case_no": "99999999"}, R, "QC08"),
    ("tax_record", {"uscc": B, "rating": "S"}, R, "QC09"),
    ("tax_record", {"uscc": B, "rating": "M"}, P, ""),
    ("serious_list", {"uscc": B, "field": "wage", "term_until": "2027-06-12"}, P, ""),
    ("product_event", {"kind": "temperature_excursion", "duration_min": 150}, P, ""),
    ("product_event", {"kind": "recall", "level": "class1", "sector": "drugs", "uscc": D,
                       "due_on": "2024-07-01"}, P, ""),
    ("wage_record", {"uscc": C, "kind": "pay_order", "due_on": "2024-06-30"}, P, ""),
    ("safety_accident", {"uscc": C, "accident_no": "SG2", "deaths": 3, "level": "larger"}, P, ""),
    ("sector_profile", {"uscc": D, "sector": "drugs", "attribute": "drug_online"}, P, ""),
    ("sector_profile", {"uscc": D, "sector": "饮料"}, R, "QC09"),
    ("disclosure_item", {"uscc": B, "disclosed_on": "2024-06-18"}, P, ""),
    ("commitment", {"uscc": B, "outcome": "kept", "due_on": "2024-06-30"}, P, ""),
    ("positive_record", {"uscc": E, "granted_on": "2024-06-14"}, Q, "QC22"),
    ("construction_project", {"uscc": C, "project_no": "XM2", "real_name_rate": 0.9}, P, ""),
    ("encumbrance", {"uscc": B, "kind": "asset_freeze", "released_on": "2024-06-15"}, P, ""),
    ("suspension_filing", {"uscc": D}, P, ""),
    ("party_link", {"uscc": B, "role": "股东", "share_pct": 60}, P, ""),
    ("party_link", {"uscc": B, "role": "朋友"}, R, "QC09"),
    ("annual_report", {"report_year": 2022, "submitted_at": "2023-05-10T10:00:00+08:00",
                       "revenue_yuan": 1900000}, W, "QC11"),
]  # fmt: skip
CODES_WARNED: list[Case] = [
    ("entity", {"uscc": TWIN, "address_text": "示例路9号", "industry_code": "Z9999",
                "established_on": "2020-01-01"}, W, "QC20"),
    ("entity", {"uscc": _code("MA7J0001"), "entity_name": "示例市辛有限公司", "status": "注销",
                "address_text": "示例路10号"}, R, "QC21"),
    ("entity", {"uscc": _code("MA7K0001"), "entity_name": "示例市壬有限公司",
                "ended_on": "2024-01-01", "address_text": "示例路11号"}, R, "QC21"),
    ("entity", {"uscc": _code("MA7L0001"), "entity_name": "示例市癸有限公司",
                "registered_region_code": "110101", "address_text": "示例路12号"}, W, "QC20"),
    ("entity", {"uscc": _code("MA7M0001"), "entity_name": "示例市子有限公司",
                "registered_region_code": "999999", "address_text": "示例路13号"}, W, "QC20"),
]  # fmt: skip
CASES: list[Case] = [*_REGISTER, *CODES_WARNED, *_PENALTIES, *_REST]


def rows() -> list[tuple[str, dict[str, Any], str, str]]:
    """The cases as full canonical rows."""
    made = []
    for number, (name, changes, outcome, checks) in enumerate(CASES):
        row = {**ENVELOPE, "source_record_no": f"N{number}", **GOOD[name], **changes}
        code = str(row["uscc"] or "").strip().upper()
        row.setdefault("entity_name", NAMES.get(code, NAMES[A]))
        if name == "inspection":
            row["matter_code"] = changes.get("matter_code", f"m{number}")
        if name == "entity":
            row["name_zh"] = row["entity_name"]
        made.append((name, row, outcome, checks))
    return made
