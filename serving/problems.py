"""Every error as a problem document (RFC 9457); as a page where a browser asks for one."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from xinheng.errors import NotKnown, TooMany, XinhengError
from xinheng.moments import FORM
from xinheng.records.privacy.texts import conceal
from xinheng.serving.console import pages
from xinheng.serving.freshness import DESCRIBED
from xinheng.serving.moments import UNREAD

MEDIA = "application/problem+json"
KIND = "urn:xinheng:error:"
"""Before the name of the class of an error."""
HTTP_NAMES = {404: "NotFound", 405: "MethodNotAllowed", 413: "TooLarge"}
log = structlog.get_logger()


class Problem(BaseModel):
    """A problem document: what is wrong, and what to do next."""

    type: str = Field(description="URN with the class of the error", examples=[f"{KIND}NotFound"])
    title: str = Field(description="The class of the error", examples=["NotFound"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["no enterprise is scored under this code"])
    instance: str = Field(description="What was asked for", examples=["/v1/enterprises/X/risk"])
    hint: str = Field(description="What to do next; may be empty")


ANSWERS: dict[int | str, dict[str, Any]] = {
    code: {"description": words, "model": Problem}
    for code, words in {
        400: "The request cannot be read",
        401: "The request has no key, or one that opens nothing",
        403: "The key lacks the scope, or the enterprise is of another district",
        404: "Nothing is stored under that name",
        409: "A step that has to come first, or a condition, is missing",
        413: "The request is too large",
        422: "A value in the request cannot be",
        429: "The client asks more often than was agreed; see the header Retry-After",
        503: "Something that this server needs does not answer",
    }.items()
}
"""What any route may answer instead."""


def tell_problems(app: FastAPI, headers: dict[str, str]) -> None:
    """Answer every fault of the application as a problem."""

    async def told(request: Request, fault: Exception) -> Response:
        response = answer_fault(request, fault)
        response.headers.update(headers)
        return response

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            plain = get_openapi(title=app.title, version=app.version, routes=app.routes)
            app.openapi_schema = _with_media(plain)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
    for kind in (XinhengError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, told)


def _with_media(described: dict[str, Any]) -> dict[str, Any]:
    """The description, with problems under their own media type, and the headers of all answers."""
    for path in described["paths"].values():
        for operation in path.values():
            for code in map(str, ANSWERS):
                content = operation["responses"][code]["content"]
                _, content[MEDIA] = content.popitem()
            for code, answer in operation["responses"].items():
                if code.startswith("2"):
                    answer["headers"] = {**answer.get("headers", {}), **DESCRIBED}
    return described


def problem_of(request: Request, fault: Exception) -> Problem:
    """What is told of a fault, without personal data; of an unforeseen one only that it was."""
    status, name, detail, hint = _words(fault)
    return Problem(
        type=f"{KIND}{name}", title=name, status=status, detail=conceal(detail),
        instance=conceal(request.url.path), hint=conceal(hint),
    )  # fmt: skip


def answer_fault(request: Request, fault: Exception) -> Response:
    """The problem as an answer; what is the server's fault is logged with all that is known."""
    told = problem_of(request, fault)
    if told.status >= 500:
        log.error("request failed", path=told.instance, error=told.title, exc_info=fault)
    is_page = "text/html" in request.headers.get("accept", "")
    if is_page and not request.url.path.startswith("/v1"):
        return pages.error_page(request, told.status, told.detail, told.hint)
    return JSONResponse(
        told.model_dump(), status_code=told.status, media_type=MEDIA, headers=_headers(fault)
    )


def _headers(fault: Exception) -> dict[str, str]:
    if isinstance(fault, TooMany):
        return {"Retry-After": str(fault.retry_after)}
    if isinstance(fault, NotKnown):
        return {"WWW-Authenticate": "Bearer"}
    return dict(getattr(fault, "headers", None) or {})


def _words(fault: Exception) -> tuple[int, str, str, str]:
    if isinstance(fault, XinhengError):
        return fault.status, type(fault).__name__, fault.message, fault.hint
    if isinstance(fault, RequestValidationError):
        first = fault.errors()[0]
        if first["type"] == "json_invalid":
            return 422, "BadRequest", f"the body is not JSON: {first['ctx']['error']}", ""
        place = ".".join(str(part) for part in first["loc"])
        hint = f"write {FORM}" if first["type"] == UNREAD else "see /openapi.json"
        return 422, "BadRequest", f"{place}: {first['msg']}", hint
    if isinstance(fault, HTTPException):
        name = HTTP_NAMES.get(fault.status_code, "BadRequest")
        return fault.status_code, name, str(fault.detail), "see /openapi.json"
    if isinstance(fault, OperationalError):
        told = "the operational database does not answer"
        return 503, "DatabaseUnavailable", told, "try again; `xinheng doctor` says more"
    return 500, "InternalError", "the server failed to answer", "it has been logged; try again"
