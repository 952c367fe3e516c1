"""The relation indicators in plain Python: keys, members, states, hops."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.features.grammar import Row
from tests.features.reference import Value, value_of
from tests.features.world import World, midnight

Keys = Callable[[World], set[str]]


def is_gone(world: World) -> bool:
    """Whether all that the register says of an enterprise is its end."""
    entries = world.rows("entity")
    return bool(entries) and all(r["status"] in {"cancelled", "moved_out"} for r in entries)


def _links(world: World, keep: Callable[[Row], bool]) -> set[str]:
    if is_gone(world):
        return set()
    return {
        row["party_key"]
        for row in world.rows("party_link")
        if keep(row)
        and row["valid_from"] <= world.today
        and (row["valid_to"] is None or row["valid_to"] >= world.today)
    }


def _entity(world: World, column: str, kinds: tuple[str, ...] = ()) -> set[str]:
    return {
        row[column]
        for row in world.rows("entity")
        if row[column] is not None
        and row["status"] not in {"cancelled", "moved_out"}
        and row["address_kind"] not in kinds
    }


KEYS: dict[str, Keys] = {
    "investor": lambda w: _links(w, lambda r: r["role"] in {"shareholder", "controller"}),
    "legal_rep": lambda w: _links(w, lambda r: r["role"] == "legal_rep"),
    "party": lambda w: _links(w, lambda _: True),
    "address": lambda w: _entity(w, "address_key", ("cluster", "virtual")),
    "premises": lambda w: _entity(w, "address_key"),
    "agent": lambda w: _entity(w, "agent_key"),
}


def affiliates(world: World) -> set[str]:
    """Parents and subsidiaries, as pairs."""
    owned = _links(world, lambda r: r["party_kind"] == "organisation")
    return {f"{world.uscc}>{parent}" for parent in owned}


def ties(world: World, *names: str) -> dict[str, set[str]]:
    """Who has which key: all enterprises by key."""
    found: dict[str, set[str]] = {}
    for one in [world, *world.others]:
        for name in names:
            if name == "affiliate":
                for pair in affiliates(one):
                    found.setdefault(pair, set()).update(pair.split(">"))
            else:
                for key in KEYS[name](one):
                    found.setdefault(f"{name} {key}", set()).add(one.uscc)
    return {
        key: scored
        for key, members in found.items()
        if 2 <= len(scored := {m for m in members if m.startswith("91")}) <= 500
    }


def neighbours(world: World, *names: str) -> set[str]:
    near = {m for members in ties(world, *names).values() if world.uscc in members for m in members}
    return near - {world.uscc}


def is_bad(world: World) -> bool:
    return _is_serious(world) or any(
        (_told(world, name) or 0) > 0
        for name in ("abnormal_list_current_flag", "penalty_overdue_unpaid_yuan")
    )


def _is_serious(world: World) -> bool:
    return any(
        (_told(world, name) or 0) > 0
        for name in ("serious_list_current_flag", "dishonest_debtor_flag")
    )


def _told(world: World, name: str, days: int = 0) -> Value:
    """A neighbour's own number, whether or not its source counts as covered."""
    full = {table: [*rows, *_seed(world, table)] for table, rows in world.tables.items()}
    return value_of(name, World(full, world.uscc, world.as_of), days)


def _seed(world: World, table: str) -> list[Row]:
    """A withdrawn row of nobody, so that every table counts as delivered."""
    return [
        {
            "uscc": "nobody", "source_system": "", "source_record_no": "", "version": 1,
            "known_at": world.as_of, "operation": "withdraw", "quality_status": "passed",
        }
    ]  # fmt: skip


def _share(world: World, near: set[str], is_so: Callable[[World], bool]) -> float:
    return sum(is_so(world.of(u)) for u in near) / len(near) if near else 0.0


def reds(world: World, days: int) -> int:
    """Red points of the last days: those of lists, courts, refusals and overdue fines."""
    last, first = world.as_of, world.as_of - timedelta(days=days)
    facts = [row["event_at"] for row in world.rows("serious_list")]
    facts += [r["event_at"] for r in world.rows("court_record") if r["kind"] == "dishonest_debtor"]
    facts += [r["event_at"] for r in world.rows("inspection") if r["result"] == "refused"]
    facts += [r["event_at"] for r in world.rows("tax_record") if r["kind"] == "abnormal_household"]
    heavy = {"suspend_business", "revoke_licence", "revoke_business_licence"}
    facts += [r["event_at"] for r in world.rows("penalty") if heavy & set(r["penalty_kinds"] or [])]
    facts += [
        r["event_at"]
        for r in world.rows("sampling_test")
        if r["sector"] == "food" and r["qualified"] is False and r["retest"] in {"none", "upheld"}
        and r["item_class"] in {"pathogen", "illegal_additive"}
    ]  # fmt: skip
    facts += [
        r["event_at"]
        for r in world.rows("product_event")
        if r["sector"] == "drugs" and r["kind"] == "recall" and r["level"] == "class1"
    ]
    facts += [
        r["event_at"]
        for r in world.rows("safety_accident")
        if r["level"] != "general" and r["liability"] in {"main", "secondary"}
    ]
    lapsed = []
    for row in world.rows("licence"):
        if row["licence_kind"] == "safety_production" and row["status"] == "suspended":
            facts.append(row["known_at"])
        is_over = row["status"] in {"cancelled", "revoked"} or row["renewal_applied_on"]
        if row["valid_to"] and not is_over and not world.successor(row):
            lapsed.append(midnight(row["valid_to"] + timedelta(days=1)))
    facts += lapsed if lapsed and world.proves("renewal_applied_on") else []
    for duty in world.rows("obligation"):
        late = duty["state"] in {"overdue", "performed_late"}
        if late and duty["kind"] in {"annual_report", "penalty_payment"}:
            facts.append(duty["due_at"])
        if duty["kind"] == "penalty_payment" and duty["state"] == "overdue":
            facts.append(duty["due_at"] + timedelta(days=31))
    return sum(first < at <= last for at in facts)


def _propagated(world: World, damping: float) -> float:
    """Each key hands on the mean of its other members; nothing comes back from oneself."""
    shared = ties(world, "party", "affiliate", "address", "agent")
    bad = {w.uscc for w in [world, *world.others] if is_bad(w)}
    codes = {member for members in shared.values() for member in members}
    weight = {
        (a, b): sum(1 / (len(m) - 1) for m in shared.values() if {a, b} <= m)
        for a in codes
        for b in codes
        if a != b
    }
    me = world.uscc
    one = sum(weight.get((me, a), 0.0) for a in bad)
    two = sum(
        weight.get((me, a), 0.0) * weight.get((a, b), 0.0)
        for a in codes
        for b in bad
        if b not in {me, a}
    )
    return damping * one + damping**2 * two


RELATIONS: dict[str, Callable[[World, int], float]] = {
    "same_investor_bad_share": lambda w, _: _share(w, neighbours(w, "investor"), is_bad),
    "same_investor_alert_count": lambda w, d: float(
        sum(reds(w.of(u), d) for u in neighbours(w, "investor"))
    ),
    "same_legal_rep_entity_count": lambda w, _: float(len(neighbours(w, "legal_rep"))),
    "same_legal_rep_bad_share": lambda w, _: _share(w, neighbours(w, "legal_rep"), is_bad),
    "same_address_entity_count": lambda w, _: float(len(neighbours(w, "address"))),
    "same_address_no_contact_share": lambda w, _: _share(
        w,
        neighbours(w, "premises"),
        lambda o: (_told(o, "inspection_no_contact_count", 1095) or 0) > 0,
    ),
    "affiliate_serious_flag": lambda w, _: float(
        any(_is_serious(w.of(u)) for u in neighbours(w, "affiliate"))
    ),
    "relation_risk_score": lambda w, _: _propagated(w, 0.5),
}
