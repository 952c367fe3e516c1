"""The decision store on SQLite and on PostgreSQL: the same promises on both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.conftest import AS_OF, AT, TownRun
from xinheng.config import ClassSettings
from xinheng.database import DatabaseUnavailable
from xinheng.decisions.age import Age
from xinheng.decisions.assess import Assessment, assess
from xinheng.decisions.kept.store import DecisionStore
from xinheng.decisions.lists import draw
from xinheng.errors import NotFound, NotReady


@pytest.fixture(scope="module")
def assessed(town: TownRun) -> list[Assessment]:
    return assess(town.outcome.model, town.prepared.lake, AS_OF, ClassSettings())


@pytest.fixture
def store(url: str) -> Iterator[DecisionStore]:
    opened = DecisionStore.at(url)
    yield opened
    opened.close()


def test_a_run_is_kept_whole_and_the_newest_is_current(
    store: DecisionStore, assessed: list[Assessment]
) -> None:
    store.keep_run(assessed[:3], lake_batch=1, at=AT)
    store.keep_run(assessed, lake_batch=2, at=AT + timedelta(days=1))
    run = store.current_run()
    assert (run.assessed, run.lake_batch, run.as_of) == (len(assessed), 2, AS_OF)
    assert sum(store.class_counts().values()) == len(assessed)


def test_an_answer_is_told_as_it_was_made(store: DecisionStore, assessed: list[Assessment]) -> None:
    store.keep_run(assessed, lake_batch=1, at=AT)
    one = assessed[7]
    told = store.answer(one.uscc)
    assert told["score"] == one.score
    assert told["log_odds"] == one.log_odds
    assert told["reasons"][0]["record_ids"] == one.reasons[0]["record_ids"]


def test_the_riskiest_come_back_in_order(store: DecisionStore, assessed: list[Assessment]) -> None:
    store.keep_run(assessed, lake_batch=1, at=AT)
    assert [a.uscc for a in store.riskiest(5)] == [a.uscc for a in assessed[:5]]


def test_the_list_drawn_last_is_current(store: DecisionStore, assessed: list[Assessment]) -> None:
    store.keep_run(assessed, lake_batch=1, at=AT)
    store.keep_list(draw(assessed, top=2, officer="", age=Age(AS_OF, AT, 2)))
    second = draw(assessed, top=4, officer="王某", age=Age(AS_OF, AT + timedelta(hours=1), 2))
    store.keep_list(second)
    assert store.current_list() == second


def test_an_empty_store_names_the_next_step(store: DecisionStore) -> None:
    with pytest.raises(NotReady, match="xinheng scores run"):
        store.current_run()
    with pytest.raises(NotFound, match="xinheng lists draw"):
        store.current_list()


def test_an_unknown_enterprise_is_not_found(
    store: DecisionStore, assessed: list[Assessment]
) -> None:
    store.keep_run(assessed[:3], lake_batch=1, at=AT)
    with pytest.raises(NotFound, match="has no score"):
        store.answer("91440300192317458F")


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        pytest.param("nonsense", "cannot be used", id="no URL"),
        pytest.param("postgresql+psycopg://u:secret@127.0.0.1:1/x", "no database at", id="nobody"),
        pytest.param("oracle9://x", "cannot be used", id="no driver"),
    ],
)
def test_a_database_that_cannot_be_opened_is_one_line_without_secrets(bad: str, told: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=told) as fault:
        DecisionStore.at(bad)
    assert "\n" not in str(fault.value)
    assert "secret" not in str(fault.value)
