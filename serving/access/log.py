"""The log of queries: written before the answer leaves, many rows in one piece."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine, bindparam, insert, select
from sqlalchemy.exc import SQLAlchemyError

from xinheng.database import bring_to_disk, open_database, quick_to_write
from xinheng.prepared import Prepared
from xinheng.serving.access.clients import ClientStore
from xinheng.serving.access.tables import QUERY

log = structlog.get_logger()
SETTLED = 1.0
"""Seconds after which what was written is brought to disk."""


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
    a write takes less time than a thread would take to begin. A thread brings it to disk about
    once a second; that much a power cut may cost, the death of the process nothing.
    """

    def __init__(self, engine: Engine, clients: ClientStore | None = None) -> None:
        self.engine = engine
        self.clients = clients or ClientStore(engine)
        self._is_local = engine.dialect.name == "sqlite"
        names = [column.name for column in QUERY.c if column.name != "number"]
        self._added = Prepared(insert(QUERY).values({n: bindparam(n) for n in names}), engine)
        self._waiting: list[tuple[Mapping[str, Any], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self.settler: asyncio.Task[None] | None = None

    async def note(self, row: Mapping[str, Any]) -> None:
        """Return once the row is kept.

        Raises
        ------
        DatabaseUnavailable
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
                    self._added.insert(rows)
                else:
                    await asyncio.to_thread(self._added.insert, rows)
            except Exception as fault:  # noqa: BLE001  (told to each of those who wait)
                for _, kept in part:
                    if not kept.done():
                        kept.set_exception(fault)
            else:
                for _, kept in part:
                    if not kept.done():
                        kept.set_result(None)
        if self._is_local and (self.settler is None or self.settler.done()):
            self.settler = asyncio.create_task(self._settle())

    async def _settle(self) -> None:
        await asyncio.sleep(SETTLED)
        try:
            # what is written meanwhile is ever less; with the last bit the journal begins anew
            await asyncio.to_thread(bring_to_disk, self.engine, times=3)
            bring_to_disk(self.engine)
        except SQLAlchemyError as fault:
            log.warning("the log of queries was not brought to disk", error=str(fault))

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
