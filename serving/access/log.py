"""The log of queries: written before the answer leaves, many rows in one piece."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select

from xinheng.database import open_database, quick_to_write
from xinheng.serving.access.clients import ClientStore
from xinheng.serving.access.tables import QUERY


@dataclass(frozen=True, slots=True)
class Query:
    """One query, as logged."""

    number: int
    at: str
    request_id: str
    client_id: int
    client: str
    method: str
    route: str
    uscc: str
    enterprises: int
    purpose: str
    legal_basis: str
    status: int


class QueryLog:
    """Only grows; whoever waits at the same time shares one write.

    A log in a file of its own is written by the event loop itself: nobody else writes to it, so
    a write takes less time than a thread would take to begin.
    """

    def __init__(self, engine: Engine, clients: ClientStore | None = None) -> None:
        self.engine = engine
        self.clients = clients or ClientStore(engine)
        self._is_local = engine.dialect.name == "sqlite"
        self._waiting: list[tuple[Mapping[str, Any], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def note(self, row: Mapping[str, Any]) -> None:
        """Return once the row is kept.

        Raises
        ------
        SQLAlchemyError
            If it cannot be kept; then the answer must not leave.
        """
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((row, kept))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await kept

    async def _write(self) -> None:
        while self._waiting:
            part, self._waiting = self._waiting, []
            rows = [row for row, _ in part]
            try:
                if self._is_local:
                    self._keep(rows)
                else:
                    await asyncio.to_thread(self._keep, rows)
            except Exception as fault:  # noqa: BLE001  (told to each of those who wait)
                for _, kept in part:
                    if not kept.done():
                        kept.set_exception(fault)
            else:
                for _, kept in part:
                    if not kept.done():
                        kept.set_result(None)

    @classmethod
    def beside(cls, engine: Engine) -> QueryLog:
        """The log of a deployment: in PostgreSQL, or in a file beside SQLite's own.

        So a long write to the database, such as a night's run, keeps no answer waiting.
        """
        if engine.dialect.name != "sqlite":
            return cls(engine)
        path = Path(str(engine.url.database))
        own = open_database(f"sqlite:///{path.with_name(f'{path.stem}-queries.db')}")
        return cls(quick_to_write(own), ClientStore(engine))

    def _keep(self, rows: list[Mapping[str, Any]]) -> None:
        with self.engine.begin() as connection:
            connection.execute(insert(QUERY), rows)

    def queries(
        self, *, uscc: str = "", client_id: int = 0, after: int = 0, limit: int = 100
    ) -> list[Query]:
        """Queries by number, those after a number; about an enterprise, or of a client."""
        wanted = select(QUERY).where(QUERY.c.number > after)
        if uscc:
            wanted = wanted.where(QUERY.c.uscc == uscc)
        if client_id:
            wanted = wanted.where(QUERY.c.client_id == client_id)
        with self.engine.connect() as connection:
            rows = connection.execute(wanted.order_by(QUERY.c.number).limit(limit)).mappings()
            names = {one.client_id: one.name for one in self.clients.clients()}
            return [Query(**row, client=names.get(row["client_id"], "")) for row in rows]
