"""One firm through its codes: the same numbers as if all had been filed under one code."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.grammar import Row
from tests.features.test_engine import asked
from tests.features.test_parity import same_bits
from tests.features.worlds import BEGIN, FIRMS, SPAN_DAYS, world_of
from xinheng.domain import bucket_of, surrogate_uscc
from xinheng.features.catalogue import catalogue, feature_columns
from xinheng.features.engine.compute import compute
from xinheng.features.memory import Memory
from xinheng.features.others.others import Others
from xinheng.features.population import population
from xinheng.features.source import Bucket
from xinheng.records.asked import BUCKET
from xinheng.records.codes.succession import Successions
from xinheng.records.frames import microsecond
from xinheng.records.lake import Lake, stored_schema
from xinheng.records.manifest import Batch
from xinheng.records.tables import tables
from xinheng.records.versions import CONTENT

SECOND, THIRD = surrogate_uscc("knowledge", "2"), surrogate_uscc("knowledge", "3")
CHAIN = (FIRMS[0], SECOND, THIRD)
"""Codes that one firm bears one after another; the other firms are its neighbours."""
Frames = dict[str, pl.DataFrame]


def moment(day: int) -> datetime:
    return datetime(BEGIN.year, BEGIN.month, BEGIN.day, 1, tzinfo=UTC) + timedelta(days=day)


def frames_of(rows: dict[str, list[Row]]) -> Frames:
    """Every table in the lake's form; what a row lacks is null."""
    found = {}
    for name in tables():
        schema = stored_schema(name)
        own = [{k: row[k] for k in row if k in schema} for row in rows[name]]
        filled = [dict.fromkeys(schema) | row for row in own]
        found[name] = pl.DataFrame(filled, schema=schema).with_columns(pl.col(CONTENT).fill_null(0))
    return found


def entries(changes: list[dict[str, Any]]) -> list[Row]:
    """The register's entries of the chain: each code ends and its successor names it."""
    rows: list[Row] = []
    common: dict[str, Any] = {
        "source_system": "register", "quality_status": "passed", "dispute_status": "none",
        "name_zh": "甲", "entity_type": "enterprise", "established_on": BEGIN,
        "event_at": moment(0), "industry_code": "H6210", "registered_region_code": "640302",
        "region_code": "640302", "address_text": "x", "address_key": "k1", "address_kind": "owned",
        "large_enterprise": False,
    }  # fmt: skip

    def enter(uscc: str, version: int, day: int, **more: Any) -> None:
        own = {"source_record_no": f"no-{uscc}", "record_id": f"entity-{uscc}-{version}"}
        rows.append(
            common | own | {"uscc": uscc, "version": version, "known_at": moment(day)}
            | {"operation": "correct", "status": "active", "former_uscc": None} | more
        )  # fmt: skip

    enter(CHAIN[0], 1, 0)
    for number, change in enumerate(changes):
        old, new = CHAIN[number : number + 2]
        enter(old, 2, change["ended"], status="moved_out", ended_on=moment(change["ended"]).date(),
              former_uscc=CHAIN[number - 1] if number else None)  # fmt: skip
        enter(new, 1, change["stated"], former_uscc=old)
        if change["taken_back"]:
            enter(new, 3, change["taken_back"])
    return rows


def without_chain(rows: list[Row], more: list[Row]) -> list[Row]:
    """Entries of the other firms, which name no former codes, and more."""
    return [*(r | {"former_uscc": None} for r in rows if r["uscc"] not in CHAIN), *more]


@st.composite
def stories(draw: st.DrawFn) -> tuple[Frames, list[datetime]]:
    """Random records of a firm with three codes and of its neighbours, and moments to ask about."""
    rng: Random = draw(st.randoms(use_true_random=False))
    world = world_of(rng, draw(st.sampled_from(sorted({*tables()} - {"entity"}))))
    changes, day = [], 50
    for _ in range(2):
        ended = day + draw(st.integers(0, 250))
        stated = ended + draw(st.sampled_from([0, 0, 3, 200]))
        back = draw(st.sampled_from([0, 0, 0, 150]))
        changes.append({"ended": ended, "stated": stated, "taken_back": back and stated + back})
        day = stated
    for name, rows in world.items():
        code = {(r["source_record_no"]): rng.choice(CHAIN) for r in rows}
        for row in rows:
            if row["uscc"] == CHAIN[0]:
                row["uscc"] = code[row["source_record_no"]]
            for column in ("party_key", "investor_uscc"):
                if row.get(column) == CHAIN[0]:
                    row[column] = rng.choice(CHAIN)
        if name == "entity":
            rows[:] = without_chain(rows, entries(changes))
    edges = [moment(c[k]) for c in changes for k in ("ended", "stated", "taken_back") if c[k]]
    near = [edge + timedelta(microseconds=n) for edge in edges for n in (-1, 0)]
    near += [moment(draw(st.integers(1, SPAN_DAYS + 200)))]
    return frames_of(world), draw(st.lists(st.sampled_from(near), min_size=2, max_size=2))


def filed_under_one_code(frames: Frames, codes: Successions, at: datetime) -> Memory:
    """A world in which everything known by then was filed under the codes of that moment."""
    moved: Frames = {}
    for name, rows in frames.items():
        present = {code: codes.present(code, at) for code in CHAIN}
        shown = rows
        if name == "entity":
            shown = shown.filter(pl.col("uscc").replace(present) == pl.col("uscc"))
            shown = shown.with_columns(former_uscc=pl.lit(None, pl.String()))
        if name == "party_link":
            shown = shown.with_columns(pl.col("party_key").replace(present))
        moved[name] = shown.with_columns(pl.col("uscc").replace(present))
    covered = {n: first for n, rows in frames.items() if (first := rows["known_at"].min())}
    return Memory(moved, covered=covered)  # type: ignore[arg-type]


def all_of(codes: Iterable[str], at: datetime) -> pl.DataFrame:
    return asked([(code, at) for code in codes])


EXAMPLES = int(os.environ.get("XINHENG_SUCCESSIONS", "12"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(stories())
def test_a_firm_reads_as_if_all_had_been_filed_under_its_present_code(
    story: tuple[Frames, list[datetime]],
) -> None:
    frames, moments = story
    world, codes = Memory(frames), Successions.of(frames["entity"])
    for at in moments:
        question = all_of({*FIRMS} | {codes.present(code, at) for code in CHAIN}, at)
        wanted = compute(catalogue().values(), question, filed_under_one_code(frames, codes, at))
        same_bits(compute(catalogue().values(), question, world), wanted)
        registered = population(world, at)["uscc"]
        assert {*registered} & {*CHAIN} <= {codes.present(code, at) for code in CHAIN}


def lake_of(root: Path, frames: Frames, buckets: int) -> Lake:
    lake = Lake.at(root, buckets=buckets)
    with lake.writing():
        versions = {}
        for name, rows in frames.items():
            if rows.height:
                number = [bucket_of(code, buckets) for code in rows["uscc"]]
                placed = rows.with_columns(pl.Series(BUCKET, number, dtype=pl.Int32))
                versions[name] = lake.append(name, placed)
        lake.publish([Batch("b1", "d1", "{}", moment(0))], versions, at=moment(0))
    return lake.newest()


def story_of(seed: int) -> Frames:
    """A firm whose code changes on days 200 and 400; the second change is known 100 days late."""
    rng = Random(seed)
    world = world_of(rng, "penalty")
    for name, rows in world.items():
        for row in rows:
            row["uscc"] = rng.choice((*CHAIN, FIRMS[1])) if row["uscc"] == FIRMS[0] else row["uscc"]
            if row.get("party_key") == FIRMS[0]:
                row["party_key"] = rng.choice(CHAIN)
        if name == "entity":
            changes = [
                {"ended": 200, "stated": 200, "taken_back": 0},
                {"ended": 400, "stated": 500, "taken_back": 0},
            ]
            rows[:] = without_chain(rows, entries(changes))
    return frames_of(world)


@pytest.mark.parametrize("seed", [1, 2])
def test_alone_together_and_by_bucket_are_the_same_bits(seed: int, tmp_path: Path) -> None:
    frames, columns = story_of(seed), feature_columns(catalogue().values())
    moments = [moment(day) for day in (100, 200, 399, 450, 500, 900)]
    pairs = [(code, at) for at in moments for code in sorted({*FIRMS, *CHAIN})]
    one, many = (lake_of(tmp_path / str(n), frames, n) for n in (1, 8))
    assert len({bucket_of(code, 8) for code in CHAIN}) > 1
    whole = compute(catalogue().values(), asked(pairs), one)
    same_bits(compute(catalogue().values(), asked(pairs), many), whole)
    others = Others.of(many, columns, moments[-1])
    for number in range(8):
        own = asked([pair for pair in pairs if bucket_of(pair[0], 8) == number])
        if own.height:
            part = whole.join(own, on=["uscc", "as_of"], how="semi", maintain_order="left")
            found = compute(catalogue().values(), own, Bucket(many, number), others=others)
            same_bits(found, part)
    for row in range(0, len(pairs), 5):
        memory = Memory.of(many, [pairs[row][0]])
        alone = compute(catalogue().values(), asked(pairs[row : row + 1]), memory, others=others)
        same_bits(alone, whole.slice(row, 1))


def test_only_the_present_code_is_on_the_register_wherever_it_is_looked_for(
    tmp_path: Path,
) -> None:
    frames = story_of(1)
    lake = lake_of(tmp_path / "lake", frames, 8)
    for day, code in ((100, CHAIN[0]), (300, SECOND), (450, SECOND), (500, THIRD)):
        at = moment(day)
        assert {*population(lake, at)["uscc"]} & {*CHAIN} <= {code}
        assert [*population(lake, at, [code])["uscc"]] == ([code] if day != 450 else [])
        parts = [population(Bucket(lake, n), at) for n in range(8)]
        assert sorted(pl.concat(parts)["uscc"]) == [*population(lake, at)["uscc"]]


def test_a_former_code_is_nobodys_neighbour_and_an_investor_is_one_firm() -> None:
    frames = story_of(3)
    rows = [
        link(FIRMS[1], CHAIN[0], "1"),
        link(FIRMS[1], SECOND, "2"),
        link(SECOND, CHAIN[0], "3"),
    ]
    frames["party_link"] = frames_of({name: [] for name in tables()} | {"party_link": rows})[
        "party_link"
    ]
    world = Memory(frames)
    names = feature_columns(catalogue().values())
    others = Others.of(world, names, moment(900))
    assert others.graph is not None

    def near(code: str, day: int) -> set[str]:
        place = others.places([code])
        found = others.graph.neighbours("affiliate", place, microsecond(moment(day)))  # type: ignore[union-attr]
        return {*others.firms.gather(found)} - {code}

    assert near(FIRMS[1], 150) == {CHAIN[0], SECOND}
    assert near(FIRMS[1], 300) == {SECOND}
    assert near(SECOND, 300) == {FIRMS[1]}
    assert near(FIRMS[1], 600) == {THIRD}
    assert near(THIRD, 600) == {FIRMS[1]}


def link(uscc: str, other: str, number: str) -> Row:
    return {
        "record_id": f"party_link-{number}", "uscc": uscc, "source_system": "s", "version": 1,
        "source_record_no": number, "event_at": moment(0), "known_at": moment(0),
        "operation": "insert", "quality_status": "passed", "dispute_status": "none",
        "party_kind": "organisation", "party_key": other, "role": "shareholder",
        "valid_from": BEGIN,
    }  # fmt: skip
