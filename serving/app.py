"""The application: routes, pages, one error shape, strict headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from xinheng import __version__
from xinheng.errors import Unready
from xinheng.serving.console import pages
from xinheng.serving.decided import Decided
from xinheng.serving.desk import Desk
from xinheng.serving.doctor import Check
from xinheng.serving.inbox import Inbox
from xinheng.serving.problems import ANSWERS, tell_problems
from xinheng.serving.routes import alerts, changes, checks, enterprises, indicators, lists, tickets

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def create_app(
    decided: Decided,
    *,
    desk: Desk | None = None,
    inbox: Inbox | None = None,
    missing: Callable[[], Sequence[Check]] | None = None,
    language: str = "zh",
) -> FastAPI:
    """Build the application over a store; importing this module reads nothing."""
    app = FastAPI(
        title="Xinheng 信衡",
        version=__version__,
        responses=ANSWERS,
        docs_url=None,  # its page needs scripts from another host
        redoc_url=None,
    )
    app.state.decided = decided
    app.state.desk = desk
    app.state.inbox = inbox
    app.state.language = language
    app.include_router(enterprises.router)
    app.include_router(checks.router)
    app.include_router(lists.router)
    app.include_router(alerts.router)
    app.include_router(changes.router)
    app.include_router(tickets.router)
    app.include_router(indicators.router)
    app.include_router(pages.router)
    app.state.missing = missing
    app.add_api_route("/healthz", _alive, include_in_schema=False)
    app.add_api_route("/readyz", _ready, include_in_schema=False)
    static = Path(str(files("xinheng.serving.console") / "static"))
    app.mount("/static", StaticFiles(directory=static), name="static")
    app.middleware("http")(_with_headers)
    tell_problems(app, HEADERS)
    return app


def _alive() -> dict[str, str]:
    return {"status": "ok"}


def _ready(request: Request) -> dict[str, str]:
    """Whether questions can be answered now.

    Raises
    ------
    Unready
        With what is missing.
    """
    look: Callable[[], Sequence[Check]] | None = request.app.state.missing
    gone = look() if look else ()
    if gone:
        told = "; ".join(f"{one.name}: {one.told}" for one in gone)
        raise Unready(told, hint=gone[0].remedy)
    return {"status": "ready"}


async def _with_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    response.headers.update(HEADERS)
    return response
