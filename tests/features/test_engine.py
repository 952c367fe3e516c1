from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings

from tests.features.behind import evidence
from tests.features.grammar import Row
from tests.features.neighbours import RELATIONS
from tests.features.reference import in_sector, value_of
from tests.features.world import World
from tests.features.worlds import questions, worlds
from xinheng.domain import ZONE
from xinheng.features.catalogue import catalogue, feature_columns
from xinheng.features.engine.compute import compute
from xinheng.features.indicator import GENERAL, Indicator
from xinheng.features.memory import Memory
from xinheng.records.asked import stored_schema

FIRM = "91440300192317458F"
AS_OF = datetime(2024, 6, 1, tzinfo=UTC)


def source(tables: dict[str, list[Row]]) -> Memory:
    """The given rows; a table without rows was never delivered."""
    frames = {}
    for name, rows in tables.items():
        schema = {k: v for k, v in stored_schema(name).items() if rows and k in rows[0]}
        if rows:
            frames[name] = pl.DataFrame(rows, schema=schema)
    return Memory(frames)


def asked(pairs: list[tuple[str, datetime]]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema=["uscc", "as_of"], orient="row")


def expected(one: Indicator, world: World, days: int) -> float | None:
    """The slow second opinion of one value."""
    if one.scope != GENERAL and not in_sector(world, one.scope):
        return None
    if one.kind != "related":
        return value_of(one.id, world, days)
    return RELATIONS[one.id](world, days) if world.covered(one.table) else None


@settings(max_examples=40)
@given(worlds(), questions)
def test_the_engine_agrees_with_the_slow_reference(
    tables: dict[str, list[Row]], pairs: list[tuple[str, datetime]]
) -> None:
    values = compute(catalogue().values(), asked(pairs), source(tables))
    assert values["uscc"].to_list() == [uscc for uscc, _ in pairs]
    for (uscc, as_of), row in zip(pairs, values.iter_rows(named=True), strict=True):
        world = World(tables, uscc, as_of)
        for column in feature_columns(catalogue().values()):
            wanted = expected(column.indicator, world, column.window_days)
            found = row[column.name]
            assert (found is None) == (wanted is None), (column.name, found, wanted)
            if wanted is not None:
                assert found == pytest.approx(wanted, rel=1e-12, abs=2e-5), column.name


@settings(max_examples=15)
@given(worlds(), questions)
def test_what_arrives_later_changes_nothing(
    tables: dict[str, list[Row]], pairs: list[tuple[str, datetime]]
) -> None:
    latest = max(as_of for _, as_of in pairs)
    known = {name: [r for r in rows if r["known_at"] <= latest] for name, rows in tables.items()}
    whole = compute(catalogue().values(), asked(pairs), source(tables))
    early = compute(catalogue().values(), asked(pairs), source(known))
    assert whole.equals(early)


@settings(max_examples=15)
@given(worlds(), questions)
def test_a_question_is_answered_alike_alone_and_among_others(
    tables: dict[str, list[Row]], pairs: list[tuple[str, datetime]]
) -> None:
    together = compute(catalogue().values(), asked(pairs), source(tables))
    for number, pair in enumerate(pairs):
        alone = compute(catalogue().values(), asked([pair]), source(tables))
        for name in alone.columns:
            assert alone[name].equals(together[name].slice(number, 1)), name


def penalty(decided: date, known: date, **more: object) -> Row:
    return {
        "record_id": f"p-{decided}-{known}",
        "uscc": FIRM,
        "source_system": "s",
        "source_record_no": str(decided),
        "version": 1,
        "event_at": datetime(decided.year, decided.month, decided.day, tzinfo=UTC),
        "known_at": datetime(known.year, known.month, known.day, tzinfo=UTC),
        "operation": "insert",
        "quality_status": "passed",
        "dispute_status": "none",
        "repaired_at": None,
        "publicity_until": None,
        "decided_on": decided,
        "state": "effective",
        "procedure": "ordinary",
    } | more


DECIDED, KNOWN = date(2024, 4, 1), date(2024, 4, 10)
CASES = [
    pytest.param(date(2024, 4, 2), {}, 0, id="decided, not yet known"),
    pytest.param(date(2024, 4, 10), {}, 1, id="the moment it is known"),
    pytest.param(date(2024, 6, 29), {}, 1, id="eighty-nine days on, inside"),
    pytest.param(date(2024, 6, 30), {}, 0, id="ninety days on, outside"),
    pytest.param(date(2024, 5, 1), {"repaired_at": date(2024, 5, 1)}, 0, id="the day of repair"),
    pytest.param(date(2024, 4, 30), {"repaired_at": date(2024, 5, 1)}, 1, id="the day before"),
    pytest.param(date(2024, 5, 2), {"publicity_until": date(2024, 5, 1)}, 0, id="publicity over"),
    pytest.param(date(2024, 5, 2), {"dispute_status": "under_review"}, 0, id="under dispute"),
    pytest.param(date(2024, 5, 2), {"dispute_status": "upheld"}, 0, id="objection upheld"),
    pytest.param(date(2024, 5, 2), {"dispute_status": "rejected"}, 1, id="objection rejected"),
    pytest.param(date(2024, 5, 2), {"operation": "withdraw"}, 0, id="withdrawn"),
    pytest.param(date(2024, 5, 2), {"quality_status": "quarantined"}, 0, id="not confirmed"),
]


@pytest.mark.parametrize(("as_of", "more", "seen"), CASES)
def test_a_penalty_counts_from_the_day_it_is_known_until_it_may_not(
    as_of: date, more: dict[str, object], seen: int
) -> None:
    moment = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC)
    begun = penalty(date(2020, 1, 1), date(2020, 1, 1), source_record_no="first")
    known = source({"penalty": [begun, penalty(DECIDED, KNOWN, **more)]})
    values = compute([catalogue()["penalty_count"]], asked([(FIRM, moment)]), known)
    assert values["penalty_count_90d"].to_list() == [seen]


def test_no_rows_are_zero_where_covered_and_unknown_where_not() -> None:
    other = penalty(DECIDED, KNOWN, uscc="91350900587527783P")
    indicators = [catalogue()["penalty_count"], catalogue()["complaint_count"]]
    before = datetime(2024, 4, 5, tzinfo=UTC)
    values = compute(
        indicators, asked([(FIRM, AS_OF), (FIRM, before)]), source({"penalty": [other]})
    )
    assert values["penalty_count_365d"].to_list() == [0.0, None]
    assert values["complaint_count_30d"].to_list() == [None, None]


def test_a_moment_may_come_in_any_time_zone() -> None:
    known = source({"penalty": [penalty(DECIDED, KNOWN)]})
    column = catalogue()["penalty_count"].columns[0]
    local = AS_OF.astimezone(ZONE)
    assert evidence([column], FIRM, local, known)[column.name].height == 1
    values = compute([column.indicator], asked([(FIRM, local)]), known)
    assert values["penalty_count_90d"].to_list() == [1.0]


def test_evidence_is_the_records_that_were_counted() -> None:
    rows = [penalty(DECIDED - timedelta(days=n), KNOWN) for n in range(4)]
    rows.append(penalty(date(2023, 1, 1), KNOWN))
    rows.append(penalty(date(2024, 3, 1), KNOWN, procedure="simple"))
    column = catalogue()["penalty_count"].columns[0]
    found = evidence([column], FIRM, AS_OF, source({"penalty": rows}))[column.name]
    assert found.height == 4
    assert found["record_id"][0] == "p-2024-04-01-2024-04-10", "newest first"
    values = compute([column.indicator], asked([(FIRM, AS_OF)]), source({"penalty": rows}))
    assert values["penalty_count_90d"].to_list() == [4.0]
