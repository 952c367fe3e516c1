"""A slow, obvious second opinion: the formulas of `indicators.csv`, record by record.

Written for the tests alone, in plain Python. Nothing here is shared with the engine.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from math import log1p
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from tests.features.grammar import Row, call, condition, holds, options

Value = float | None
Keep = Callable[[Row], bool]
SHANGHAI = ZoneInfo("Asia/Shanghai")
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
}
LOGARITHMIC = {name for name in SPEC if name.endswith("_yuan")}
FEEDS = {
    "annual_report": ("annual_report",),
    "penalty_payment": ("penalty", "penalty_performance"),
    "rectification": ("inspection",),
}
LARGEST_KEY = 500
RED_DAYS = (30, 90)


def formula(name: str) -> str:
    return CORRECTED.get(name, SPEC[name]["aggregation"])


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)


def legal(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()


def newest(versions: Sequence[Row], as_of: datetime) -> list[Row]:
    """Section 2: known by then, newest version, confirmed, not withdrawn."""
    found: dict[tuple[str, ...], Row] = {}
    for row in versions:
        key = (row["uscc"], row["source_system"], row["source_record_no"])
        if row["known_at"] <= as_of and row["version"] >= found.get(key, row)["version"]:
            found[key] = row
    confirmed = {"passed", "warned", "confirmed_twice"}
    return [
        row
        for row in found.values()
        if row["operation"] != "withdraw" and row["quality_status"] in confirmed
    ]


def is_held(row: Row) -> bool:
    return row.get("dispute_status") in {"under_review", "upheld"}


def usable(versions: Sequence[Row], as_of: datetime) -> list[Row]:
    """... not disputed, repaired or beyond its publicity."""
    return [
        row
        for row in newest(versions, as_of)
        if not is_held(row)
        and all(
            end is None or as_of < midnight(end)
            for end in (row["repaired_at"], row["publicity_until"])
        )
    ]


class World:
    """All versions of all tables, asked about one enterprise at one moment."""

    def __init__(self, tables: dict[str, list[Row]], uscc: str, as_of: datetime) -> None:
        self.tables, self.uscc, self.as_of = tables, uscc, as_of
        self.today = legal(as_of)

    def of(self, uscc: str) -> World:
        return World(self.tables, uscc, self.as_of)

    def rows(self, table: str) -> list[Row]:
        """Usable rows of the enterprise whose event has come."""
        if table == "obligation":
            found = self.duties
        else:
            found = usable([r for r in self.tables[table] if r["uscc"] == self.uscc], self.as_of)
        return [row for row in found if row["event_at"] <= self.as_of]

    def window(self, table: str, days: int, before: int = 0) -> list[Row]:
        """Rows with the event in `(as_of - before - days, as_of - before]`; 0 days: all."""
        last = self.as_of - timedelta(days=before)
        first = last - timedelta(days=days)
        return [
            row
            for row in self.rows(table)
            if row["event_at"] <= last and (days == 0 or row["event_at"] > first)
        ]

    def standing(self, table: str) -> list[Row]:
        """What the ledger sees: repair and publicity do not matter."""
        return newest([r for r in self.tables[table] if r["uscc"] == self.uscc], self.as_of)

    def covered(self, table: str) -> bool:
        return any(row["known_at"] <= self.as_of for row in self.tables[table])

    def look(self, row: Row) -> Callable[[str], Any]:
        """Values of one row by the names of the specification."""

        def told(name: str) -> Any:
            if name == "as_of":
                return Today(self.as_of)
            if name == "age_days":
                return (self.today - row["established_on"]).days
            if "." in name:
                table, _, column = name.partition(".")
                latest = self.latest(table)
                return None if latest is None else self.look(latest)(column)
            fen = f"{name.removesuffix('_yuan')}_fen"
            if fen in row:
                return None if row[fen] is None else Fraction(row[fen], 100)
            value = row[name]
            return Day(value) if isinstance(value, date) and type(value) is date else value

        return told

    def keep(self, text: str) -> Keep:
        return lambda row: not text or holds(text, self.look(row))

    def latest(self, table: str, text: str = "") -> Row | None:
        kept = [row for row in self.rows(table) if self.keep(text)(row)]
        return max(kept, key=recency) if kept else None

    @property
    def division(self) -> str:
        row = self.latest("entity")
        return "" if row is None else row["industry_code"][:3]

    @property
    def others(self) -> list[World]:
        codes = {row["uscc"] for rows in self.tables.values() for row in rows} - {self.uscc}
        return [self.of(code) for code in sorted(codes)]

    @cached_property
    def duties(self) -> list[Row]:
        """Annual reports, fines and rectification orders, each with its state."""
        return [*self._reports(), *self._fines(), *self._orders()]

    def _reports(self) -> list[Row]:
        entities = self.standing("entity")
        if not entities:
            return []
        since = min(row["established_on"] for row in entities)
        filed = self.standing("annual_report")
        found = []
        for year in range(max(2013, since.year), self.today.year):
            own = [row["submitted_at"] for row in filed if row["report_year"] == year]
            done, due = min(own, default=None), midnight(date(year + 1, 7, 1))
            opened = midnight(date(year + 1, 1, 1))
            found.append(self._duty("annual_report", opened, due, done, report_year=year))
        return found

    def _fines(self) -> list[Row]:
        found = []
        for row in self.standing("penalty"):
            if is_held(row) or not row["fine_amount_fen"] or row["served_on"] is None:
                continue
            events = [
                e
                for e in self.standing("penalty_performance")
                if e["decision_no"] == row["decision_no"]
            ]
            found.append(self._fine(row, sorted(events, key=recency)))
        return found

    def _fine(self, fine: Row, events: list[Row]) -> Row:
        same = [
            r["fine_amount_fen"] or 0
            for r in self.standing("penalty")
            if r["decision_no"] == fine["decision_no"] and r["served_on"] is not None
        ]
        owed, paid, done = max(same), 0, None
        for event in events:
            if event["event_kind"] not in {"paid", "part_paid", "court_enforced"}:
                continue
            whole = event["event_kind"] == "paid" and event["amount_fen"] is None
            paid += owed if whole else event["amount_fen"] or 0
            if paid >= owed and done is None:
                done = midnight(event["occurred_on"])
        deferring = {"deferral_approved", "instalment_approved"}
        moved = [e for e in events if e["event_kind"] in deferring and e["new_due_on"] is not None]
        last = moved[-1]["new_due_on"] if moved else fine["due_on"]
        return self._duty(
            "penalty_payment",
            midnight(fine["served_on"]),
            midnight(last + timedelta(days=1)),
            done,
            amount_fen=fine["fine_amount_fen"],
            waived=fine["state"] in {"revoked", "invalid"}
            or any(e["event_kind"] == "closed" for e in events),
            paused=bool(moved),
        )

    def _orders(self) -> list[Row]:
        return [
            self._duty(
                "rectification",
                midnight(row["checked_on"]),
                midnight(row["rectify_due_on"] + timedelta(days=1)),
                row["rectified_on"] and midnight(row["rectified_on"]),
            )
            for row in self.standing("inspection")
            if row["rectify_due_on"] is not None and not is_held(row)
        ]

    def _duty(
        self, kind: str, opened: datetime, due: datetime, done: datetime | None, **more: Any
    ) -> Row:
        ended = max(
            (r["ended_on"] for r in self.standing("entity") if r["ended_on"] is not None),
            default=None,
        )
        if done is not None:
            state = "performed" if done < due else "performed_late"
        elif more.get("waived") or (ended is not None and midnight(ended) < due):
            state = "waived"
        elif due <= self.as_of:
            state = "overdue"
        else:
            state = "paused" if more.get("paused") else "open"
        return {"kind": kind, "event_at": opened, "due_at": due, "state": state} | more


def recency(row: Row) -> tuple[Any, ...]:
    return row["event_at"], row["known_at"], row["record_id"]


class Day(date):
    """A legal day, compared with the moment of a question by its day."""

    def __new__(cls, day: date) -> Self:
        return super().__new__(cls, day.year, day.month, day.day)


class Today:
    """`as_of`: a moment beside moments, a legal day beside days."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def _beside(self, other: Any) -> Any:
        return self.moment if isinstance(other, datetime) else legal(self.moment)

    def __le__(self, other: Any) -> bool:
        return bool(self._beside(other) <= other)

    def __lt__(self, other: Any) -> bool:
        return bool(self._beside(other) < other)

    def __ge__(self, other: Any) -> bool:
        return bool(self._beside(other) >= other)

    def __gt__(self, other: Any) -> bool:
        return bool(self._beside(other) > other)


def sources(name: str) -> tuple[str, ...]:
    row = SPEC[name]
    if row["record_type"] != "obligation":
        return (row["record_type"],)
    return next(feeds for kind, feeds in FEEDS.items() if f"'{kind}'" in row["aggregation"])


def value_of(name: str, world: World, days: int) -> Value:
    """The indicator by its formula: null where its sources are not covered."""
    if not all(world.covered(table) for table in sources(name)):
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
    """A licence of the sector decides; without any sector's licence, the industry code does."""
    kinds = {row["licence_kind"] for row in world.rows("licence")}
    deciding = {kind for own in LICENCES.values() for kind in own}
    if kinds & deciding:
        return bool(kinds & LICENCES[scope])
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
