"""Alerts: what is open, one with its steps, and the steps that people take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from xinheng.decisions.alerts.alert import NEXT, OPEN_STEPS, Alert, Step, Taken
from xinheng.decisions.alerts.points import Level
from xinheng.domain import normal_uscc
from xinheng.serving.access.guard import Caller, Lister, Reader
from xinheng.serving.access.visible import visible
from xinheng.serving.decided import LARGEST, Number, Store
from xinheng.serving.inbox import Alerts

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])
MOST = 500


class StepAnswer(BaseModel):
    """One step of an alert."""

    step: Step
    at: datetime
    by: str
    measure: str
    result: str
    note: str


class AlertAnswer(BaseModel):
    """One alert as it stands."""

    alert_id: int
    run_id: int
    point: str = Field(description="Warning point, W01 to W49")
    level: Level
    uscc: str
    subject: str = Field(description="The duty or record it is about; empty: a state")
    title_zh: str
    title_en: str
    as_of: datetime
    event_at: datetime | None
    due_at: datetime | None
    deliver_by: datetime | None = Field(description="When it should have left at the latest")
    is_late: bool
    probability: float | None = Field(description="Of missing the deadline, where a model said so")
    threshold: float | None
    model_version: str
    record_ids: list[str]
    officer: str = Field(description="Who is warned; empty: a draft")
    state: Step
    changed_at: datetime
    steps: list[StepAnswer] = Field(description="Empty in lists")


class AlertsAnswer(BaseModel):
    """A page of alerts by number; ask on with `after` until `next` is null."""

    alerts: list[AlertAnswer]
    next: int | None


class StepRequest(BaseModel):
    """A step that a person takes."""

    step: Literal["read", "handled", "closed"] = Field(examples=["handled"])
    by: str = Field(min_length=1, max_length=120, examples=["王科长"])
    measure: str = Field("", max_length=200, examples=["M18"])
    result: str = Field("", max_length=2_000, examples=["已现场检查"])
    note: str = Field("", max_length=2_000)


@router.get("", response_model=AlertsAnswer)
def read_alerts(  # noqa: PLR0913, PLR0917  (one a filter)
    alerts: Alerts,
    caller: Reader,
    store: Store,
    level: Level | None = None,
    point: Annotated[str, Query(pattern=r"^(W\d{2})?$")] = "",
    uscc: Annotated[str, Query(max_length=40)] = "",
    everything: Annotated[bool, Query(description="Those that are over too")] = False,  # noqa: FBT002
    after: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> dict[str, Any]:
    """Alerts by number, the open ones by default."""
    found = alerts.store.alerts(
        states=[*NEXT] if everything else OPEN_STEPS, level=level or "", point=point,
        uscc=normal_uscc(uscc), after=after, limit=limit + 1,
    )  # fmt: skip
    shown = visible(caller, store, found[:limit], lambda one: one.uscc)
    return {
        "alerts": [one.as_json() for one in shown],
        "next": found[limit - 1].alert_id if len(found) > limit else None,
    }


@router.get("/{alert_id}", response_model=AlertAnswer)
def read_alert(alert_id: Number, alerts: Alerts, caller: Reader, store: Store) -> dict[str, Any]:
    """One alert with its steps."""
    return _own(alert_id, alerts, caller, store).as_json()


@router.post("/{alert_id}/steps", response_model=AlertAnswer)
def add_step(
    alert_id: Number, wanted: StepRequest, alerts: Alerts, caller: Lister, store: Store
) -> dict[str, Any]:
    """Say that an alert was read, handled or closed, with the name of who did it."""
    _own(alert_id, alerts, caller, store)
    taken = Taken(
        wanted.step, alerts.clock(), wanted.by, wanted.measure, wanted.result, wanted.note
    )
    return alerts.store.step(alert_id, taken).as_json()


def _own(alert_id: int, alerts: Alerts, caller: Caller, store: Store) -> Alert:
    """An alert of the caller's district."""
    found = alerts.store.alert(alert_id)
    caller.asks_about(found.uscc, store.regions([found.uscc]).get(found.uscc, ""))
    return found
