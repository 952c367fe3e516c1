"""Random records with late arrivals, corrections and withdrawals, for the property tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.features.grammar import Row
from tests.features.world import midnight
from xinheng.records.tables import Column, tables

FIRMS = ("91440300192317458F", "91440400192548256N", "91350900587527783P")
BEGIN = date(2022, 6, 1)
SPAN_DAYS = 800
LEAP = date(2024, 2, 29)
DEADLINE = date(2024, 6, 30)

FIXED: dict[str, Sequence[Any]] = {
    "party_link.role": ["legal_rep", "shareholder", "controller", "liaison"],
    "sector": ["food", "drugs", "construction"],
    "industry_code": ["H6210", "H6220", "F5151", "E4710"],
    "licence_kind": ["food_business", "drug_retail", "safety_production", "other"],
    "attribute": [
        "food_static_score", "food_category_level", "area_m2", "special_food", "vulnerable_group",
        "high_risk_process", "food_dynamic_score", "food_grade", "drug_special_scope",
        "drug_cold_chain", "drug_online", "drug_mode", "staff_required", "staff_registered",
        "in_sector", "in_sector", "in_sector",
    ],
    "value_num": [None, 0.0, 1.0, 2.5],
    "value_text": [None, "A", "D", "Z"],
    "illegal_act_code": ["a", "b", "collusive_bidding", "counterfeit_drug"],
    "product_category": ["milk", "meat"],
    "decision_no": ["d1", "d2"],
    "party_key": ["p1", "p2", FIRMS[0], FIRMS[1]],
    "address_key": ["k1", "k2"],
    "agent_key": [None, "a1"],
    "usage": [0.0, 0.0, 12.5, 100.125],
    "real_name_rate": [None, 0.9, 0.4321],
    "revision_no": [0, 0, 1],
    "insured_headcount": [0, 5, 7],
    "checked_items": [None, 0, 10, 40],
    "source_record_no": ["1"],
}  # fmt: skip
REPAIRED = ("penalty", "penalty", "abnormal_list", "serious_list", "inspection", "court_record")
"""Tables whose records applications for a repair name."""
CHANCES = {"insert": 8, "correct": 8, "withdraw": 1}
DISPUTES = {"none": 20, "rejected": 1, "under_review": 1, "upheld": 1}
QUALITY = {"passed": 16, "warned": 1, "confirmed_twice": 1, "quarantined": 1}
DELAYS_HOURS = [0, 0, 12, 24, 24 * 40, 24 * 400]


def _day(rng: Random) -> date:
    if rng.randrange(8) == 0:
        return rng.choice([LEAP, DEADLINE, DEADLINE + timedelta(days=1)])
    return BEGIN + timedelta(days=rng.randrange(SPAN_DAYS))


def _value(rng: Random, table: str, column: Column) -> Any:
    """A value of a column: of its closed list, near the others' days, small or missing."""
    fixed = FIXED.get(f"{table}.{column.name}", FIXED.get(column.name))
    if fixed is not None:
        return rng.choice(fixed)
    if column.nullable and rng.randrange(3) == 0:
        return None
    if column.is_money:
        return rng.choice([0, 100, 99_999_999, 10_000_000_000, 12_345_678_901])
    return DRAWN[column.kind](rng, column)


DRAWN: dict[str, Callable[[Random, Column], Any]] = {
    "enum": lambda rng, column: rng.choice(column.options),
    "set": lambda rng, column: [rng.choice(column.options) for _ in range(rng.randrange(3))],
    "date": lambda rng, column: _day(rng).replace(day=1) if column.name == "month" else _day(rng),
    "datetime": lambda rng, _: midnight(_day(rng)) + timedelta(hours=rng.randrange(24)),
    "boolean": lambda rng, _: rng.randrange(2) == 1,
    "integer": lambda rng, column: (
        rng.randrange(2020, 2025) if column.name == "report_year" else rng.randrange(4)
    ),
    "decimal": lambda rng, _: float(rng.randrange(4)),
    "string": lambda *_: "x",
    "char": lambda *_: "x",
}


def _weighted(rng: Random, chances: dict[str, int]) -> str:
    return rng.choices(list(chances), list(chances.values()))[0]


def facts_of(rng: Random, name: str, number: int) -> list[Row]:
    """All versions of one fact, arriving in any order: corrections, perhaps a withdrawal."""
    table, uscc = tables()[name], rng.choice(FIRMS)
    versions = []
    for version in range(1, rng.choice([1, 1, 2, 3]) + 1):
        own = {column.stored: _value(rng, name, column) for column in table.own}
        told = own[table.event.stored]
        event_at = told if isinstance(told, datetime) else midnight(told)
        versions.append(
            own
            | {
                "record_id": f"{name}-{number}-{version}",
                "uscc": uscc,
                "source_system": "s",
                "source_record_no": str(number),
                "version": version,
                "event_at": event_at,
                "known_at": event_at + timedelta(hours=rng.choice(DELAYS_HOURS)),
                "operation": _weighted(rng, CHANCES),
                "quality_status": _weighted(rng, QUALITY),
                "dispute_status": _weighted(rng, DISPUTES),
                "repaired_at": _day(rng) if rng.randrange(10) == 0 else None,
                "publicity_until": _day(rng) if rng.randrange(10) == 0 else None,
            }
        )
        if name == "credit_repair":
            versions[-1] |= _target(rng)
        if name == "penalty":  # the calendar has tests of its own
            versions[-1]["due_on"] = versions[-1]["due_on"] or _day(rng)
    return versions


def _target(rng: Random) -> Row:
    """A record that an application names: by its id, with or without version, or its number."""
    table, number = rng.choice(REPAIRED), str(rng.randrange(4))
    full = f"{table}/s/{number}"
    return {"target_table": table, "target_record_id": rng.choice([number, full, f"{full}/v1"])}


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, list[Row]]:
    """Up to three facts in some of the tables, more in one of them."""
    crowded = draw(st.sampled_from(sorted(tables())))
    return world_of(draw(st.randoms(use_true_random=False)), crowded)


def world_of(rng: Random, crowded: str) -> dict[str, list[Row]]:
    told = {}
    for name in tables():
        most = 12 if name == crowded else 5
        told[name] = [row for n in range(rng.randrange(most + 1)) for row in facts_of(rng, name, n)]
    return told


@st.composite
def _moments(draw: st.DrawFn) -> datetime:
    day = draw(
        st.integers(SPAN_DAYS // 2, SPAN_DAYS + 200).map(lambda n: BEGIN + timedelta(days=n))
    )
    special = draw(st.sampled_from([day, day, day, LEAP, DEADLINE, DEADLINE + timedelta(days=1)]))
    hour = draw(st.sampled_from([0, 12, 15, 16, 17]))
    return datetime(special.year, special.month, special.day, hour, tzinfo=UTC)


questions = st.lists(st.tuples(st.sampled_from(FIRMS), _moments()), min_size=1, max_size=4)
