"""Records in: durable before they are answered; what became of each can be asked."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, Field, WithJsonSchema
from starlette.concurrency import run_in_threadpool

from xinheng.errors import NotAllowed, NotReady
from xinheng.records.inbox.sent import checked
from xinheng.records.inbox.store import InboxStore, Receipt, Sent
from xinheng.serving.access.guard import Caller, Sender
from xinheng.serving.decided import Number
from xinheng.serving.front.bodies import LargeBodies

router = APIRouter(prefix="/v1/records", tags=["records"], route_class=LargeBodies)
MOST = 1_000
LONGEST_WAIT = 10
_AT_AN_END = ("scored", "aside")
LOOK = 0.05
"""Seconds between looks while a sender waits."""
Key = Annotated[
    str,
    Header(min_length=1, max_length=120, pattern=r"^[\x21-\x7e]+$",
           description="Of the sender's own making, new for each body; the same again does nothing",
           examples=["2026-01-05-000123"]),
]  # fmt: skip


_VALUE = {
    "anyOf": [
        *({"type": kind} for kind in ("string", "boolean", "integer", "number", "null")),
        {"type": "array", "items": {"type": "string"}},
    ]
}
Value = Annotated[Any, WithJsonSchema(_VALUE)]
"""`checked` looks at it, of many records column by column."""


class RecordRequest(BaseModel):
    """One record of any table."""

    table: str = Field(max_length=40, examples=["complaint"])
    values: dict[str, Value] = Field(
        description="By column, as `xinheng records describe TABLE` names them; money in yuan",
        examples=[{"uscc": "91440300192317458F", "source_record_no": "12315-2026-0001"}],
    )


class RecordsRequest(BaseModel):
    """Records that belong together: if one holds personal data, none is taken."""

    records: list[RecordRequest] = Field(min_length=1, max_length=MOST)


class FindingAnswer(BaseModel):
    """One check of the quality gate that a record failed."""

    check: str = Field(examples=["QC08"])
    severity: str
    field: str
    message_en: str
    message_zh: str


class SettledAnswer(BaseModel):
    """What became of one record."""

    place: int = Field(description="Its place in what was sent, from 0")
    record_type: str
    uscc: str
    outcome: Literal["", "accepted", "warned", "quarantined", "rejected", "duplicate"] = Field(
        description="Empty: it waits; warned records count, quarantined ones wait for a person"
    )
    findings: list[FindingAnswer]


class ReceiptAnswer(BaseModel):
    """What was sent at once."""

    receipt_id: int
    received_at: datetime = Field(description="It is `known_at` of the records")
    state: Literal["received", "settled", "scored", "aside"] = Field(
        description="Kept; in the lake with an outcome for every record; the enterprises assessed; "
        "or set aside after a fault of the platform's own, which its operator sees"
    )
    batch_id: str = Field(description="Of the lake; empty: not there yet")
    settled_at: datetime | None
    scored_at: datetime | None
    is_repeated: bool = Field(description="The same key with the same body had come before")
    records: list[SettledAnswer]


def _sent(request: Request) -> InboxStore:
    found: InboxStore | None = request.app.state.sent
    if found is None:
        raise NotReady("this server takes no records", hint="start it with `xinheng serve`")
    return found


Kept = Annotated[InboxStore, Depends(_sent)]
Wait = Annotated[
    float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for the outcomes")
]


@router.post("", response_model=ReceiptAnswer, status_code=202)
async def add_records(
    wanted: RecordsRequest, store: Kept, caller: Sender, request: Request, idempotency_key: Key,
    wait: Wait = 0,
) -> dict[str, Any]:  # fmt: skip
    """Keep records; they pass the gate within seconds, and whom they are about is assessed."""
    sent = [
        checked(one.table, one.values, where=f"records.{place}")
        for place, one in enumerate(wanted.records)
    ]
    _own_district(caller, sent)
    caller.enterprises = len({one.values["uscc"] for one in sent})
    digest = sha256(await request.body()).hexdigest()
    at = request.app.state.clock()
    receipt, is_new = await run_in_threadpool(
        store.receive, caller.client.client_id, idempotency_key, digest, sent, at=at
    )
    last = await _waited(store, receipt, wait)
    return await run_in_threadpool(_told, store, last, is_repeated=not is_new)


@router.get("/{receipt_id}", response_model=ReceiptAnswer)
async def read_receipt(
    receipt_id: Number, store: Kept, caller: Sender, wait: Wait = 0
) -> dict[str, Any]:
    """What became of the records of a receipt; each client sees its own."""
    receipt = await run_in_threadpool(store.receipt, receipt_id)
    if receipt.client_id != caller.client.client_id:
        raise NotAllowed(f"receipt {receipt_id} is another client's")
    last = await _waited(store, receipt, wait)
    return await run_in_threadpool(_told, store, last, is_repeated=False)


def _own_district(caller: Caller, sent: list[Sent]) -> None:
    for place, one in enumerate(sent):
        if not caller.client.sees(str(one.values.get("region_code") or "")):
            raise NotAllowed(
                f"records.{place}: region_code is not in {caller.client.region}",
                hint="this key is for one district",
            )


async def _waited(store: InboxStore, receipt: Receipt, seconds: float) -> Receipt:
    """The receipt once its enterprises are assessed, or as it stands when the time is over."""
    ends = asyncio.get_running_loop().time() + seconds
    while receipt.state not in _AT_AN_END and asyncio.get_running_loop().time() < ends:
        await asyncio.sleep(LOOK)
        receipt = await run_in_threadpool(store.receipt, receipt.receipt_id)
    return receipt


def _told(store: InboxStore, receipt: Receipt, *, is_repeated: bool) -> dict[str, Any]:
    rows = [asdict(one) for one in store.rows(receipt.receipt_id)]
    known = {name: told for name, told in asdict(receipt).items() if name != "fault"}
    return known | {"is_repeated": is_repeated, "records": rows}
