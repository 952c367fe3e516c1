"""The log of queries: who asked what about whom, why, and by which law."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from xinheng.domain import normal_uscc
from xinheng.serving.access.guard import Admin
from xinheng.serving.access.log import QueryLog

router = APIRouter(prefix="/v1/queries", tags=["queries"])
MOST = 1_000


def _log(request: Request) -> QueryLog:
    log: QueryLog = request.app.state.log
    return log


class QueryAnswer(BaseModel):
    """One query, as logged before its answer left."""

    number: int
    at: str
    request_id: str
    client_id: int = Field(description="0: nobody who is known")
    client: str
    method: str
    route: str
    uscc: str = Field(description="Empty: none, or many")
    enterprises: int
    purpose: str
    legal_basis: str
    status: int


class QueriesAnswer(BaseModel):
    """A page of queries by number; ask on with `after` until `next` is null."""

    queries: list[QueryAnswer]
    next: int | None


@router.get("", response_model=QueriesAnswer)
def read_queries(
    log: Annotated[QueryLog, Depends(_log)],
    _: Admin,
    uscc: Annotated[str, Query(max_length=40)] = "",
    client_id: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> dict[str, Any]:
    """Queries by number, oldest first; about an enterprise, or of a client."""
    found = log.queries(uscc=normal_uscc(uscc), client_id=client_id, after=after, limit=limit + 1)
    page = [asdict(one) for one in found[:limit]]
    return {"queries": page, "next": page[-1]["number"] if len(found) > limit else None}
