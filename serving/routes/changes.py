"""The feed of class changes, each with its cause."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from xinheng.domain import RiskClass, normal_uscc
from xinheng.serving.access.guard import Reader
from xinheng.serving.access.visible import visible
from xinheng.serving.decided import LARGEST, Store

router = APIRouter(prefix="/v1/changes", tags=["changes"])
MOST = 1_000


class ChangeAnswer(BaseModel):
    """One enterprise whose class is another than at the run before."""

    change_id: int
    run_id: int
    uscc: str
    as_of: datetime
    former: RiskClass
    present: RiskClass
    cause: Literal["rules", "model", "facts", "time"] = Field(
        description="A hard rule began or ended; another model; records arrived; none of these"
    )
    rules: list[str] = Field(description="Hard rules that hold now")


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
