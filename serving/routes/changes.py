"""The feed of class changes, each with its cause."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from xinheng.decisions.causes.shares import Cause
from xinheng.domain import RiskClass, normal_uscc
from xinheng.serving.access.guard import Reader
from xinheng.serving.access.visible import visible
from xinheng.serving.decided import LARGEST, Store

router = APIRouter(prefix="/v1/changes", tags=["changes"])
MOST = 1_000


class ShareAnswer(BaseModel):
    """What one cause did to score and class; docs/classes.md says what each cause is."""

    cause: Cause
    points: float = Field(
        description="Of the score, 0 to 1000; all shares add up to the change of the score",
        examples=[69.8],
    )
    lift: float = Field(
        description="Beyond the score: points by which hard rules, thin data or the two runs that "
        "a worsening takes moved the class as told",
        examples=[0.0],
    )
    present: RiskClass = Field(description="The class after this step")
    rules_begun: list[str] = Field(description="Hard rules that hold from this step on")
    rules_ended: list[str] = Field(description="Hard rules that hold no longer")
    record_ids: list[str] = Field(
        description="What became known, the newest first, 50 at most",
        examples=[["complaint/scjgj/12315-2026-0001/v1"]],
    )


class ChangeAnswer(BaseModel):
    """One enterprise whose class is another than at the assessment before, and why."""

    change_id: int
    run_id: int
    uscc: str
    as_of: datetime
    former: RiskClass
    present: RiskClass
    cause: Cause = Field(
        description="The largest share in the direction of the change: another model; other hard "
        "rules or cuts; time alone; what became known of those around; own new records; what ends "
        "or repairs a record"
    )
    rules: list[str] = Field(description="Hard rules that hold now")
    former_as_of: datetime | None = Field(
        description="The moment of the assessment before; empty: not kept then"
    )
    former_score: float | None
    score: float | None
    shares: list[ShareAnswer] = Field(
        description="Steps from the former position to the present one, in their order"
    )


class ChangesAnswer(BaseModel):
    """A page of changes by number; ask on with `after` until `next` is null."""

    changes: list[ChangeAnswer]
    next: int | None


@router.get("", response_model=ChangesAnswer)
def read_changes(
    store: Store,
    caller: Reader,
    uscc: Annotated[str, Query(max_length=40)] = "",
    after: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> dict[str, Any]:
    """Class changes by number, oldest first; a reader keeps the last number it has seen."""
    found = store.changes(after=after, uscc=normal_uscc(uscc), limit=limit + 1)
    shown = visible(caller, store, found[:limit], lambda one: one.uscc)
    return {
        "changes": [asdict(one) for one in shown],
        "next": found[limit - 1].change_id if len(found) > limit else None,
    }
