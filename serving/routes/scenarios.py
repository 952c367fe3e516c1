"""Many enterprises at once, and what would be: other records, repairs, duties performed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from xinheng.domain import RiskClass, normal_uscc
from xinheng.records.inbox.sent import checked_about
from xinheng.serving.access.guard import Reader
from xinheng.serving.answers import RiskAnswer
from xinheng.serving.decided import LARGEST, Store
from xinheng.serving.firms import Firm, checked_uscc, successions
from xinheng.serving.freshness import freshness
from xinheng.serving.front.bodies import LargeBodies
from xinheng.serving.jobs.lines import NDJSON, lines
from xinheng.serving.moments import Moment
from xinheng.serving.routes.records import MOST as MOST_RECORDS
from xinheng.serving.routes.records import RecordRequest
from xinheng.serving.routes.risk import JSON, computed
from xinheng.serving.scoring import Computed

router = APIRouter(prefix="/v1", tags=["risk"], route_class=LargeBodies)
MOST = 1_000


class BatchRequest(BaseModel):
    """Enterprises by code; the answers come in this order."""

    usccs: list[Annotated[str, Field(max_length=40)]] = Field(
        min_length=1, max_length=MOST, examples=[["91440300192317458F"]]
    )


@router.post(
    "/risk:batch",
    response_class=Response,
    responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}},
                     "description": "A line each: the answer, or `uscc` with a problem's `title`, "
                                    "`status` and `detail`"}},
)  # fmt: skip
def read_many(request: Request, wanted: BatchRequest, caller: Reader, store: Store) -> Response:
    """The present answers of up to 1,000 enterprises, a JSON object a line.

    A former code is answered with the firm under its present code.
    """
    codes = [normal_uscc(code) for code in wanted.usccs]
    told = store.many([*{*codes}])
    if len(told) < len({*codes}):
        known, now = successions(request), request.app.state.clock()
        codes = [code if code in told else known.present(code, now) for code in codes]
        told |= store.many([*{*codes} - {*told}])
    caller.enterprises = len(told)
    answer = b"\n".join((*lines(codes, told, caller.client.sees, freshness(request)), b""))
    return Response(answer, media_type=NDJSON)


class WhatIfRequest(BaseModel):
    """An enterprise with records that nobody delivered; nothing is stored."""

    uscc: str = Field(max_length=40, examples=["91440300192317458F"])
    as_of: Moment = Field(None, description="Default: now")
    base: Literal["stored", "none"] = Field(
        "stored", description="Whether the records are added to its own, or are all it has"
    )
    records: list[RecordRequest] = Field(max_length=MOST_RECORDS)


@router.post("/risk:whatif", response_model=RiskAnswer)
def read_what_if(
    request: Request, wanted: WhatIfRequest, caller: Reader, scenes: Computed
) -> Response:
    """Class, score, duties and reasons as they would be with these records."""
    code = checked_uscc(request, wanted.uscc)
    sent = checked_about(code, [(one.table, one.values) for one in wanted.records])
    as_of = wanted.as_of or request.app.state.clock()
    told = scenes.supposing(code, sent, as_of, is_added=wanted.base == "stored")
    caller.asks_about(code, told.region_code)
    return Response(computed(told, freshness(request)), media_type=JSON)


class ReadyRequest(BaseModel):
    """Indicator values that are at hand, by column; what a row lacks is not known."""

    task: str = Field("risk_class", max_length=80, examples=["risk_class"])
    rows: list[dict[str, Annotated[float, Field(allow_inf_nan=False)] | None]] = Field(
        min_length=1, max_length=MOST, examples=[[{"penalty_count_365d": 2}]]
    )


class ReadyAnswer(BaseModel):
    """What the model says of one row; neither hard rules nor thin data are looked at."""

    model_version: str
    model_class: RiskClass = Field(description="By the score alone")
    score: float
    probability: float
    log_odds: float
    base_value: float
    reasons: list[dict[str, Any]] = Field(description="As of a risk, without records")


@router.post("/risk:ready", response_model=list[ReadyAnswer])
def score_ready(wanted: ReadyRequest, _: Reader, scenes: Computed) -> list[dict[str, Any]]:
    """Scores of indicator values that the asker has, by a live model; nothing is read or stored."""
    return [asdict(one) for one in scenes.ready(wanted.task, wanted.rows)]


class StandingAnswer(BaseModel):
    """Class and score, without reasons."""

    risk_class: RiskClass
    score: float
    probability: float
    hard_rules: list[str]


class WayAnswer(BaseModel):
    """One thing that may be done, and how the enterprise would stand then."""

    kind: Literal["repair", "perform"]
    subject: str = Field(description="Id of the record to repair, or of the duty to perform")
    what: str = Field(description="Table of the record, or kind of the duty")
    then: StandingAnswer
    earliest_on: date | None = Field(
        description="Of a repair: the first day on which it may be asked for; null: not known"
    )
    waits_for: list[str] = Field(description="Of a repair: duties to perform before")


class WaysAnswer(BaseModel):
    """Ways to a better standing, by the models live now; no promise of a repair's approval."""

    uscc: str
    now: StandingAnswer
    ways: list[WayAnswer] = Field(description="Each alone, the most helpful first")
    path: list[WayAnswer] = Field(description="The shortest way to B, each on top of those before")
    reaches_goal: bool = Field(description="Whether the path ends at B or better")


@router.get("/enterprises/{uscc}/repairs", response_model=WaysAnswer)
def read_repairs(uscc: Firm, caller: Reader, store: Store, scenes: Computed) -> dict[str, Any]:
    """What class and score would be with each record repaired and each open duty performed."""
    caller.asks_about(uscc, store.told(uscc).region_code)
    return {"uscc": uscc} | asdict(scenes.ways_back(uscc))


class DifferenceAnswer(BaseModel):
    """One part of an answer that came out otherwise."""

    part: str
    then: Any
    now: Any


class ReplayAnswer(BaseModel):
    """A kept assessment, computed once more from the same state of the lake and the same models."""

    uscc: str
    run_id: int
    as_of: datetime
    lake_batch: int
    model_versions: list[str]
    is_same: bool = Field(description="To the last digit")
    differences: list[DifferenceAnswer]


@router.get("/enterprises/{uscc}/risk/replay", response_model=ReplayAnswer)
def read_replay(
    uscc: Firm,
    caller: Reader,
    store: Store,
    scenes: Computed,
    run_id: Annotated[int, Query(ge=0, le=LARGEST, description="0: the newest")] = 0,
) -> dict[str, Any]:
    """Whether a kept score comes out the same when it is computed again."""
    caller.asks_about(uscc, store.told(uscc).region_code)
    found = scenes.replay(store, uscc, run_id)
    return asdict(found) | {"is_same": found.is_same}
