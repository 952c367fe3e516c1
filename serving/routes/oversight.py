"""Oversight: districts as a whole, which model was live when, and who asked what about whom."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from xinheng.decisions.kept.regions import FEWEST
from xinheng.domain import RiskClass, normal_uscc
from xinheng.errors import NotFound
from xinheng.models.promotions import Promotions
from xinheng.serving.access.guard import Admin, Modeller, Reader
from xinheng.serving.access.log import QueryLog
from xinheng.serving.decided import LARGEST, Store
from xinheng.serving.moments import Moment
from xinheng.serving.scoring import Computed

router = APIRouter(prefix="/v1", tags=["oversight"])
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


@router.get("/queries", response_model=QueriesAnswer)
def read_queries(
    log: Annotated[QueryLog, Depends(_log)],
    _: Admin,
    uscc: Annotated[str, Query(max_length=40)] = "",
    client_id: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    after: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> dict[str, Any]:
    """Queries by number, oldest first; about an enterprise, or of a client."""
    found = log.queries(uscc=normal_uscc(uscc), client_id=client_id, after=after, limit=limit + 1)
    page = [asdict(one) for one in found[:limit]]
    return {"queries": page, "next": page[-1]["number"] if len(found) > limit else None}


class RunAnswer(BaseModel):
    """One nightly run, and what it says of itself."""

    run_id: int
    as_of: datetime
    made_at: str
    model_version: str
    lake_batch: int
    assessed: int
    report: dict[str, Any] = Field(
        description="Classes, moves and their causes, rules, duties, sources, alerts, seconds"
    )


@router.get("/runs", response_model=list[RunAnswer])
def read_runs(
    store: Store, _: Modeller, limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> list[dict[str, Any]]:
    """Nightly runs, the newest first."""
    return [asdict(one) for one in store.runs(limit)]


class RegionAnswer(BaseModel):
    """One district; no count from which a single enterprise could be told."""

    region_code: str = Field(description="GB/T 2260 prefix")
    enterprises: int | None = Field(description=f"Empty: fewer than {FEWEST}")
    classes: dict[RiskClass, int | None] = Field(
        description=f"Empty: fewer than {FEWEST}, or kept back so that those cannot be reckoned"
    )


@router.get("/regions", response_model=list[RegionAnswer])
def read_regions(
    store: Store,
    caller: Reader,
    digits: Annotated[int, Query(ge=2, le=6, multiple_of=2, description="Of the code")] = 6,
) -> list[dict[str, Any]]:
    """Enterprises by class in each district of the client's."""
    found = store.by_region(max(digits, len(caller.client.region)), caller.client.region)
    return [asdict(one) for one in found]


class DecisionAnswer(BaseModel):
    """One decision about the versions of a task."""

    number: int
    task: str
    action: str = Field(description="promote, trial, rollback, retire or challenge")
    version: str
    former: str
    at: datetime
    by: str
    second: str = Field(description="The second name, where gates were overridden")
    reason: str
    failed_gates: list[str] = Field(description="Gates that the version did not hold then")


class ModelsAnswer(BaseModel):
    """Live versions by task, and every decision that led to them."""

    live: dict[str, str] = Field(description="By task the version")
    trial: dict[str, list[str]] = Field(
        description="By task whose live version is on trial, the gates that it does not hold"
    )
    decisions: list[DecisionAnswer]


@router.get("/models", response_model=ModelsAnswer)
def read_models(
    request: Request,
    _: Modeller,
    on: Annotated[Moment, Query(description="Live then; default: now")] = None,
) -> dict[str, Any]:
    """Which version of each task was live at a moment, who decided it and why."""
    ledger: Promotions = request.app.state.promotions
    history = ledger.history()
    tasks = dict.fromkeys(entry.task for entry in history)
    live = {task: version for task in tasks if (version := ledger.champion(task, on))}
    return {
        "live": live,
        "trial": {entry.task: entry.failed_gates for entry in ledger.trials(on)},
        "decisions": [
            {name: getattr(entry, name) for name in DecisionAnswer.model_fields}
            for entry in history
        ],
    }


@router.get(
    "/models/{version}/card",
    response_class=Response,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
)
def read_card(version: str, _: Modeller, scenes: Computed) -> Response:
    """The card of an evaluated version, Markdown."""
    found = [path for path in scenes.home.models.glob("*/*/card.md") if path.parent.name == version]
    if not found:
        raise NotFound(f"version {version} has no card", hint=f"`xinheng models card {version}`")
    return Response(found[0].read_text(encoding="utf-8"), media_type="text/markdown")
