"""What is known of others, renewed for the firms with new records, is as if all were read anew."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from tests.features.grammar import Row
from tests.features.test_engine import source
from tests.features.test_relations import record
from tests.features.worlds import FIRMS, worlds
from tests.proven import DELIVERED
from xinheng.features.catalogue import catalogue, feature_columns
from xinheng.features.memory import Memory
from xinheng.features.others.others import Others
from xinheng.features.others.renew import renewed
from xinheng.features.others.traces import TRACES

COLUMNS = feature_columns(catalogue().values())
UNTIL = datetime(2027, 1, 2, tzinfo=UTC)
World = dict[str, list[Row]]


def read(world: World) -> Others:
    return Others.of(whole(world), COLUMNS, UNTIL)


def whole(world: World) -> Memory:
    """Tables and proofs are delivered from the first day on: that has tests of its own."""
    first = datetime(2000, 1, 1, tzinfo=UTC)
    given = source(world)
    return Memory(
        {name: given.rows(name).collect() for name in world if world[name]},
        covered=dict.fromkeys(world, first),
        proofs=DELIVERED,
    )


def assert_same_traces(one: Others, other: Others) -> None:
    for name in TRACES:
        ours, theirs = (getattr(o.traces, name).sort(pl.all()) for o in (one, other))
        assert ours.equals(theirs), name


@settings(max_examples=60)
@given(worlds(), st.data())
def test_a_renewal_is_as_reading_all_anew(world: World, data: st.DataObject) -> None:
    grown = data.draw(st.sets(st.sampled_from(sorted(world)), min_size=1, max_size=3), "grown")
    firms = data.draw(st.sets(st.sampled_from(FIRMS), min_size=1), "firms")
    before = {
        name: [row for row in rows if name not in grown or row["uscc"] not in firms]
        for name, rows in world.items()
    }
    assume(before != world)
    later, near = renewed(
        read(before), whole(world), sorted(firms), UNTIL, UNTIL, tables=sorted(grown)
    )
    event(f"neighbours: {bool(near)}")
    assert_same_traces(later, read(world))
    assert not {*near} & firms


def names(uscc: str, other: str) -> Row:
    return record(
        f"link-{uscc}-{other}", uscc, party_kind="organisation", party_key=other,
        role="shareholder", valid_from=date(2020, 1, 1), valid_to=None,
    )  # fmt: skip


def test_a_direct_tie_stays_when_either_end_has_news() -> None:
    holder, held, _ = FIRMS
    world: World = {"party_link": [names(holder, held)], "complaint": []}
    others = read(world)
    assert others.traces.edges.filter(pl.col("link") == "affiliate").height == 2
    for firm in (holder, held):
        told = {**world, "complaint": [record("c", firm, received_on=date(2024, 1, 1))]}
        later, near = renewed(others, whole(told), [firm], UNTIL, UNTIL)
        assert_same_traces(later, read(told))
        assert near == []
