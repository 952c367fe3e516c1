"""Around every request: its id, its size, its time, the log of queries, strict headers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xinheng.database import as_text
from xinheng.serving import metrics
from xinheng.serving.access.guard import Caller
from xinheng.serving.access.log import QueryLog
from xinheng.serving.front.headers import header

REQUEST_ID = "x-request-id"
_SANE = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_OWN, _NUMBERS = token_hex(8), count(1)
"""Of this process's own ids: what no other begins with, and what goes on."""
LARGEST = 32 * 1024**2
"""Bytes of a request; more is a delivery (`xinheng records ingest`) or a job."""
API = "/v1"
UNMATCHED = "(no route)"


class Reception:
    """Pure ASGI, so that it costs a request next to nothing."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        log: QueryLog,
        clock: Callable[[], datetime],
        headers: dict[str, str],
        told: Callable[[Request, Exception], Response],
        ages: Callable[[], list[tuple[bytes, bytes]]],
    ) -> None:
        self.app, self.log, self.clock, self.told, self.ages = app, log, clock, told, ages
        self.headers = [(n.lower().encode(), v.encode()) for n, v in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _id_of(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        await _Visit(self, scope, receive, send).answered()

    async def noted(self, scope: Scope, status: int, began: float) -> None:
        """Count the answer; one of the API is logged before it leaves."""
        route = getattr(scope.get("route"), "path", "")
        if not route and scope["path"].startswith(API):
            route = UNMATCHED
        metrics.observed(scope["method"], route or UNMATCHED, status, perf_counter() - began)
        if scope["path"].startswith(API):
            await self.log.note(self._row(scope, route, status))

    def _row(self, scope: Scope, route: str, status: int) -> dict[str, Any]:
        caller: Caller | None = scope["state"].get("caller")
        return {
            "at": as_text(self.clock()),
            "request_id": scope["state"]["request_id"],
            "client_id": caller.client.client_id if caller else 0,
            "method": scope["method"][:8],
            "route": route,
            "uscc": caller.uscc if caller else "",
            "enterprises": caller.enterprises if caller else 0,
            "purpose": caller.purpose if caller else "",
            "legal_basis": caller.legal_basis if caller else "",
            "status": status,
        }


class _Visit:
    """One request, and how far its answer has come."""

    __slots__ = ("at", "began", "is_begun", "receive", "scope", "send", "unlogged")

    def __init__(self, at: Reception, scope: Scope, receive: Receive, send: Send) -> None:
        self.at, self.scope, self.receive, self.send = at, scope, receive, send
        self.began, self.is_begun = perf_counter(), False
        self.unlogged: Exception | None = None

    async def answered(self) -> None:
        """Let the application answer; of its fault, or the log's, is told instead."""
        try:
            await self.at.app(self.scope, _bounded(self.scope, self.receive), self.answer)
        except Exception as fault:  # noqa: BLE001  (told)
            try:
                await self.refuse(fault)
            except Exception as again:  # noqa: BLE001
                await self.refuse(again)

    async def answer(self, message: Message) -> None:
        """Pass on what the answer consists of, once it is logged."""
        if message["type"] == "http.response.start":
            if self.unlogged is None:  # what tells that the log fails is not logged
                try:
                    await self.at.noted(self.scope, message["status"], self.began)
                except Exception as fault:
                    self.unlogged = fault
                    raise
            self.is_begun = True
            there = {name for name, _ in message["headers"]}
            own = [one for one in self.at.headers if one[0] not in there]
            told = self.scope["state"]["request_id"].encode()
            message["headers"] += [*own, *self.ages(message), (REQUEST_ID.encode(), told)]
        await self.send(message)

    def ages(self, message: Message) -> list[tuple[bytes, bytes]]:
        """How old the scores are that an answer tells of; a refusal tells of none."""
        is_api = self.scope["path"].startswith(API)
        return self.at.ages() if is_api and message["status"] < 400 else []

    async def refuse(self, fault: Exception) -> None:
        """Tell of a fault in place of the answer, as long as none of that has left."""
        if self.is_begun:
            raise fault
        response = self.at.told(Request(self.scope), self.unlogged or fault)
        await response(self.scope, self.receive, self.answer)


def _id_of(scope: Scope) -> str:
    """That of the caller where it is a plain one, so that both logs can be laid side by side."""
    given = header(scope, REQUEST_ID)
    return given if _SANE.match(given) else f"{_OWN}{next(_NUMBERS):016x}"


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """The body, as long as it is not larger than a request may be."""
    declared = header(scope, "content-length")
    taken = int(declared) if declared.isdigit() else 0
    if taken > LARGEST:
        return _too_large
    got = 0

    async def counted() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > LARGEST:
            return await _too_large()
        return message

    return counted


async def _too_large() -> Message:
    raise HTTPException(413, f"a request has at most {LARGEST // 1024**2} MiB")
