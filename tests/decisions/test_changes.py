"""Classes that do not flap, and changes with their cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import AS_OF, AT, TownRun
from tests.databases import url
from xinheng.config import ClassSettings
from xinheng.decisions.assess import Assessment, assess
from xinheng.decisions.changes import Standing, class_changes, settled, touched
from xinheng.decisions.classes import with_classes
from xinheng.decisions.kept.store import DecisionStore
from xinheng.domain import ZONE
from xinheng.models.score import LETTERS

__all__ = ["url"]
CLASSES = ClassSettings()
FIRM = "91440300192317458F"


def standing(model_class: str, settled_class: str, **more: Any) -> Standing:
    told = {"risk_class": settled_class, "model_version": "m-1", "rules": ()} | more
    return Standing(model_class=model_class, settled_class=settled_class, **told)


@pytest.mark.parametrize(
    ("score", "by_score", "before", "told"),
    [
        pytest.param(510.0, "C", None, "C", id="never scored before"),
        pytest.param(510.0, "C", standing("B", "B"), "B", id="just beyond the cut: waits"),
        pytest.param(510.0, "C", standing("C", "B"), "C", id="the second run in a row"),
        pytest.param(520.0, "C", standing("B", "B"), "C", id="20 points beyond the cut"),
        pytest.param(519.9, "C", standing("B", "B"), "B", id="a little less"),
        pytest.param(510.0, "C", standing("A", "A"), "B", id="as far as the margin holds"),
        pytest.param(180.0, "A", standing("C", "C"), "A", id="an improvement counts at once"),
        pytest.param(760.0, "D", standing("C", "B"), "C", id="as far as the run before said"),
    ],
)
def test_a_worsening_by_the_score_alone_is_damped(
    score: float, by_score: str, before: Standing | None, told: str
) -> None:
    assert settled(by_score, score, before, CLASSES) == told


@given(st.floats(0, 1000), st.sampled_from(LETTERS), st.sampled_from(LETTERS))
def test_after_two_runs_the_class_is_that_of_the_score(
    score: float, model_class: str, settled_class: str
) -> None:
    row = pl.DataFrame(
        {
            "uscc": [FIRM], "score": [score], "as_of": [datetime(2025, 6, 30, tzinfo=UTC)],
            "established_on": [date(2010, 1, 1)], "known_share": [1.0],
        }
    )  # fmt: skip
    before = standing(model_class, settled_class)
    first = with_classes(row, CLASSES, {FIRM: before}).row(0, named=True)
    plain = with_classes(row, CLASSES).row(0, named=True)
    assert first["model_class"] == plain["risk_class"]
    assert first["settled_class"] <= max(plain["risk_class"], settled_class)
    again = standing(first["model_class"], first["settled_class"])
    second = with_classes(row, CLASSES, {FIRM: again}).row(0, named=True)
    assert second["risk_class"] == plain["risk_class"]


@pytest.fixture(scope="module")
def assessed(town: TownRun) -> list[Assessment]:
    return assess(town.outcome.model, town.prepared.lake, AS_OF, ClassSettings())


def test_a_change_tells_its_cause(assessed: list[Assessment]) -> None:
    one = replace(assessed[0], risk_class="D", hard_rules=({"id": "H1"},))
    version = one.model_version
    causes = [
        (standing("B", "B", model_version=version), frozenset(), "rules"),
        (standing("B", "B", rules=("H1",)), frozenset(), "model"),
        (standing("B", "B", model_version=version, rules=("H1",)), {one.uscc}, "facts"),
        (standing("B", "B", model_version=version, rules=("H1",)), frozenset(), "time"),
    ]
    for before, known, cause in causes:
        (change,) = class_changes([one], {one.uscc: before}, known)
        assert (change.former, change.present, change.cause) == ("B", "D", cause)
    same = standing("D", "D", model_version=version)
    assert class_changes([one], {one.uscc: same}, frozenset()) == []
    assert class_changes([one], {}, frozenset()) == []


def test_who_was_touched_is_who_has_a_newly_known_record(town: TownRun) -> None:
    lake = town.prepared.lake
    long_ago = AS_OF - timedelta(days=10_000)
    everyone = {*lake.rows("inspection").collect()["uscc"].to_list()}
    assert everyone <= touched(lake, long_ago, lake.known_until())
    assert touched(lake, AS_OF, AS_OF) == frozenset()
    here = lake.known_until().astimezone(ZONE)
    assert touched(lake, long_ago, here) == touched(lake, long_ago, lake.known_until())


def test_a_run_is_held_against_the_one_before_it(assessed: list[Assessment], url: str) -> None:
    store = DecisionStore.at(url)
    assert store.standings(AS_OF) == {}
    store.keep_run(assessed, lake_batch=1, at=AT)
    assert store.standings(AS_OF) == {}
    held = store.standings(AS_OF + timedelta(days=1))
    assert {uscc: one.risk_class for uscc, one in held.items()} == {
        one.uscc: one.risk_class for one in assessed
    }
    change = class_changes(
        [replace(assessed[0], risk_class="D")],
        {assessed[0].uscc: standing("A", "A")},
        frozenset(),
    )
    later = [replace(one, as_of=AS_OF + timedelta(days=1)) for one in assessed]
    store.keep_run(later, lake_batch=1, at=AT, changes=change)
    (kept,) = store.changes()
    assert (kept.uscc, kept.former, kept.present) == (assessed[0].uscc, "A", "D")
    assert store.changes(after=kept.change_id) == []
    store.close()
