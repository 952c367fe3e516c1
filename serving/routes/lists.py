"""Inspection lists: drawn, read, taken away as files, and what the visits found."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from xinheng.decisions.age import Age
from xinheng.decisions.lists import InspectionList, draw, rendered
from xinheng.errors import NotAllowed
from xinheng.serving.access.guard import Caller, Lister
from xinheng.serving.access.visible import visible
from xinheng.serving.answers import ListAnswer
from xinheng.serving.decided import Store
from xinheng.serving.desk import Records
from xinheng.serving.freshness import Fresh

router = APIRouter(prefix="/v1/lists", tags=["lists"])
MOST = 5_000
MEDIA = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Number = Annotated[str, Path(pattern=r"^L\d{8}-\d{6}$", examples=["L20260105-020000"])]


class DrawRequest(BaseModel):
    """How many names, and who answers for them."""

    top: int = Field(50, ge=1, le=MOST)
    officer: str = Field(
        "", max_length=120, description="Without a name the list is a draft: nobody may act on it"
    )
    stale: bool = Field(
        False,
        description="The officer says that stale scores may be used; recorded with the name. "
        "Else a list of stale scores is a draft",
    )


class ListLine(BaseModel):
    """One list that was drawn."""

    list_id: str
    drawn_at: datetime
    officer: str
    names: int


@router.get("", response_model=list[ListLine])
def read_lists(
    store: Store, _: Lister, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> list[dict[str, Any]]:
    """The lists that were drawn, the newest first."""
    return [
        {"list_id": one.list_id, "drawn_at": one.drawn_at, "officer": one.officer,
         "names": len(one.rows)}
        for one in store.lists(limit)
    ]  # fmt: skip


@router.post("", response_model=ListAnswer, status_code=201)
def draw_list(
    wanted: DrawRequest, request: Request, store: Store, caller: Lister, fresh: Fresh
) -> dict[str, Any]:
    """Draw the riskiest enterprises as they stand now; the list is current from then on."""
    if caller.client.region:
        raise NotAllowed("lists are drawn for the whole city", hint="a district reads its names")
    riskiest = store.riskiest(wanted.top)
    age = Age(store.current_run().as_of, request.app.state.clock(), fresh.stale_days)
    drawn = draw(riskiest, top=wanted.top, officer=wanted.officer, age=age, stale=wanted.stale)
    store.keep_list(drawn)
    caller.enterprises = len(drawn.rows)
    return drawn.as_json()


@router.get("/current", response_model=ListAnswer)
def read_current_list(store: Store, caller: Lister) -> dict[str, Any]:
    """The list drawn last, the riskiest first; of a district its own names alone."""
    return _own(store.current_list(), store, caller).as_json()


@router.get("/{list_id}", response_model=ListAnswer)
def read_list(list_id: Number, store: Store, caller: Lister) -> dict[str, Any]:
    """A list that was drawn, as it was drawn."""
    return _own(store.kept_list(list_id), store, caller).as_json()


@router.get(
    "/{list_id}/file",
    response_class=Response,
    responses={200: {"content": {m: {"schema": {"type": "string"}} for m in MEDIA.values()}}},
)
def read_file(
    list_id: Number, store: Store, caller: Lister, form: Literal["csv", "xlsx"] = "csv"
) -> Response:
    """A list as a file for a spreadsheet."""
    content = rendered(_own(store.kept_list(list_id), store, caller), form)
    name = f'attachment; filename="{list_id}.{form}"'
    return Response(content, media_type=MEDIA[form], headers={"Content-Disposition": name})


class ResultAnswer(BaseModel):
    """One name and what the visit found."""

    rank: int
    uscc: str
    name_zh: str
    visits: list[dict[str, str]] = Field(
        description="Inspections whose `plan_no` is the list's: day, result, record"
    )


class ResultsAnswer(BaseModel):
    """How far a list has been worked through."""

    list_id: str
    names: int
    visited: int
    results: list[ResultAnswer]


@router.get("/{list_id}/results", response_model=ResultsAnswer)
def read_results(list_id: Number, store: Store, records: Records, caller: Lister) -> dict[str, Any]:
    """What the visits of a list found: inspection records that name it in `plan_no`.

    Results come back as records, by `POST /v1/records` or in a delivery, through the same gate.
    """
    drawn = _own(store.kept_list(list_id), store, caller)
    visits = records.visits(list_id, [row.uscc for row in drawn.rows])
    results = [
        {"rank": row.rank, "uscc": row.uscc, "name_zh": row.name_zh,
         "visits": visits.get(row.uscc, [])}
        for row in drawn.rows
    ]  # fmt: skip
    visited = sum(bool(one["visits"]) for one in results)
    return {
        "list_id": list_id, "names": len(drawn.rows), "visited": visited, "results": results,
    }  # fmt: skip


def _own(drawn: InspectionList, store: Store, caller: Caller) -> InspectionList:
    """Of a district its own names alone."""
    return replace(drawn, rows=tuple(visible(caller, store, drawn.rows, lambda row: row.uscc)))
