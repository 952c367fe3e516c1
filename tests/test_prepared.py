"""Statements that are asked thousands of times a second, on both databases."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, create_engine, func, insert, select, text

from tests.databases import url
from xinheng.database import DatabaseUnavailable, bring_to_disk, open_database, quick_to_write
from xinheng.prepared import Prepared, as_written, utf8
from xinheng.serving.access import log as query_log
from xinheng.serving.access.log import QueryLog
from xinheng.serving.access.tables import QUERY

__all__ = ["url"]
NAMES = [column.name for column in QUERY.c if column.name != "number"]
ROW: dict[str, Any] = {
    "at": "2026-01-01T00:00:00.000000+00:00", "request_id": "a", "client_id": 1, "method": "GET",
    "route": "/v1/checks/{uscc}", "uscc": "91440300192317458F", "enterprises": 1,
    "purpose": "行政审批核查", "legal_basis": "条例", "status": 200,
}  # fmt: skip
ADDED = insert(QUERY).values({name: bindparam(name) for name in NAMES})


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    opened = open_database(url)
    yield opened
    opened.dispose()


def how_many(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(QUERY)).scalar_one())


def test_what_is_inserted_is_found_as_it_was_written(engine: Engine) -> None:
    added = Prepared(ADDED, engine)
    added.insert([ROW, ROW | {"request_id": "b", "purpose": "许可"}])
    wanted = select(as_written(QUERY.c.purpose, engine), QUERY.c.status).where(
        QUERY.c.request_id == bindparam("id")
    )
    asked = Prepared(wanted, engine)
    found = asked.first(id="b")
    assert found is not None
    assert (utf8(found[0]), found[1]) == ("许可".encode(), 200)
    assert asked.first(id="c") is None
    added.close()
    asked.close()
    assert asked.first(id="a") is not None


def test_what_another_writes_is_seen_at_once(engine: Engine) -> None:
    asked = Prepared(select(func.max(QUERY.c.number)), engine)
    for number in range(1, 4):
        with engine.begin() as connection:
            connection.execute(insert(QUERY), [ROW])
        assert tuple(asked.first() or ()) == (number,)


def test_rows_are_added_all_or_none_and_the_next_are_added(engine: Engine) -> None:
    added = Prepared(ADDED, engine)
    with pytest.raises(Exception, match=r"(?i)not.null"):
        added.insert([ROW, ROW | {"status": None}])
    assert how_many(engine) == 0
    added.insert([ROW])
    assert how_many(engine) == 1


def test_threads_share_a_statement(engine: Engine) -> None:
    added = Prepared(ADDED, engine)

    def many() -> None:
        for _ in range(20):
            added.insert([ROW] * 3)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert how_many(engine) == 4 * 20 * 3


def test_a_database_that_does_not_answer_is_told(tmp_path: Path) -> None:
    empty = create_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(DatabaseUnavailable, match="does not answer: no such table"):
        Prepared(select(QUERY.c.number), empty).first()
    with empty.begin() as connection:
        QUERY.create(connection)
    Prepared(ADDED, empty).insert([ROW])
    assert how_many(empty) == 1
    empty.dispose()


def after_a_power_cut(database: Path) -> int:
    """How many queries the file itself holds, without its journal."""
    alone = shutil.copy(database, database.with_name("alone.db"))
    engine = create_engine(f"sqlite:///{alone}")
    try:
        return how_many(engine)
    finally:
        engine.dispose()


def test_what_is_quickly_written_is_brought_to_disk(tmp_path: Path) -> None:
    path = tmp_path / "quick.db"
    engine = quick_to_write(open_database(f"sqlite:///{path}"))
    added = Prepared(ADDED, engine)
    added.insert([ROW])
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 1
    bring_to_disk(engine)
    assert after_a_power_cut(path) == 1
    added.insert([ROW] * 5)
    bring_to_disk(engine, times=3)
    assert after_a_power_cut(path) == 6
    added.close()
    engine.dispose()


def test_the_log_of_queries_brings_itself_to_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_log, "SETTLED", 0.01)
    engine = open_database(f"sqlite:///{tmp_path / 'operations.db'}")
    log = QueryLog.beside(engine)

    async def noted() -> None:
        await asyncio.gather(*(log.note(ROW) for _ in range(8)))
        assert log.settler is not None
        await log.settler

    asyncio.run(noted())
    assert after_a_power_cut(tmp_path / "operations-queries.db") == 8
    assert [one.uscc for one in log.queries(uscc=ROW["uscc"])] == [ROW["uscc"]] * 8
    log.engine.dispose()
    engine.dispose()
