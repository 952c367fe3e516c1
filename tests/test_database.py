"""The tables of the operational database are what the code declares, from any earlier state."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

import xinheng.decisions.alerts.tables
import xinheng.decisions.kept.tables
import xinheng.features.store.online
import xinheng.models.promotions
import xinheng.records.inbox.tables
import xinheng.records.tickets.store
import xinheng.serving.access.tables
import xinheng.serving.delivery.tables
import xinheng.serving.jobs.tables  # noqa: F401  (each declares its tables)
from tests.databases import url
from xinheng.database import (
    METADATA,
    DatabaseUnavailable,
    as_moment,
    as_text,
    migrate,
    newest_shape,
    open_database,
    shape_of,
)
from xinheng.decisions.kept.store import DecisionStore

__all__ = ["url"]
FIRST = "0001"


def test_the_migrations_make_what_the_code_declares(url: str) -> None:
    engine = open_database(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    assert shape_of(engine) == newest_shape()
    engine.dispose()


def test_a_database_from_before_migrations_goes_on(url: str) -> None:
    _as_before(url)
    engine = open_database(url)
    store = DecisionStore(engine)
    assert store.answer("91440300192317458F")["risk_class"] == "D"
    assert b'"risk_review"' in store.approval("91440300192317458F").body
    assert store.class_counts()["D"] == 1
    assert shape_of(engine) == newest_shape()
    engine.dispose()


def test_a_database_of_a_later_version_is_left_alone(url: str) -> None:
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(DatabaseUnavailable, match="another version of Xinheng"):
        open_database(url)


def test_processes_that_start_together_migrate_once(url: str) -> None:
    faults: list[Exception] = []

    def start() -> None:
        try:
            open_database(url).dispose()
        except Exception as fault:  # noqa: BLE001  (told below)
            faults.append(fault)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    engine = open_database(url)
    assert shape_of(engine) == newest_shape()
    engine.dispose()


def test_moments_as_text_sort_as_time_and_come_back() -> None:
    early, late = "2025-01-01T07:59:59+08:00", "2025-01-01T00:00:00+00:00"
    one, other = as_moment(early), as_moment(late)
    assert one is not None
    assert other is not None
    assert as_text(one) < as_text(other)
    assert as_moment(as_text(one)) == one
    assert (as_text(None), as_moment("")) == ("", None)


def _as_before(url: str) -> None:
    """Some of the tables of the first migration with one run, without a word about migrations."""
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True)
    migrate(make_url(url), FIRST)
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in ("alembic_version", "model_promotion", "alert_holding"):
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(
            text(
                "INSERT INTO assessment_run (as_of, model_version, lake_batch, made_at, assessed) "
                "VALUES ('2025-12-31T16:00:00+00:00', 'v1', 3, '2026-01-01T00:00:00+00:00', 1)"
            )
        )
        answer = (
            '{"risk_class": "D", "model_class": "C", "hard_rules": [{"id": "H1"}], '
            '"as_of": "2025-12-31T16:00:00+00:00", "model_version": "v1", "log_odds": 0.5}'
        )
        run = connection.execute(text("SELECT max(run_id) FROM assessment_run")).scalar()
        connection.execute(
            text(
                "INSERT INTO assessment (run_id, uscc, place, risk_class, score, name_zh, answer) "
                "VALUES (:run, '91440300192317458F', 1, 'D', 900, '某公司', :answer)"
            ),
            {"run": run, "answer": answer},
        )
    engine.dispose()


def test_an_unreachable_database_is_told_with_its_address() -> None:
    with pytest.raises(DatabaseUnavailable, match="no database at postgresql"):
        open_database("postgresql+psycopg://nobody@127.0.0.1:1/none")
