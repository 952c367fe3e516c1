"""The operational database: SQLite with a write-ahead log by default, PostgreSQL by URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError

from xinheng.errors import XinhengError

METADATA = MetaData()
"""Each floor declares its own tables here."""


class DatabaseUnavailable(XinhengError):
    """The operational database cannot be opened."""

    status = 503


def open_database(url: str) -> Engine:
    """Connect and make the declared tables that are not there yet.

    Raises
    ------
    DatabaseUnavailable
        If the URL is none, its driver is not installed, or nothing answers there.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed)
        if parsed.get_backend_name() == "sqlite":
            event.listen(engine, "connect", _write_ahead)
        METADATA.create_all(engine)
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


def only_grows(table: Table) -> None:
    """Make the database itself refuse to change or remove a row of a table, from its making on."""
    name = table.name
    refused = f"{name} only grows: add a new entry"
    statements = {
        "sqlite": tuple(
            f"CREATE TRIGGER {name}_no_{change.lower()} BEFORE {change} "
            f"ON {name} BEGIN SELECT RAISE(ABORT, '{refused}'); END"
            for change in ("UPDATE", "DELETE")
        ),
        "postgresql": (
            (
                f"CREATE OR REPLACE FUNCTION {name}_grows() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{refused}'; END $$"
            ),
            (
                f"CREATE TRIGGER {name}_grows BEFORE UPDATE OR DELETE ON {name} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {name}_grows()"
            ),
        ),
    }

    def made(_: Table, connection: Connection, **__: Any) -> None:
        for statement in statements[connection.dialect.name]:
            connection.exec_driver_sql(statement)

    event.listen(table, "after_create", made)


def _write_ahead(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()
