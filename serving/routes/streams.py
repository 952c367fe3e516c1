"""Alerts and class changes as they come, by server-sent events."""

from __future__ import annotations

from asyncio import sleep
from collections.abc import AsyncIterable, Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from xinheng.decisions.alerts.alert import TOLD
from xinheng.serving.access.guard import Reader
from xinheng.serving.access.visible import visible
from xinheng.serving.decided import Store
from xinheng.serving.inbox import Alerts

router = APIRouter(prefix="/v1", tags=["streams"])
LOOK = 1.0
"""Seconds between looks for what is new."""
AT_ONCE = 200
After = Annotated[
    int | None,
    Query(ge=0, le=2**31 - 1, description="Only after this number; default: what comes from now"),
]
Last = Annotated[
    str | None,
    Header(alias="Last-Event-ID", pattern=r"^\d{1,9}$",
           description="Sent by a browser that connects again; it goes before `after`"),
]  # fmt: skip
Read = Callable[[int], tuple[list[ServerSentEvent], int]]


@router.get("/alerts:stream", response_class=EventSourceResponse)
async def stream_alerts(
    alerts: Alerts, caller: Reader, store: Store, after: After = None, last_event_id: Last = None
) -> AsyncIterable[ServerSentEvent]:
    """Alerts as they are raised, each with its number as the event's id."""

    def read(cursor: int) -> tuple[list[ServerSentEvent], int]:
        found = alerts.store.alerts(states=TOLD, after=cursor, limit=AT_ONCE)
        shown = visible(caller, store, found, lambda one: one.uscc)
        return (
            [_event("alert", one.alert_id, one.as_json()) for one in shown if one.officer],
            found[-1].alert_id if found else cursor,
        )

    begins = _begins(after, last_event_id)
    first = await run_in_threadpool(alerts.store.last_alert) if begins is None else begins
    async for event in _followed(read, first):
        yield event


@router.get("/changes:stream", response_class=EventSourceResponse)
async def stream_changes(
    caller: Reader, store: Store, after: After = None, last_event_id: Last = None
) -> AsyncIterable[ServerSentEvent]:
    """Class changes as they happen, each with its number as the event's id."""

    def read(cursor: int) -> tuple[list[ServerSentEvent], int]:
        found = store.changes(after=cursor, uscc="", limit=AT_ONCE)
        shown = visible(caller, store, found, lambda one: one.uscc)
        return (
            [_event("class_change", one.change_id, asdict(one)) for one in shown],
            found[-1].change_id if found else cursor,
        )

    begins = _begins(after, last_event_id)
    first = await run_in_threadpool(store.last_change) if begins is None else begins
    async for event in _followed(read, first):
        yield event


async def _followed(read: Read, cursor: int) -> AsyncIterable[ServerSentEvent]:
    """What is new, until the reader goes."""
    while True:
        events, cursor = await run_in_threadpool(read, cursor)
        for event in events:
            yield event
        await sleep(LOOK)


def _begins(after: int | None, last_event_id: str | None) -> int | None:
    return int(last_event_id) if last_event_id else after


def _event(kind: str, number: int, told: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(data=told, event=kind, id=str(number))
