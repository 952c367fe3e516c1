"""One predicate everywhere: counts, neighbours, hard rules and duties against a slow reading.

Random versions of repairs, disputes, ends of terms, changes of state, withdrawals and
confirmations, asked at the moments at which something may change and a microsecond before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.grammar import Row
from tests.features.neighbours import RELATIONS
from tests.features.reference import value_of
from tests.features.test_engine import source
from tests.features.world import World, midnight
from tests.features.worlds import FIRMS, facts_of
from xinheng.decisions.hard_rules import asked_by, fired, load_rules
from xinheng.features.catalogue import catalogue
from xinheng.features.engine.compute import answer, compute
from xinheng.features.explain.evidence import Grounds
from xinheng.features.knowledge import Knowledge
from xinheng.records.duties.ledger import ledger, standing_duties
from xinheng.records.tables import tables

NAMES = (
    "penalty_count", "penalty_severity_points", "penalty_fine_sum_yuan", "penalty_days_since_last",
    "penalty_overdue_unpaid_yuan", "penalty_paid_on_time_ratio", "rectification_overdue_count",
    "inspection_no_contact_count", "abnormal_list_current_flag", "abnormal_list_count",
    "serious_list_current_flag", "dishonest_debtor_flag", "same_legal_rep_entity_count",
    "same_legal_rep_bad_share", "same_address_entity_count", "same_address_no_contact_share",
    "affiliate_serious_flag", "relation_risk_score",
)  # fmt: skip
FLAGS = {
    "H1": "serious_list_current_flag",
    "H2": "dishonest_debtor_flag",
    "H4": "abnormal_list_current_flag",
}
CROWD = {
    "entity": 3, "party_link": 6, "penalty": 5, "penalty_performance": 4, "inspection": 3,
    "abnormal_list": 4, "serious_list": 4, "court_record": 3, "credit_repair": 8,
}  # fmt: skip
USED = ("rectification", "penalty_payment")


@st.composite
def stories(draw: st.DrawFn) -> tuple[dict[str, list[Row]], list[tuple[str, datetime]]]:
    """Records of three firms, and questions about moments at which something may change."""
    rng = draw(st.randoms(use_true_random=False))
    told = {
        name: [row for n in range(rng.randrange(most + 1)) for row in facts_of(rng, name, n)]
        for name, most in (dict.fromkeys(tables(), 0) | CROWD).items()
    }
    moments = sorted(turns(told))
    chosen = draw(st.lists(st.sampled_from(moments), min_size=1, max_size=4)) if moments else []
    return told, [(rng.choice(FIRMS), at - rng.choice(JUST)) for at in chosen]


JUST = (timedelta(0), timedelta(microseconds=1))


def turns(told: Mapping[str, Sequence[Row]]) -> set[datetime]:
    """Moments at which a version becomes known, or a day of one begins."""
    ends = ("repaired_at", "publicity_until", "term_until", "effective_on", "decided_on")
    found = {row["known_at"] for rows in told.values() for row in rows}
    days = (row.get(name) for rows in told.values() for row in rows for name in ends)
    return found | {midnight(day) for day in days if isinstance(day, date)}


@settings(max_examples=150)
@given(stories())
def test_counts_and_neighbours_see_what_is_in_force(
    story: tuple[dict[str, list[Row]], list[tuple[str, datetime]]],
) -> None:
    told, pairs = story
    chosen = [catalogue()[name] for name in NAMES]
    question = pl.DataFrame(pairs, schema=["uscc", "as_of"], orient="row")
    if not pairs:
        return
    values = compute(chosen, question, source(told))
    for (uscc, as_of), row in zip(pairs, values.iter_rows(named=True), strict=True):
        world = World(told, uscc, as_of)
        for column in (column for one in chosen for column in one.columns):
            name, days = column.indicator.id, column.window_days
            wanted = value_of(name, world, days) if name not in RELATIONS else None
            if name in RELATIONS and world.covered(column.indicator.table):
                wanted = RELATIONS[name](world, days)
            assert row[column.name] == (
                None if wanted is None else pytest.approx(wanted, rel=1e-12, abs=2e-5)
            ), (column.name, uscc, as_of)


@settings(max_examples=150)
@given(stories())
def test_hard_rules_hold_while_their_record_is_in_force(
    story: tuple[dict[str, list[Row]], list[tuple[str, datetime]]],
) -> None:
    told, pairs = story
    for uscc, as_of in pairs:
        question = pl.DataFrame({"uscc": [uscc], "as_of": [as_of]})
        found = answer(asked_by(load_rules()), question, source(told))
        held = fired(load_rules(), found.values, Grounds.of(found, None)).get(uscc, ())
        world = World(told, uscc, as_of)
        assert {one.rule.id for one in held} == {
            rule for rule, name in FLAGS.items() if (value_of(name, world, 0) or 0) > 0
        }
        behind = {"H1": "serious_list", "H2": "court_record", "H4": "abnormal_list"}
        for one in held:
            there = {row["record_id"] for row in world.rows(behind[one.rule.id])}
            assert {*one.record_ids} <= there, "only records in force are told as the reason"


@settings(max_examples=150)
@given(stories())
def test_duties_count_while_their_record_is_in_force_and_stay_in_the_ledger(
    story: tuple[dict[str, list[Row]], list[tuple[str, datetime]]],
) -> None:
    told, pairs = story
    for uscc, as_of in pairs:
        world, records = World(told, uscc, as_of), source(told)
        spans = Knowledge(records, as_of, usccs=[uscc]).duty_spans
        counting = _states(standing_duties(spans, as_of), uscc)
        wanted = {
            (duty["behind"][1]["record_id"], duty["state"])
            for duty in world.counting_duties
            if duty["kind"] in USED and duty["event_at"] <= as_of
        }
        assert counting == wanted
        every = _states(ledger(records.rows, as_of), uscc)
        assert counting <= every


def _states(duties: pl.DataFrame, uscc: str) -> set[tuple[str, str]]:
    own = duties.filter(pl.col("uscc") == uscc, pl.col("kind").is_in(USED))
    return {
        (str(record), str(state))
        for record, state in own.select("source_record_id", "state").iter_rows()
    }
