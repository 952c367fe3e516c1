"""A slow, obvious second opinion: indicators row by row in plain Python, straight from the spec.

Written for the tests alone. Nothing here is shared with the engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from math import log1p
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
Value = float | None
SHANGHAI = ZoneInfo("Asia/Shanghai")


def midnight(day: Any) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)


def usable(versions: Sequence[Row], as_of: datetime) -> list[Row]:
    """Section 2: known by then, newest version, confirmed, not withdrawn, disputed or over."""
    newest: dict[tuple[str, str], Row] = {}
    for row in versions:
        key = (row["source_system"], row["source_record_no"])
        if row["known_at"] <= as_of and row["version"] >= newest.get(key, row)["version"]:
            newest[key] = row
    return [row for row in newest.values() if _counts(row, as_of)]


def _counts(row: Row, as_of: datetime) -> bool:
    if row["operation"] == "withdraw":
        return False
    if row["quality_status"] not in {"passed", "warned", "confirmed_twice"}:
        return False
    if row["dispute_status"] in {"under_review", "upheld"}:
        return False
    ends = [row["repaired_at"], row["publicity_until"]]
    return all(end is None or as_of < midnight(end) for end in ends)


class World:
    """All versions of all tables, asked about one enterprise at one moment."""

    def __init__(self, tables: dict[str, list[Row]], uscc: str, as_of: datetime) -> None:
        self.tables, self.uscc, self.as_of = tables, uscc, as_of
        self.today = as_of.astimezone(SHANGHAI).date()

    def rows(self, table: str, days: int = 0, *, of: str | None = None) -> list[Row]:
        """Usable rows of the enterprise (or another) whose event lies in the window."""
        uscc = of or self.uscc
        found = usable([r for r in self.tables[table] if r["uscc"] == uscc], self.as_of)
        oldest = self.as_of - timedelta(days=days)
        return [
            row
            for row in found
            if row["event_at"] <= self.as_of and (days == 0 or row["event_at"] > oldest)
        ]

    def covered(self, table: str) -> bool:
        return any(row["known_at"] <= self.as_of for row in self.tables[table])

    def last(self, table: str, keep: Callable[[Row], bool] = lambda _: True) -> Row | None:
        kept = [row for row in self.rows(table) if keep(row)]
        return max(kept, key=_recency) if kept else None

    def division(self, uscc: str) -> str:
        found = usable([r for r in self.tables["entity"] if r["uscc"] == uscc], self.as_of)
        return max(found, key=_recency)["industry_code"][:3] if found else ""

    def others(self, table: str, days: int, *, division: str | None) -> list[Row]:
        """Usable rows of all other enterprises, or of those in the division at the row's start."""
        codes = {row["uscc"] for row in self.tables[table]} - {self.uscc}
        mates = [u for u in codes if division is None or self.division(u) == division]
        return [row for uscc in mates for row in self.rows(table, days, of=uscc)]

    def days_ago(self, day: Any) -> int:
        return (self.today - day).days


def _recency(row: Row) -> tuple[Any, ...]:
    return row["event_at"], row["known_at"], row["record_id"]


def count(world: World, table: str, days: int, keep: Callable[[Row], bool]) -> Value:
    if not world.covered(table):
        return None
    return float(sum(keep(row) for row in world.rows(table, days)))


def flag(world: World, table: str, days: int, keep: Callable[[Row], bool]) -> Value:
    number = count(world, table, days, keep)
    return None if number is None else float(number > 0)


def attribute(world: World, name: str, value: str = "value_num") -> Value:
    row = world.last("sector_profile", lambda r: r["sector"] == "food" and r["attribute"] == name)
    return None if row is None else row[value]


def since(world: World, table: str, column: str, cap: int, keep: Callable[[Row], bool]) -> Value:
    if not world.covered(table):
        return None
    ages = [world.days_ago(row[column]) for row in world.rows(table) if keep(row)]
    return float(min([*ages, cap]))


def problem_rate(world: World, days: int) -> Value:
    """Own problems over own visits, two visits' worth of the industry's rate added."""
    if not world.covered("inspection"):
        return None
    mine, prior = world.rows("inspection", days), 2
    same = world.others("inspection", days, division=world.division(world.uscc))
    all_others = world.others("inspection", days, division=None)
    pool = same or all_others
    mean = sum(map(_problem, pool)) / len(pool) if pool else 0.5
    return (sum(map(_problem, mine)) + prior * mean) / (len(mine) + prior)


def industry_rate(world: World, days: int) -> Value:
    if not world.covered("inspection"):
        return None
    drawn = [r for r in world.others("inspection", days, division=None) if _random(r)]
    mean = sum(r["result"] != "no_problem" for r in drawn) / len(drawn) if drawn else 0.5
    division = world.division(world.uscc)
    same = [r for r in world.others("inspection", days, division=division) if _random(r)]
    hits = sum(r["result"] != "no_problem" for r in same)
    return (hits + 50 * mean) / (len(same) + 50)


def _problem(row: Row) -> bool:
    return row["result"] not in {"no_problem", "no_such_activity"}


def _random(row: Row) -> bool:
    return row["selection_reason"] == "random_draw"


def _genuine(row: Row) -> bool:
    return row["accepted"] and not row["serial_claimant"]


def _food(row: Row) -> bool:
    return row["sector"] == "food"


def surge(world: World) -> Value:
    if not world.covered("complaint"):
        return None
    recent = sum(map(_genuine, world.rows("complaint", 30)))
    before = sum(map(_genuine, world.rows("complaint", 210))) - recent
    return min(10.0, ((recent + 0.5) / 30) / ((before + 0.5) / 180))


def severity(world: World, days: int) -> Value:
    if not world.covered("penalty"):
        return None
    points = {"minor": 1, "general": 3, "serious": 10}
    ages = [
        (points[row["severity"]], (world.as_of - row["event_at"]) / timedelta(days=1))
        for row in world.rows("penalty", days)
    ]
    return sum(point * 0.5 ** (age / 365) for point, age in ages)


def fines(world: World, days: int) -> Value:
    if not world.covered("penalty"):
        return None
    fen = sum(r["fine_amount_fen"] + r["confiscated_fen"] for r in world.rows("penalty", days))
    return log1p(fen / 100)


def repeats(world: World, days: int) -> Value:
    if not world.covered("penalty"):
        return None
    acts = Counter(row["illegal_act_code"] for row in world.rows("penalty", days))
    return float(max([*acts.values(), 1]) - 1)


def paid_in(world: World) -> Value:
    row = world.last("entity")
    if row is None or not row["registered_capital_fen"] or row["paid_in_capital_fen"] is None:
        return None
    return min(10.0, row["paid_in_capital_fen"] / row["registered_capital_fen"])


def to_expiry(world: World) -> Value:
    if not world.covered("licence"):
        return None
    ahead = [
        -world.days_ago(row["valid_to"])
        for row in world.rows("licence")
        if row["status"] == "valid" and row["valid_to"] and row["valid_to"] >= world.today
    ]
    return float(min([*ahead, 3650]))


def item_rate(world: World, days: int) -> Value:
    rows = [
        row
        for row in world.rows("inspection", days)
        if _food(row) and row["minor_defects"] is not None and row["checked_items"] is not None
    ]
    base = sum(row["checked_items"] for row in rows)
    return min(10.0, sum(row["minor_defects"] for row in rows) / base) if base else None


def key_items(world: World, days: int) -> Value:
    if not world.covered("inspection"):
        return None
    rows = [row for row in world.rows("inspection", days) if _food(row)]
    return float(sum(row["critical_defects"] or 0 for row in rows))


def grade(world: World) -> Value:
    told = attribute(world, "food_grade", "value_text")
    codes: dict[Any, float] = {"A": 1.0, "B": 2.0, "C": 3.0, "D": 4.0}
    return codes.get(told)


HEAVY = {
    "suspend_business", "suspend_licence", "downgrade",
    "revoke_licence", "revoke_business_licence", "restrict_business",
}  # fmt: skip


def age(world: World) -> Value:
    row = world.last("entity")
    return None if row is None else float(world.days_ago(row["established_on"]))


REFERENCE: dict[str, Callable[[World, int], Value]] = {
    "age_days": lambda w, _: age(w),
    "new_entity_flag": lambda w, d: flag(
        w, "entity", d, lambda r: w.days_ago(r["established_on"]) <= 365
    ),
    "paid_in_ratio": lambda w, _: paid_in(w),
    "industry_problem_rate": industry_rate,
    "licence_days_to_expiry": lambda w, _: to_expiry(w),
    "licence_expired_flag": lambda w, d: flag(
        w,
        "licence",
        d,
        lambda r: bool(
            r["valid_to"]
            and r["valid_to"] < w.today
            and r["renewal_applied_on"] is None
            and r["status"] != "cancelled"
        ),
    ),
    "penalty_count": lambda w, d: count(
        w, "penalty", d, lambda r: r["state"] == "effective" and r["procedure"] == "ordinary"
    ),
    "penalty_severity_points": severity,
    "penalty_fine_sum_yuan": fines,
    "penalty_days_since_last": lambda w, _: since(
        w, "penalty", "decided_on", 3650, lambda r: r["state"] == "effective"
    ),
    "penalty_repeat_same_act_count": repeats,
    "penalty_heavy_flag": lambda w, d: flag(
        w, "penalty", d, lambda r: bool(HEAVY & set(r["penalty_kinds"]))
    ),
    "inspection_problem_rate": problem_rate,
    "inspection_no_contact_count": lambda w, d: count(
        w, "inspection", d, lambda r: r["result"] == "no_contact"
    ),
    "inspection_refusal_flag": lambda w, d: flag(
        w, "inspection", d, lambda r: r["result"] == "refused"
    ),
    "days_since_last_inspection": lambda w, _: since(
        w, "inspection", "checked_on", 3650, lambda _: True
    ),
    "complaint_count": lambda w, d: count(
        w,
        "complaint",
        d,
        lambda r: r["channel"] in {"12315_complaint", "12345"} and _genuine(r),
    ),
    "complaint_surge_ratio": lambda w, _: surge(w),
    "report_case_count": lambda w, d: count(
        w,
        "complaint",
        d,
        lambda r: r["channel"] == "12315_report" and r["outcome"] == "case_filed",
    ),
    "media_negative_count": lambda w, d: count(
        w, "complaint", d, lambda r: r["channel"] == "media" and r["negative"]
    ),
    "food_static_score": lambda w, _: attribute(w, "food_static_score"),
    "food_category_level": lambda w, _: attribute(w, "food_category_level"),
    "food_area_m2": lambda w, _: attribute(w, "area_m2"),
    "food_special_flag": lambda w, d: flag(
        w, "sector_profile", d, lambda r: _told(r, "special_food")
    ),
    "food_vulnerable_group_flag": lambda w, d: flag(
        w, "sector_profile", d, lambda r: _told(r, "vulnerable_group")
    ),
    "food_high_risk_process_flag": lambda w, d: flag(
        w, "sector_profile", d, lambda r: _told(r, "high_risk_process")
    ),
    "food_dynamic_score": lambda w, _: attribute(w, "food_dynamic_score"),
    "food_grade_last": lambda w, _: grade(w),
    "food_key_item_fail_count": key_items,
    "food_general_item_fail_rate": item_rate,
    "food_full_check_age_days": lambda w, _: since(
        w,
        "inspection",
        "checked_on",
        1460,
        lambda r: _food(r) and r["kind"] in {"daily", "system"},
    ),
    "food_staff_exam_fail_count": lambda w, d: count(
        w, "inspection", d, lambda r: bool(r["staff_exam_failed"])
    ),
    "food_complaint_count": lambda w, d: count(
        w, "complaint", d, lambda r: _food(r) and _genuine(r)
    ),
}


def _told(row: Row, name: str) -> bool:
    return _food(row) and row["attribute"] == name and row["value_num"] == 1


def in_food(world: World) -> bool:
    """A food licence decides; without any sector's licence, the industry code does."""
    kinds = {
        row["licence_kind"]
        for row in usable(
            [r for r in world.tables["licence"] if r["uscc"] == world.uscc], world.as_of
        )
    }
    food = {"food_production", "food_business", "food_filing"}
    deciding = food | {"drug_retail", "safety_production"}
    if kinds & deciding:
        return bool(kinds & food)
    found = usable([r for r in world.tables["entity"] if r["uscc"] == world.uscc], world.as_of)
    code = max(found, key=_recency)["industry_code"] if found else ""
    return code.startswith(("C13", "C14", "C15", "F512", "F522", "H62"))
