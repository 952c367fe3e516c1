"""The class of an enterprise with its reasons: now, at any moment, and as it was told before."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from xinheng.decisions.assess import Assessment
from xinheng.decisions.kept.facts import Told
from xinheng.decisions.kept.rows import as_told
from xinheng.domain import RiskClass, Uscc
from xinheng.errors import NotFound
from xinheng.serving.access.guard import Reader, admitted
from xinheng.serving.answers import RiskAnswer
from xinheng.serving.decided import LARGEST, Decided, Store
from xinheng.serving.firms import Code, Firm, checked_uscc, former_codes, present_code, unscored
from xinheng.serving.freshness import Freshness, freshness
from xinheng.serving.jobs.lines import as_bytes
from xinheng.serving.moments import Moment
from xinheng.serving.routes.changes import ChangeAnswer
from xinheng.serving.scoring import scoring

JSON = "application/json"
MOST = 200


def risk_now(request: Request, uscc: str) -> Response:
    """The present answer; of the fast lane and of the route alike."""
    caller = admitted(request, "read")
    code = checked_uscc(request, uscc)
    decided: Decided = request.app.state.decided
    told, code = answered(request, code, decided.told)
    caller.asks_about(code, told.region_code)
    headers = {"Content-Location": f"/v1/enterprises/{code}/risk"}
    return Response(as_bytes(told, freshness(request)), media_type=JSON, headers=headers)


def answered(request: Request, code: Uscc, answer: Callable[[str], Told]) -> tuple[Told, Uscc]:
    """What is kept of a code, or of its firm where that bears another code now; and which code."""
    try:
        return answer(code), code
    except NotFound as fault:
        present = present_code(request, code)
        if present == code:
            raise unscored(request, code, fault) from None
        return answer(present), present


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
    caller.asks_about(told.uscc, told.region_code)
    return Response(computed(told, freshness(request)), media_type=JSON)


def computed(one: Assessment, fresh: Freshness) -> bytes:
    """An assessment that no run keeps, as an answer."""
    text = json.dumps(as_told(one), ensure_ascii=False, separators=(",", ":"))
    return as_bytes(Told(text.encode(), one.region_code), fresh)


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
    change: ChangeAnswer | None = Field(
        description="Of the class, with its cause, where this assessment changed it"
    )


class HistoryAnswer(BaseModel):
    """A page of assessments, the newest first; ask on with `before` until `next` is null."""

    uscc: str
    history: list[PastAnswer]
    next: int | None


@router.get("/{uscc}/risk/history", response_model=HistoryAnswer)
def read_history(
    request: Request,
    uscc: Firm,
    caller: Reader,
    store: Store,
    before: Annotated[int, Query(ge=0, le=LARGEST, description="Runs before this one")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> dict[str, Any]:
    """How the enterprise was assessed before, under whichever code, each with its run."""
    caller.asks_about(uscc, store.told(uscc).region_code)
    codes = [uscc, *(one.uscc for one in former_codes(request, uscc))]
    found = store.history(codes, before=before, limit=limit + 1)
    names = ("as_of", "model_version", "risk_class", "score", "probability", "low_confidence")
    page = [
        {
            "run_id": one.run_id,
            "kind": one.kind,
            "made_at": one.made_at,
            "lake_batch": one.lake_batch,
            "hard_rules": [rule["id"] for rule in one.answer.get("hard_rules", ())],
            "change": one.change and asdict(one.change),
            **{name: one.answer[name] for name in names},
        }
        for one in found[:limit]
    ]
    return {
        "uscc": uscc,
        "history": page,
        "next": page[-1]["run_id"] if len(found) > limit else None,
    }
