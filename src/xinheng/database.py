"""The operational database: SQLite with a write-ahead log by default, PostgreSQL by URL."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, MetaData, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError

from xinheng.errors import XinhengError

METADATA = MetaData()
"""Each floor declares its own tables here; `migrations/` makes them."""
LOCK = 5_830_172
"""Of PostgreSQL, held while a database is migrated."""
BUSY_MS = 10_000
"""How long a SQLite connection waits for another's write."""
MOST_PAGES = 32_000
"""Of what was quickly written (128 MiB): then the writer itself brings it into the file."""


class DatabaseUnavailable(XinhengError):
    """The operational database cannot be opened."""

    status = 503


def open_database(url: str) -> Engine:
    """Connect, and bring the tables to the shape that this version needs.

    Raises
    ------
    DatabaseUnavailable
        If the URL is none, its driver is not installed, nothing answers there, or a later
        version of Xinheng has changed the tables.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            if parsed.database in {None, "", ":memory:"}:
                raise DatabaseUnavailable(f"{url} would keep nothing", hint="name a file")
            Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
        if parsed.get_backend_name() == "sqlite":
            event.listen(engine, "connect", _write_ahead)
        if shape_of(engine) != newest_shape():
            engine.dispose()
            migrate(parsed)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as fault:
        hint = "e.g. postgresql+psycopg://host/name with `pip install xinheng[postgresql]`"
        raise DatabaseUnavailable(f"database_url cannot be used: {fault}", hint=hint) from None
    except OperationalError as fault:
        reason = str(fault.orig).splitlines()[0]
        raise DatabaseUnavailable(
            f"no database at {parsed.render_as_string(hide_password=True)}: {reason}",
            hint="is the server running?",
        ) from None
    return engine


def quick_to_write(engine: Engine) -> Engine:
    """Another engine in place of this one, for many small writes.

    With SQLite a commit then outlives the death of the process at once, and a power cut after
    `bring_to_disk`; PostgreSQL commits as before.
    """
    if engine.dialect.name != "sqlite":
        return engine
    engine.dispose()
    quick = create_engine(engine.url)
    event.listen(quick, "connect", _write_ahead)
    event.listen(quick, "connect", _without_waiting)
    return quick


def bring_to_disk(engine: Engine, *, times: int = 1) -> None:
    """Bring what was quickly written into SQLite's file; those who write meanwhile do not wait."""
    with engine.connect() as connection:
        for _ in range(times):
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


def shape_of(engine: Engine) -> str | None:
    """The migration that the database is at; None before the first."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return None if found is None else str(found)


@cache
def newest_shape() -> str:
    """The migration that this version of Xinheng needs."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  (most commands migrate nothing)

    newest = ScriptDirectory(str(files("xinheng.migrations"))).get_current_head()
    assert newest is not None
    return newest


def migrate(url: URL, to: str = "head") -> None:
    """All steps that are missing, or none; of two processes at once the second finds it done."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(files("xinheng.migrations")))
    engine = create_engine(url)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _in_one_piece)
        event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            if url.get_backend_name() == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            config.attributes["connection"] = connection
            command.upgrade(config, to)
    except CommandError as fault:
        raise DatabaseUnavailable(
            f"the database is of another version of Xinheng: {fault}",
            hint="use the version that last wrote to it, or a later one",
        ) from None
    finally:
        engine.dispose()


def as_text(moment: datetime | None) -> str:
    """ISO 8601 in UTC, so that text sorts as time; empty: none."""
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


def as_moment(told: str) -> datetime | None:
    return datetime.fromisoformat(told) if told else None


def growing(name: str, dialect: str) -> tuple[str, ...]:
    """Statements that make a database itself refuse to change or remove a row of a table."""
    refused = f"{name} only grows: add a new entry"
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER IF NOT EXISTS {name}_no_{change.lower()} BEFORE {change} "
            f"ON {name} BEGIN SELECT RAISE(ABORT, '{refused}'); END"
            for change in ("UPDATE", "DELETE")
        )
    return (
        (
            f"CREATE OR REPLACE FUNCTION {name}_grows() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{refused}'; END $$"
        ),
        (
            f"CREATE OR REPLACE TRIGGER {name}_grows BEFORE UPDATE OR DELETE ON {name} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}_grows()"
        ),
    )


def _write_ahead(connection: Any, _: Any) -> None:
    """The mode is the file's own: it is set once, by whoever comes first."""
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as fault:
        if "locked" not in str(fault):  # another is making the file: the next connection sets it
            raise


def _without_waiting(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint={MOST_PAGES}")


def _in_one_piece(connection: Any, _: Any) -> None:
    """The driver must not end a transaction by itself before it changes a table."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
