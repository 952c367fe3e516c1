"""Classes that do not flap, and what is kept of how enterprises stood."""

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
from tests.decisions.handmade import changed_class
from xinheng.config import ClassSettings
from xinheng.database import as_text
from xinheng.decisions.assess import Assessment, assess
from xinheng.decisions.changes import Standing, settled
from xinheng.decisions.classes import with_classes
from xinheng.decisions.kept.store import DecisionStore
from xinheng.models.score import LETTERS

__all__ = ["url"]
CLASSES = ClassSettings()
FIRM = "91440300192317458F"


def standing(model_class: str, settled_class: str, **more: Any) -> Standing:
    told = {
        "risk_class": settled_class, "model_version": "m-1", "rules": (), "score": 400.0,
        "as_of": AS_OF, "lake_batch": 1, "ruling": "",
    } | more  # fmt: skip
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


def test_a_run_is_held_against_the_one_before_it(assessed: list[Assessment], url: str) -> None:
    store = DecisionStore.at(url)
    assert store.standings(AS_OF) == {}
    store.keep_run(assessed, lake_batch=1, at=AT, ruling="these")
    assert store.standings(AS_OF) == {}
    held = store.standings(AS_OF + timedelta(days=1))
    assert {uscc: one.risk_class for uscc, one in held.items()} == {
        one.uscc: one.risk_class for one in assessed
    }
    assert {held[one.uscc].score for one in assessed[:5]} == {one.score for one in assessed[:5]}
    assert {(one.as_of, one.lake_batch, one.ruling) for one in held.values()} == {
        (AS_OF, 1, "these")
    }
    changed = changed_class(assessed[0].uscc)
    later = [replace(one, as_of=AS_OF + timedelta(days=1)) for one in assessed]
    store.keep_run(later, lake_batch=1, at=AT, changes=[changed])
    (kept,) = store.changes()
    assert (kept.uscc, kept.former, kept.present) == (assessed[0].uscc, "A", "D")
    assert kept.shares == changed.shares
    assert (kept.former_score, kept.score) == (changed.former_score, changed.score)
    assert kept.former_as_of == as_text(changed.former_as_of)
    assert store.changes(after=kept.change_id) == []
    store.close()
