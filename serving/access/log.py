"""The log of queries: written before the answer leaves, many rows in one piece."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, insert, select

from xinheng.serving.access.tables import CLIENT, QUERY


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
    """Only grows; whoever waits at the same time shares one write."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
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
            try:
                await asyncio.to_thread(self._keep, [row for row, _ in part])
            except Exception as fault:  # noqa: BLE001  (told to each of those who wait)
                for _, kept in part:
                    if not kept.done():
                        kept.set_exception(fault)
            else:
                for _, kept in part:
                    if not kept.done():
                        kept.set_result(None)

    def _keep(self, rows: list[Mapping[str, Any]]) -> None:
        with self.engine.begin() as connection:
            connection.execute(insert(QUERY), rows)

    def queries(
        self, *, uscc: str = "", client_id: int = 0, after: int = 0, limit: int = 100
    ) -> list[Query]:
        """Queries by number, those after a number; about an enterprise, or of a client."""
        wanted = select(QUERY, CLIENT.c.name.label("client")).outerjoin(
            CLIENT, CLIENT.c.client_id == QUERY.c.client_id
        )
        wanted = wanted.where(QUERY.c.number > after)
        if uscc:
            wanted = wanted.where(QUERY.c.uscc == uscc)
        if client_id:
            wanted = wanted.where(QUERY.c.client_id == client_id)
        with self.engine.connect() as connection:
            rows = connection.execute(wanted.order_by(QUERY.c.number).limit(limit)).mappings()
            return [Query(**{**row, "client": row["client"] or ""}) for row in rows]
