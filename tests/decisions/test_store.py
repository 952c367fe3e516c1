"""The decision store on SQLite and on PostgreSQL: the same promises on both."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tests.conftest import AS_OF, AT, TownRun
from xinheng.config import ClassSettings
from xinheng.database import DatabaseUnavailable
from xinheng.decisions.assess import Assessment, assess
from xinheng.decisions.lists import draw
from xinheng.decisions.store import DecisionStore
from xinheng.errors import NotFound, NotReady

SERVER = os.environ.get(
    "XINHENG_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1/postgres"
)
NO_SKIP = os.environ.get("XINHENG_NO_SKIP") == "1"


@pytest.fixture(scope="module")
def assessed(town: TownRun) -> list[Assessment]:
    return assess(town.outcome.model, town.prepared.lake, AS_OF, ClassSettings())


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database of its own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'operations.db'}"
        return
    name = f"xinheng_test_{uuid4().hex[:12]}"
    admin = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError as fault:
        admin.dispose()
        if NO_SKIP:
            raise
        pytest.skip(f"no PostgreSQL at {SERVER}: {str(fault.orig).splitlines()[0]}")
    yield SERVER.rsplit("/", 1)[0] + f"/{name}"
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


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
    store.keep_list(draw(assessed, top=2, officer="", at=AT))
    second = draw(assessed, top=4, officer="王某", at=AT + timedelta(hours=1))
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
