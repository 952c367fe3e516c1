"""The class of an enterprise with its reasons: now, at any moment, and as it was told before."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from xinheng.decisions.assess import Assessment
from xinheng.decisions.kept.facts import Told
from xinheng.decisions.kept.rows import as_told
from xinheng.domain import RiskClass
from xinheng.serving.access.guard import Reader, admitted
from xinheng.serving.answers import RiskAnswer
from xinheng.serving.decided import LARGEST, Code, Decided, Store, checked_uscc
from xinheng.serving.jobs.lines import as_bytes
from xinheng.serving.moments import Moment
from xinheng.serving.scoring import scoring

JSON = "application/json"
MOST = 200


def risk_now(request: Request, uscc: str) -> Response:
    """The present answer; of the fast lane and of the route alike."""
    caller = admitted(request, "read")
    code = checked_uscc(uscc)
    decided: Decided = request.app.state.decided
    told = decided.told(code)
    caller.asks_about(code, told.region_code)
    return Response(as_bytes(told), media_type=JSON)


router = APIRouter(prefix="/v1/enterprises", tags=["risk"])


@router.get("/{uscc}/risk", response_model=RiskAnswer)
def read_risk(
    request: Request,
    uscc: Code,
    as_of: Annotated[
        Moment,
        Query(description="What was known then, by the models live now; default: as it stands",
              examples=["2025-12-31T16:00:00+08:00"]),
    ] = None,
) -> Response:  # fmt: skip
    """Class, score, probability, duties and reasons of one enterprise: as they stand, or then."""
    if as_of is None:
        return risk_now(request, uscc)
    caller = admitted(request, "read")
    told = scoring(request).then(uscc, as_of)
    caller.asks_about(uscc, told.region_code)
    return Response(computed(told), media_type=JSON)


def computed(one: Assessment) -> bytes:
    """An assessment that no run keeps, as an answer."""
    text = json.dumps(as_told(one), ensure_ascii=False, separators=(",", ":"))
    return as_bytes(Told(text.encode(), one.region_code))


class PastAnswer(BaseModel):
    """One assessment of the past."""

    run_id: int
    kind: str = Field(description="all: a run of everyone; live: because of new records")
    as_of: str = Field(description="What was known by then counted")
    made_at: str
    lake_batch: int = Field(description="The state of the lake that it was made from")
    model_version: str
    risk_class: RiskClass
    score: float
    probability: float
    low_confidence: bool
    hard_rules: list[str] = Field(description="Rules that held")


class HistoryAnswer(BaseModel):
    """A page of assessments, the newest first; ask on with `before` until `next` is null."""

    uscc: str
    history: list[PastAnswer]
    next: int | None


@router.get("/{uscc}/risk/history", response_model=HistoryAnswer)
def read_history(
    uscc: Code,
    caller: Reader,
    store: Store,
    before: Annotated[int, Query(ge=0, le=LARGEST, description="Runs before this one")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> dict[str, Any]:
    """How the enterprise was assessed before, each with the run that said so."""
    caller.asks_about(uscc, store.told(uscc).region_code)
    found = store.history(uscc, before=before, limit=limit + 1)
    names = ("as_of", "model_version", "risk_class", "score", "probability", "low_confidence")
    page = [
        {
            "run_id": one.run_id,
            "kind": one.kind,
            "made_at": one.made_at,
            "lake_batch": one.lake_batch,
            "hard_rules": [rule["id"] for rule in one.answer.get("hard_rules", ())],
            **{name: one.answer[name] for name in names},
        }
        for one in found[:limit]
    ]
    return {
        "uscc": uscc,
        "history": page,
        "next": page[-1]["run_id"] if len(found) > limit else None,
    }
