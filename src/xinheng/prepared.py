"""Statements that are asked thousands of times a second: their SQL is written once."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Column, Engine, Insert, LargeBinary, Select, cast
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql.compiler import SQLCompiler

from xinheng.database import DatabaseUnavailable

CACHE_KIB = 65_536
"""Of a SQLite file's pages that a prepared statement keeps at hand."""
T = TypeVar("T")


def as_written(column: Column[Any], engine: Engine) -> Any:
    """A text column as the bytes that lie in a SQLite file; of PostgreSQL as text."""
    return cast(column, LargeBinary) if engine.dialect.name == "sqlite" else column


def utf8(told: str | bytes) -> bytes:
    """What `as_written` gave, as bytes."""
    return told if isinstance(told, bytes) else told.encode()


class Prepared:
    """One statement; may be asked by several threads."""

    def __init__(self, statement: Select[Any] | Insert, engine: Engine) -> None:
        compiled = statement.compile(engine)
        assert isinstance(compiled, SQLCompiler)
        self._sql = compiled.string
        self._order = compiled.positiontup if compiled.positional else None
        self._faults: type[Exception] = engine.dialect.loaded_dbapi.OperationalError
        is_file = engine.dialect.name == "sqlite"
        self._way: _Kept | _Pooled = _Kept(engine) if is_file else _Pooled(engine)
        weakref.finalize(self, self._way.close)

    def first(self, **values: Any) -> Sequence[Any] | None:
        """The first row that a query finds, by place.

        Raises
        ------
        DatabaseUnavailable
            If the database does not answer.
        """
        given = self._given(values)

        def found(cursor: Any) -> Sequence[Any] | None:
            cursor.execute(self._sql, given)
            row: Sequence[Any] | None = cursor.fetchone()
            return row

        return self._run(found)

    def insert(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows, all or none.

        Raises
        ------
        DatabaseUnavailable
            If the database does not answer.
        """
        given = [self._given(row) for row in rows]
        self._run(lambda cursor: cursor.executemany(self._sql, given))

    def close(self) -> None:
        """Let go of the file; a later question opens it again."""
        self._way.close()

    def _given(self, values: Mapping[str, Any]) -> Any:
        return values if self._order is None else tuple([values[name] for name in self._order])

    def _run(self, work: Callable[[Any], T]) -> T:
        try:
            return self._way.run(work)
        except (OperationalError, self._faults) as fault:
            reason = str(fault).splitlines()[0]
            raise DatabaseUnavailable(
                f"the operational database does not answer: {reason}", hint="try again"
            ) from None


class _Kept:
    """A connection to a SQLite file that stays open: the pool takes as long as a query."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._lock = engine, threading.Lock()
        self._connection: Any = None

    def run(self, work: Callable[[Any], T]) -> T:
        with self._lock:
            if self._connection is None:
                self._connection = self._opened()
            try:
                cursor = self._connection.cursor()
                told = work(cursor)
                cursor.close()  # else the file is still being read
                if self._connection.in_transaction:
                    self._connection.commit()
            except Exception:
                self._dropped()
                raise
            return told

    def close(self) -> None:
        with self._lock:
            self._dropped()

    def _opened(self) -> Any:
        pooled = self._engine.raw_connection()
        own = pooled.dbapi_connection
        pooled.detach()
        assert own is not None
        own.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        return own

    def _dropped(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Pooled:
    """A connection of the pool each time, which knows when the server was started anew."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, work: Callable[[Any], T]) -> T:
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            told = work(cursor)
            cursor.close()
            connection.commit()
        finally:
            connection.close()
        return told

    def close(self) -> None:
        """The pool is the engine's."""
