"""The inbox in the operational database: durable once `receive` returns, never taken twice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from xinheng.database import as_moment, as_text
from xinheng.domain import ZONE
from xinheng.errors import NotFound, Refused
from xinheng.records.inbox.tables import NEIGHBOUR, RECEIPT, ROW
from xinheng.records.privacy.delivery import CHECK as PERSONAL_DATA
from xinheng.records.privacy.screen import Screen
from xinheng.records.privacy.seal import Seal, read_mark
from xinheng.records.privacy.sent import hide_personal

State = Literal["received", "settled", "scored", "aside"]
_ALL = 2**31 - 1
PLATFORM = 0
"""Stands for the platform itself among the clients."""
LOT = 200
"""Enterprises that the platform lets wait together."""
Outcome = Literal["", "accepted", "warned", "quarantined", "rejected", "duplicate"]


@dataclass(frozen=True, slots=True)
class Sent:
    """One record as sent: its table, and values by column."""

    record_type: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one record; `outcome` is empty while it waits."""

    place: int
    record_type: str
    uscc: str
    outcome: Outcome
    findings: tuple[Mapping[str, str], ...]
    """Checks that it failed: `check`, `severity`, `field`, `message_en`, `message_zh`."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a client sent at once."""

    receipt_id: int
    client_id: int
    received_at: datetime
    rows: int
    state: State
    batch_id: str
    settled_at: datetime | None
    scored_at: datetime | None
    fault: str
    """Why it was set aside."""


class InboxStore:
    """Receipts and their rows."""

    def __init__(self, engine: Engine, seal: Seal | None = None) -> None:
        self.engine = engine
        self.seal = seal or Seal.random()

    def receive(
        self, client_id: int, key: str, digest: str, sent: Sequence[Sent], *, at: datetime
    ) -> tuple[Receipt, bool]:
        """Keep what was sent; whether it is new. The same key with the same body is the same.

        Personal data are not kept: a mark with its kind and a keyed hash stands in their place, and
        the gate refuses the whole for it (QC33).

        Raises
        ------
        Refused
            If the key was used for another body.
        """
        kept = _without_personal(sent, Screen(self.seal, at.astimezone(ZONE).year))
        if any(one is not new for one, new in zip(sent, kept, strict=True)):
            digest = self.seal.fingerprint(digest)
        head = {
            "client_id": client_id, "idempotency_key": key, "digest": digest,
            "received_at": as_text(at), "rows": len(sent), "state": "received", "batch_id": "",
            "settled_at": "", "scored_at": "",
        }  # fmt: skip
        try:
            with self.engine.begin() as connection:
                made = connection.execute(insert(RECEIPT).values(head)).inserted_primary_key
                assert made is not None
                rows = [_row(int(made[0]), place, one) for place, one in enumerate(kept)]
                connection.execute(insert(ROW), rows)
            return self.receipt(int(made[0])), True
        except IntegrityError:
            return self._former(client_id, key, digest), False

    def _former(self, client_id: int, key: str, digest: str) -> Receipt:
        query = select(RECEIPT).where(
            RECEIPT.c.client_id == client_id, RECEIPT.c.idempotency_key == key
        )
        with self.engine.connect() as connection:
            row = connection.execute(query).mappings().one()
        if row["digest"] != digest:
            raise Refused(
                f"the idempotency key {key} was used for another body, receipt {row['receipt_id']}",
                hint="a new body wants a new key",
            )
        return _receipt(row)

    def receipt(self, receipt_id: int) -> Receipt:
        """One receipt.

        Raises
        ------
        NotFound
            If there is none of that number.
        """
        with self.engine.connect() as connection:
            query = select(RECEIPT).where(RECEIPT.c.receipt_id == receipt_id)
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"there is no receipt {receipt_id}", hint="was it this server?")
        return _receipt(row)

    def rows(self, receipt_id: int) -> list[Settled]:
        """What became of each record of a receipt, in the order they were sent."""
        query = select(ROW).where(ROW.c.receipt_id == receipt_id).order_by(ROW.c.place)
        with self.engine.connect() as connection:
            found = connection.execute(query).mappings().all()
        return [
            Settled(
                row["place"], row["record_type"], row["uscc"], row["outcome"],
                tuple(json.loads(row["findings"])),
            )
            for row in found
        ]  # fmt: skip

    def sent(self, receipt_id: int) -> list[Sent]:
        """The records of a receipt as sent."""
        query = select(ROW.c.record_type, ROW.c.content).where(ROW.c.receipt_id == receipt_id)
        with self.engine.connect() as connection:
            found = connection.execute(query.order_by(ROW.c.place)).all()
        return [Sent(name, json.loads(content)) for name, content in found]

    def waiting(self, most_rows: int) -> list[Receipt]:
        """The oldest receipts that are not in the lake, up to so many rows; at least one."""
        return self._first("received", most_rows)

    def claim(self, most_rows: int) -> tuple[str, list[Receipt]]:
        """Receipts that are taken in one step, and the step's name; those of a broken one first.

        Which receipts a step has is kept before it begins, so that it can be done again.
        """
        broken = select(RECEIPT.c.batch_id).where(
            RECEIPT.c.state == "received", RECEIPT.c.batch_id != ""
        )
        with self.engine.begin() as connection:
            step = connection.execute(broken.order_by(RECEIPT.c.receipt_id).limit(1)).scalar()
            if step is not None:
                own = select(RECEIPT).where(RECEIPT.c.batch_id == step)
                found = connection.execute(own.order_by(RECEIPT.c.receipt_id)).mappings()
                return str(step), [_receipt(row) for row in found]
        chosen = self.waiting(most_rows)
        if not chosen:
            return "", []
        step = f"step-{chosen[0].receipt_id}-{chosen[-1].receipt_id}"
        numbers = [one.receipt_id for one in chosen]
        with self.engine.begin() as connection:
            change = update(RECEIPT).where(RECEIPT.c.receipt_id.in_(numbers))
            connection.execute(change.values(batch_id=step))
        return step, chosen

    def let_wait(self, what: str, usccs: Sequence[str], *, known_at: datetime) -> None:
        """Let enterprises wait for their assessment though nobody sent a record of theirs.

        Parameters
        ----------
        what
            The change, in an order of its own: what is let wait again under the same name is not.
        known_at
            Since when it is known.
        """
        for start in range(0, len(usccs), LOT):
            part = usccs[start : start + LOT]
            head = {
                "client_id": PLATFORM, "idempotency_key": f"{what}/{start}", "digest": "",
                "received_at": as_text(known_at), "rows": len(part), "state": "settled",
                "batch_id": "", "settled_at": as_text(known_at), "scored_at": "",
            }  # fmt: skip
            with suppress(IntegrityError), self.engine.begin() as connection:
                made = connection.execute(insert(RECEIPT).values(head)).inserted_primary_key
                assert made is not None
                rows = [
                    _row(int(made[0]), place, Sent("", {"uscc": uscc})) | {"outcome": "accepted"}
                    for place, uscc in enumerate(part)
                ]
                connection.execute(insert(ROW), rows)

    def own_batches(self, ids: Sequence[str]) -> frozenset[str]:
        """Of some batches of the lake those that receipts became."""
        query = select(RECEIPT.c.batch_id).where(RECEIPT.c.batch_id.in_(list(ids)))
        with self.engine.connect() as connection:
            return frozenset(connection.execute(query.distinct()).scalars())

    def unscored(self, most_rows: int) -> list[Receipt]:
        """The oldest receipts whose enterprises have not been assessed anew; clients' first."""
        return self._first("settled", most_rows)

    def _first(self, state: State, most_rows: int) -> list[Receipt]:
        query = (
            select(RECEIPT)
            .where(RECEIPT.c.state == state)
            .order_by(RECEIPT.c.client_id == PLATFORM, RECEIPT.c.receipt_id)
        )
        chosen: list[Receipt] = []
        with self.engine.connect() as connection:
            for row in connection.execute(query.limit(most_rows)).mappings():
                if chosen and sum(one.rows for one in chosen) + row["rows"] > most_rows:
                    break
                chosen.append(_receipt(row))
        return chosen

    def settle(
        self, outcomes: Mapping[int, Sequence[Settled]], batches: Mapping[int, str], *, at: datetime
    ) -> None:
        """Keep what became of the records of some receipts."""
        with self.engine.begin() as connection:
            for receipt_id, rows in outcomes.items():
                _keep_outcomes(connection, receipt_id, rows)
                change = update(RECEIPT).where(RECEIPT.c.receipt_id == receipt_id)
                told = {"batch_id": batches[receipt_id], "settled_at": as_text(at)}
                connection.execute(change.values(state="settled", **told))

    def scored(self, receipts: Sequence[Receipt], near: Sequence[str], *, at: datetime) -> None:
        """Say that all whom some receipts are about were assessed anew; their neighbours wait."""
        numbers = [one.receipt_id for one in receipts]
        with self.engine.begin() as connection:
            change = update(RECEIPT).where(RECEIPT.c.receipt_id.in_(numbers))
            connection.execute(change.values(state="scored", scored_at=as_text(at)))
            there = {*connection.execute(select(NEIGHBOUR.c.uscc)).scalars()}
            new = [{"uscc": u, "since": as_text(at)} for u in near if u not in there]
            if new:
                connection.execute(insert(NEIGHBOUR), new)

    def set_aside(self, receipt: Receipt, fault: str) -> None:
        """Leave out a receipt of which a fault of the platform's own came, until it is retried."""
        change = update(RECEIPT).where(RECEIPT.c.receipt_id == receipt.receipt_id)
        kept = {"state": "aside", "fault": fault}
        if receipt.state == "received":
            kept |= {"batch_id": ""}
        with self.engine.begin() as connection:
            connection.execute(change.values(kept))

    def aside(self) -> list[Receipt]:
        """Receipts that were set aside, the oldest first."""
        return self._first("aside", _ALL)

    def retry(self) -> int:
        """Let all that were set aside go on where they were; how many."""
        change = update(RECEIPT).where(RECEIPT.c.state == "aside")
        with self.engine.begin() as connection:
            taken = connection.execute(
                change.where(RECEIPT.c.settled_at != "").values(state="settled", fault="")
            )
            waiting = connection.execute(change.values(state="received", fault=""))
        return taken.rowcount + waiting.rowcount

    def neighbours(self, most: int) -> list[str]:
        """Those who wait longest because records of others have changed their relations."""
        query = select(NEIGHBOUR.c.uscc).order_by(NEIGHBOUR.c.since, NEIGHBOUR.c.uscc)
        with self.engine.connect() as connection:
            return [*connection.execute(query.limit(most)).scalars()]

    def no_longer_waiting(self, usccs: Sequence[str]) -> None:
        """Those were assessed."""
        with self.engine.begin() as connection:
            connection.execute(delete(NEIGHBOUR).where(NEIGHBOUR.c.uscc.in_(list(usccs))))

    def counts(self) -> dict[str, int]:
        """Receipts by state, and neighbours who wait."""
        with self.engine.connect() as connection:
            query = select(RECEIPT.c.state, func.count()).group_by(RECEIPT.c.state)
            told = {str(state): int(n) for state, n in connection.execute(query)}
            waiting = connection.execute(select(func.count()).select_from(NEIGHBOUR)).scalar()
        return told | {"neighbours": int(waiting or 0)}

    def touched(self, receipts: Sequence[Receipt]) -> list[str]:
        """Enterprises of which some receipts brought a record that counts."""
        counts = ("accepted", "warned")
        numbers = [one.receipt_id for one in receipts]
        query = select(ROW.c.uscc).where(ROW.c.receipt_id.in_(numbers), ROW.c.outcome.in_(counts))
        with self.engine.connect() as connection:
            return sorted({*connection.execute(query).scalars()})


def _keep_outcomes(connection: Connection, receipt_id: int, rows: Sequence[Settled]) -> None:
    change = update(ROW).where(
        ROW.c.receipt_id == bindparam("its_id"), ROW.c.place == bindparam("its_place")
    )
    told = [
        {
            "its_id": receipt_id, "its_place": one.place, "its_outcome": one.outcome,
            "its_findings": json.dumps([*one.findings], ensure_ascii=False),
        }
        for one in rows
    ]  # fmt: skip
    values: dict[str, Any] = {
        "outcome": bindparam("its_outcome"), "findings": bindparam("its_findings"),
    }  # fmt: skip
    connection.execute(change.values(values), told)
    if any(finding["check"] == PERSONAL_DATA for one in rows for finding in one.findings):
        connection.execute(update(ROW).where(ROW.c.receipt_id == receipt_id).values(content="{}"))


def code_of(sent: Sent) -> str:
    """Whom a record is about; nobody, where what was sent is personal."""
    code = str(sent.values.get("uscc") or "")
    return "" if read_mark(code) else code[:18]


def _without_personal(sent: Sequence[Sent], screen: Screen) -> list[Sent]:
    """The records; one with personal data is another, with marks in their place."""
    kept = [*sent]
    for name in dict.fromkeys(one.record_type for one in sent):
        places = [i for i, one in enumerate(sent) if one.record_type == name]
        rows = [sent[i].values for i in places]
        for i, row, hidden in zip(places, rows, hide_personal(name, rows, screen), strict=True):
            if hidden is not row:
                kept[i] = Sent(name, hidden)
    return kept


def _row(receipt_id: int, place: int, one: Sent) -> dict[str, Any]:
    return {
        "receipt_id": receipt_id,
        "place": place,
        "record_type": one.record_type,
        "uscc": code_of(one),
        "content": json.dumps(dict(one.values), ensure_ascii=False),
        "outcome": "",
        "findings": "[]",
    }


def _receipt(row: RowMapping) -> Receipt:
    received_at = as_moment(row["received_at"])
    assert received_at is not None
    return Receipt(
        row["receipt_id"], row["client_id"], received_at, row["rows"], row["state"],
        row["batch_id"], as_moment(row["settled_at"]), as_moment(row["scored_at"]), row["fault"],
    )  # fmt: skip
