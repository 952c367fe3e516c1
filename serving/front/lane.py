"""The fast lane: answers that were written before leave without passing the framework.

The same functions answer the same routes of the framework, which describe them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

Now = Callable[[Request, str], Response]
"""Answers a request about a code."""


class Lane:
    """In front of the application: `GET {prefix}{code}{suffix}` without query parameters.

    Parameters
    ----------
    ways
        Route template with `{uscc}` to what answers it.
    within
        What goes around every answer of the lane, as around those of the application.
    is_local
        Whether the database is a file here, which answers faster than a thread is found.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        ways: Mapping[str, Now],
        within: Callable[[ASGIApp], ASGIApp],
        is_local: bool,
    ) -> None:
        self.app, self.is_local = app, is_local
        self.ways = [
            (re.compile(re.escape(way).replace(r"\{uscc\}", "([^/]+)") + r"\Z"), _Way(way, now))
            for way, now in ways.items()
        ]
        self.answered = within(self._answered)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and not scope["query_string"]:
            for pattern, way in self.ways:
                found = pattern.match(scope["path"])
                if found:
                    scope["route"], scope["code"] = way, found[1]
                    await self.answered(scope, receive, send)
                    return
        await self.app(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, way = Request(scope), scope["route"]
        if self.is_local:
            response = way.now(request, scope["code"])
        else:
            response = await run_in_threadpool(way.now, request, scope["code"])
        await response(scope, receive, send)


@dataclass(frozen=True, slots=True)
class _Way:
    path: str
    """What the log and the figures call the route."""
    now: Now
