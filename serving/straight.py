"""Routes whose answer was written before: no reading of arguments, no building of answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

Now = Callable[[Request], Response]


def straight(now: Now) -> type[APIRoute]:
    """A kind of route that answers at once where the request has no query parameters.

    With parameters it is a usual route; both are described by its function.
    """

    class Straight(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            usual = super().get_route_handler()

            async def handle(request: Request) -> Response:
                if request.scope["query_string"]:
                    return await usual(request)
                if request.app.state.is_local:
                    return now(request)
                return await run_in_threadpool(now, request)

            return handle

    return Straight
