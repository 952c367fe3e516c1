"""The application: routes, pages, one error shape, strict headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from xinheng import __version__
from xinheng.errors import XinhengError
from xinheng.serving.console import pages
from xinheng.serving.decided import Decided
from xinheng.serving.desk import Desk
from xinheng.serving.routes import enterprises, indicators, lists, tickets
from xinheng.serving.routes.answers import ErrorAnswer

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

log = structlog.get_logger()


def create_app(decided: Decided, *, desk: Desk | None = None, language: str = "zh") -> FastAPI:
    """Build the application over a store; importing this module reads nothing."""
    codes: dict[int | str, dict[str, object]] = {
        code: {"model": ErrorAnswer} for code in (404, 409, 422)
    }
    app = FastAPI(
        title="Xinheng 信衡",
        version=__version__,
        responses=codes,
        docs_url=None,  # its page needs scripts from another host
        redoc_url=None,
    )
    app.state.decided = decided
    app.state.desk = desk
    app.state.language = language
    app.include_router(enterprises.router)
    app.include_router(lists.router)
    app.include_router(tickets.router)
    app.include_router(indicators.router)
    app.include_router(pages.router)
    app.add_api_route("/healthz", _alive, include_in_schema=False)
    static = Path(str(files("xinheng.serving.console") / "static"))
    app.mount("/static", StaticFiles(directory=static), name="static")
    app.middleware("http")(_with_headers)
    app.add_exception_handler(XinhengError, _told)
    app.add_exception_handler(RequestValidationError, _told)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(Exception, _told)
    return app


def _alive() -> dict[str, str]:
    return {"status": "ok"}


async def _with_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    response.headers.update(HEADERS)
    return response


async def _told(request: Request, fault: Exception) -> Response:
    """Every error in one shape; as a page where a browser asks for one."""
    status, name, message, hint = _words(fault)
    if status >= 500:
        log.error("request failed", path=request.url.path, error=name, exc_info=fault)
    if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1"):
        response: Response = pages.error_page(request, status, message, hint)
    else:
        told = {"error": name, "message": message, "hint": hint}
        response = JSONResponse(told, status_code=status)
    response.headers.update(HEADERS)
    return response


def _words(fault: Exception) -> tuple[int, str, str, str]:
    if isinstance(fault, XinhengError):
        return fault.status, type(fault).__name__, fault.message, fault.hint
    if isinstance(fault, RequestValidationError):
        first = fault.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return 422, "BadRequest", f"{place}: {first['msg']}", "see /openapi.json"
    if isinstance(fault, HTTPException):
        name = "NotFound" if fault.status_code == 404 else "BadRequest"
        return fault.status_code, name, str(fault.detail), "see /openapi.json"
    return 500, "InternalError", "the server failed to answer", "it has been logged; try again"
