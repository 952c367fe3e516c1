"""A slow, obvious second opinion: the formulas of `indicators.csv`, record by record.

Written for the tests alone, in plain Python. Nothing here is shared with the engine.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from math import log1p
from pathlib import Path
from typing import Any

from tests.features.grammar import Row, call, condition, options
from tests.features.world import World, legal, recency

Value = float | None
SPEC = {
    row["id"]: row
    for row in csv.DictReader(
        (Path(__file__).parent / "indicators.csv").read_text(encoding="utf-8").splitlines()
    )
}
CORRECTED = {
    # The catalogue's own formula cannot be meant: `docs/indicators.md` says why.
    "capital_abnormal_flag": "flag(entity.registered_capital_yuan >= 100000000 and (employees = 0"
    " or tax_paid_yuan = 0 or revenue_yuan < 1000000); pick=last)",
    "penalty_paid_on_time_ratio": "share(state = 'performed'; kind = 'penalty_payment' and"
    " due_at <= as_of and state != 'waived'; prior_mean=global, prior=2)",
    "drug_recall_points": "decayed_points(level; class1=10,class2=4,class3=1; half_life=365;"
    " kind = 'recall' and sector = 'drugs'; voluntary_factor=0.5)",
    "utility_zero_months": "count_months(max usage = 0; not meter_shared and"
    " utility in ('electricity','water'))",
    # Section 10: what is not done counts where its source delivers the proof.
    "disclosure_overdue_count": "count(*; due_on < as_of and (disclosed_on > due_on"
    " or disclosed_on is null and proves.disclosed_on))",
    "food_disposal_overdue_count": "count(*; sector = 'food' and disposal_due_on < as_of and"
    " (disposed_on > disposal_due_on or disposed_on is null and proves.disposed_on))",
    "con_rectify_overdue_count": "count(*; sector = 'construction' and rectify_due_on < as_of and"
    " (rectified_on > rectify_due_on or rectified_on is null and proves.rectified_on))",
    "drug_rectify_overdue_days": "max_days_overdue(rectify_due_on, rectified_on; sector = 'drugs'"
    " and (not rectified_on is null or proves.rectified_on))",
    "licence_expired_flag": "flag(valid_to < as_of and renewal_applied_on is null and"
    " status != 'cancelled' and not has_successor and proves.renewal_applied_on)",
}
LOGARITHMIC = {name for name in SPEC if name.endswith("_yuan")}
OWED: dict[str, Callable[[World], bool]] = {
    # who owes a report is known by the register, and what was filed by whoever filed
    "ar_late_count": lambda w: any(d["kind"] == "annual_report" for d in w.rows("obligation")),
    "ar_missing_years": lambda _: False,
    "ar_open_flag": lambda _: False,
}
FEEDS = {
    "annual_report": ("annual_report",),
    "penalty_payment": ("penalty", "penalty_performance"),
    "rectification": ("inspection",),
}


def formula(name: str) -> str:
    return CORRECTED.get(name, SPEC[name]["aggregation"])


def sources(name: str) -> tuple[str, ...]:
    row = SPEC[name]
    if row["record_type"] != "obligation":
        return (row["record_type"],)
    return next(feeds for kind, feeds in FEEDS.items() if f"'{kind}'" in row["aggregation"])


def value_of(name: str, world: World, days: int) -> Value:
    """The indicator by its formula: null where its sources are not covered."""
    if not all(world.covered(table) for table in sources(name)):
        return None
    if name in OWED and not (world.rows("entity") or OWED[name](world)):
        return None
    word, parts, less = call(formula(name))
    found = WORDS[word](world, SPEC[name]["record_type"], days, parts)
    if found is None:
        return None
    found = max(0.0, float(found) - less) if less else float(found)
    return log1p(found) if name in LOGARITHMIC else found


def _chosen(world: World, table: str, days: int, parts: list[str], before: int = 0) -> list[Row]:
    return [r for r in world.window(table, days, before) if world.keep(condition(parts))(r)]


def _picked(world: World, table: str, text: str) -> Row | None:
    return world.latest(table, text)


def _flag(world: World, table: str, days: int, parts: list[str]) -> Value:
    if "pick" in options(parts):
        row = world.latest(table)
        return float(row is not None and world.keep(parts[0])(row))
    return float(any(world.keep(parts[0])(row) for row in world.window(table, days)))


def _sum(world: World, table: str, days: int, parts: list[str]) -> Value:
    total = Fraction(0)
    for row in _chosen(world, table, days, parts[1:]):
        values = [world.look(row)(column) for column in parts[0].split(" + ")]
        total += 0 if None in values else Fraction(sum(values))
    return float(total)


def _mean(world: World, table: str, days: int, parts: list[str]) -> Value:
    rows = _chosen(world, table, days, parts[1:])
    values = [row[parts[0]] for row in rows if row[parts[0]] is not None]
    return sum(map(Fraction, map(str, values))) / len(values) if values else None  # type: ignore[return-value]


def _value(world: World, table: str, _: int, parts: list[str]) -> Value:
    row = _picked(world, table, condition(parts[1:]))
    return None if row is None else row[parts[0]]


def _ordinal(world: World, table: str, _: int, parts: list[str]) -> Value:
    row = _picked(world, table, condition(parts[2:]))
    codes = dict(one.split("=") for one in parts[1].split(","))
    found = None if row is None else codes.get(row[parts[0]])
    return None if found is None else float(found)


def _ratio(world: World, table: str, _: int, parts: list[str]) -> Value:
    row = world.latest(table)
    if row is None:
        return None
    a, b = (world.look(row)(name) for name in parts[0].split(", "))
    return None if a is None or not b else float(min(10, max(0, a / b)))


def _distinct(world: World, table: str, days: int, parts: list[str]) -> Value:
    return float(len({row[parts[0]] for row in _chosen(world, table, days, parts[1:])}))


def _months(world: World, table: str, days: int, parts: list[str]) -> Value:
    usage: dict[date, float] = {}
    for row in _chosen(world, table, days, parts[1:]):
        usage[row["month"]] = max(usage.get(row["month"], 0.0), row["usage"] or 0.0)
    return float(sum(value == 0 for value in usage.values()))


def _age(world: World, table: str, _: int, parts: list[str]) -> Value:
    row = world.latest(table)
    return None if row is None else float((world.today - row[parts[0]]).days)


def _diff(world: World, table: str, _: int, parts: list[str]) -> Value:
    a, b = parts[0].split(", ")
    row = world.latest(table, condition(parts[1:]))
    if row is None or row[a] is None or row[b] is None:
        return None
    return float((row[a] - legal(row[b])).days)


def _since(world: World, table: str, days: int, parts: list[str]) -> Value:
    cap = int(options(parts)["cap"])
    found = [(world.today - row[parts[0]]).days for row in _chosen(world, table, days, parts[1:])]
    return float(min([*found, cap]))


def _until(world: World, table: str, days: int, parts: list[str]) -> Value:
    cap = int(options(parts).get("cap", 3650))
    last = (
        row[parts[0]] if parts[0] != "due_at" else legal(row["due_at"] - timedelta(microseconds=1))
        for row in _chosen(world, table, days, parts[1:])
    )
    found = [(day - world.today).days for day in last if day is not None and day >= world.today]
    return float(min([*found, cap]))


def _overdue(world: World, table: str, days: int, parts: list[str]) -> Value:
    due, done = parts[0].split(", ")
    late = [
        (min(row[done] or world.today, world.today) - row[due]).days
        for row in _chosen(world, table, days, parts[1:])
        if row[due] is not None
    ]
    return float(max([*late, 0]))


def _run(world: World, _table: str, _days: int, parts: list[str]) -> Value:
    told = {
        row["report_year"]: world.keep(parts[0])(row)
        for row in world.rows("obligation")
        if row["kind"] == "annual_report"
        and row["state"] in {"performed", "performed_late", "overdue"}
    }
    run = 0
    for year in sorted(told, reverse=True):
        if not told[year]:
            break
        run += 1
    return float(run)


def _largest(world: World, table: str, days: int, parts: list[str]) -> Value:
    values = Counter(row[parts[0]] for row in world.window(table, days))
    return float(max([n for value, n in values.items() if value is not None], default=0))


def _ratio_sum(world: World, table: str, days: int, parts: list[str]) -> Value:
    a, b = parts[0].split(", ")
    rows = [
        row
        for row in _chosen(world, table, days, parts[1:])
        if row[a] is not None and row[b] is not None
    ]
    base = sum(row[b] for row in rows)
    return min(10.0, sum(row[a] for row in rows) / base) if base else None


def _ratio_to(world: World, table: str, days: int, parts: list[str]) -> Value:
    total = _sum(world, table, days, [parts[0].removeprefix("sum "), *parts[1:-1]])
    other, _, column = parts[-1].partition(".")
    row = world.latest(other)
    base = None if row is None else world.look(row)(column)
    assert total is not None
    return None if not base else float(min(10, max(0, Fraction(total) / base)))


def _change(now: list[Any], before: list[Any]) -> Value:
    if not now or not before:
        return None
    old, new = Fraction(sum(before)) / len(before), Fraction(sum(now)) / len(now)
    return float(min(500, max(-100, 100 * (new - old) / old))) if old else None


def _known(world: World, table: str, days: int, parts: list[str], before: int) -> list[Any]:
    rows = _chosen(world, table, days, parts[1:], before)
    return [Fraction(str(row[parts[0]])) for row in rows if row[parts[0]] is not None]


def _pct(world: World, table: str, days: int, parts: list[str]) -> Value:
    return _change(_known(world, table, days, parts, 0), _known(world, table, days, parts, days))


def _yoy(world: World, table: str, days: int, parts: list[str]) -> Value:
    if days:
        return _change(_known(world, table, days, parts, 0), _known(world, table, days, parts, 365))
    by_year: dict[int, Row] = {}
    for row in sorted(world.rows(table), key=recency):
        by_year[row["report_year"]] = row
    if not by_year:
        return None
    last = max(by_year)
    now, old = (by_year.get(year, {}).get("revenue_fen") for year in (last, last - 1))
    if now is None or not old:
        return None
    return float(min(500, max(-100, 100 * Fraction(now - old, abs(old)))))


def _surge(world: World, table: str, _: int, parts: list[str]) -> Value:
    a, b = map(int, parts[0].split(", "))
    recent = len(_chosen(world, table, a, parts[1:]))
    former = len(_chosen(world, table, b, parts[1:], before=a))
    return min(10.0, ((recent + 0.5) / a) / ((former + 0.5) / b))


def _decayed(world: World, table: str, days: int, parts: list[str]) -> Value:
    points = {k: int(v) for k, v in (one.split("=") for one in parts[1].split(","))}
    told = options(parts[2:])
    text = condition(parts[2:])
    found = 0.0
    for row in world.window(table, days):
        if row[parts[0]] in points and world.keep(text)(row):
            secondary = "secondary_factor" in told and row["liability"] == "secondary"
            voluntary = "voluntary_factor" in told and row["voluntary"] is True
            age = (world.as_of - row["event_at"]) / timedelta(days=1)
            factor = 0.5 if secondary or voluntary else 1.0
            found += points[row[parts[0]]] * factor * 0.5 ** (age / int(told["half_life"]))
    return found


def _hits(world: World, table: str, days: int, hit: str, base: str) -> tuple[int, int]:
    rows = [row for row in world.window(table, days) if world.keep(base)(row)]
    return sum(world.keep(hit)(row) for row in rows), len(rows)


def _pooled(pool: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(k for k, _ in pool), sum(n for _, n in pool)


def _share(world: World, table: str, days: int, parts: list[str]) -> Value:
    told, base = options(parts), condition(parts[1:])
    k, n = _hits(world, table, days, parts[0], base)
    prior, mean = int(told["prior"]), told["prior_mean"]
    everyone = _pooled([_hits(o, table, days, parts[0], base) for o in world.others])
    group = everyone
    if mean == "industry":
        mates = [o for o in world.others if o.division == world.division]
        group = _pooled([_hits(o, table, days, parts[0], base) for o in mates])
    if mean == "category":
        own = world.latest(table)
        same = f"product_category = '{own['product_category'] if own else ''}'"
        among = f"({base}) and {same}"
        group = _pooled([_hits(o, table, days, parts[0], among) for o in world.others])
    hits, number = group if group[1] else everyone
    m = hits / number if number else 0.5
    return (k + prior * m) / (n + prior)


def _group_rate(world: World, table: str, days: int, parts: list[str]) -> Value:
    base, prior = parts[2], int(options(parts)["prior"])
    everyone = _pooled([_hits(o, table, days, parts[0], base) for o in world.others])
    mates = [o for o in world.others if o.division == world.division]
    hits, number = _pooled([_hits(o, table, days, parts[0], base) for o in mates])
    mean = everyone[0] / everyone[1] if everyone[1] else 0.5
    return (hits + prior * mean) / (number + prior)


def _shortfall(world: World, table: str, _: int, parts: list[str]) -> Value:
    names = [one.split("'")[1] for one in parts[0].split(", ")]
    rows = [world.latest(table, f"attribute = '{n}'") for n in names]
    a, b = (None if row is None else row["value_num"] for row in rows)
    return None if a is None or not b else max(0.0, 1 - a / b)


WORDS: dict[str, Callable[[World, str, int, list[str]], Any]] = {
    "count": lambda w, t, d, p: len(_chosen(w, t, d, p[1:])),
    "flag": _flag, "sum": _sum, "mean": _mean, "value": _value, "ordinal": _ordinal,
    "ratio": _ratio, "distinct": _distinct, "count_months": _months, "age_days": _age,
    "diff_days": _diff, "days_since_last": _since, "days_until_next": _until,
    "max_days_overdue": _overdue, "run_length": _run, "max_group_count": _largest,
    "ratio_sum": _ratio_sum, "ratio_to": _ratio_to, "pct_change": _pct, "yoy_pct": _yoy,
    "surge": _surge, "decayed_points": _decayed, "share": _share, "group_rate": _group_rate,
    "shortfall": _shortfall,
}  # fmt: skip


def in_sector(world: World, scope: str) -> bool:
    """The authority's word; else a licence that stands, or the industry code."""
    declared = world.latest("sector_profile", f"sector = '{scope}' and attribute = 'in_sector'"
                            " and (valid_to is null or valid_to >= as_of)")  # fmt: skip
    if declared is not None and declared["value_num"] is not None:
        return bool(declared["value_num"] > 0)
    stands = "status in ('valid', 'suspended') and valid_from <= as_of"
    stands += " and (valid_to is null or valid_to >= as_of)"
    held = filter(world.keep(stands), world.rows("licence"))
    if {row["licence_kind"] for row in held} & LICENCES[scope]:
        return True
    row = world.latest("entity")
    return row is not None and row["industry_code"].startswith(CODES[scope])


LICENCES = {
    "food": {"food_production", "food_business", "food_filing"},
    "drugs": {"drug_production", "drug_wholesale", "drug_retail", "medical_device"},
    "construction": {"construction_qualification", "safety_production"},
}
CODES = {
    "food": ("C13", "C14", "C15", "F512", "F522", "H62"),
    "drugs": ("C27", "F515", "F525"),
    "construction": ("E47", "E48", "E49", "E50", "M748"),
}
