"""Subscribers and their deliveries: put on the way once, kept until received or given up."""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import Engine, RowMapping, func, insert, select, update

from xinheng.database import as_moment, as_text
from xinheng.decisions.alerts.alert import TOLD
from xinheng.decisions.alerts.store import AlertStore
from xinheng.decisions.kept.store import DecisionStore
from xinheng.errors import BadRequest, NotFound
from xinheng.serving.delivery.tables import DELIVERY, SUBSCRIBER

Kind = Literal["alert", "class_change"]
KINDS: tuple[str, ...] = ("alert", "class_change")
State = Literal["waiting", "delivered", "dead"]
AT_ONCE = 500
"""Events put on the way to a subscriber in one step."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(hours=1)
MOST_ATTEMPTS = 20
"""With the waits between them more than half a day; then a delivery is dead."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who is told of alerts and class changes, and where."""

    subscriber_id: int
    name: str
    url: str
    secret: str
    kinds: tuple[str, ...]
    region: str
    alert_cursor: int
    change_cursor: int
    made_at: datetime | None
    made_by: str
    ended_at: datetime | None
    ended_by: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one subscriber."""

    delivery_id: int
    subscriber_id: int
    event: str
    payload: str
    """The body as it is sent, JSON."""
    state: State
    attempts: int
    next_at: datetime | None
    fault: str
    made_at: datetime | None
    delivered_at: datetime | None


class Outbox:
    """Subscribers and deliveries in the operational database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def subscribe(
        self,
        name: str,
        url: str,
        *,
        by: str,
        at: datetime,
        kinds: Sequence[str] = KINDS,
        region: str = "",
    ) -> Subscriber:
        """Tell somebody of all that comes from now on; the secret signs what is sent.

        Raises
        ------
        BadRequest
            If the address is none, a kind is unknown, or nobody answers for it.
        """
        _check(name, url, kinds, by)
        alert, change = (
            AlertStore(self.engine).last_alert(),
            DecisionStore(self.engine).last_change(),
        )
        with self.engine.begin() as connection:
            secret = "whsec_" + b64encode(secrets.token_bytes(32)).decode()
            row = {
                "name": name, "url": url, "secret": secret, "kinds": ",".join(kinds),
                "region": region, "alert_cursor": alert, "change_cursor": change,
                "made_at": as_text(at), "made_by": by, "ended_at": "", "ended_by": "",
            }  # fmt: skip
            key = connection.execute(insert(SUBSCRIBER).values(row)).inserted_primary_key
            assert key is not None
        return self.subscriber(int(key[0]))

    def subscriber(self, subscriber_id: int) -> Subscriber:
        """One subscriber.

        Raises
        ------
        NotFound
            If there is none of that number.
        """
        for one in self.subscribers():
            if one.subscriber_id == subscriber_id:
                return one
        raise NotFound(
            f"there is no subscriber {subscriber_id}", hint="see `xinheng webhooks list`"
        )

    def subscribers(self) -> list[Subscriber]:
        """All subscribers, those that have ended too."""
        query = select(SUBSCRIBER).order_by(SUBSCRIBER.c.subscriber_id)
        with self.engine.connect() as connection:
            return [_subscriber(row) for row in connection.execute(query).mappings()]

    def end(self, subscriber_id: int, *, by: str, at: datetime) -> None:
        """Nothing more is put on the way to it, and what waits is not sent."""
        self.subscriber(subscriber_id)
        with self.engine.begin() as connection:
            change = update(SUBSCRIBER).where(SUBSCRIBER.c.subscriber_id == subscriber_id)
            connection.execute(change.values(ended_at=as_text(at), ended_by=by))

    def enqueue(self, *, at: datetime) -> int:
        """Put what is new on its way to everybody, each event once; how many there are."""
        return sum(self._enqueue(one, at) for one in self.subscribers() if one.ended_at is None)

    def _enqueue(self, one: Subscriber, at: datetime) -> int:
        alerts, alert_cursor = self._alerts(one)
        changes, change_cursor = self._changes(one)
        events = [*alerts, *changes]
        regions = DecisionStore(self.engine).regions([*{u for _, u, _ in events}])
        rows = [
            _row(one.subscriber_id, event, payload, at)
            for event, uscc, payload in events
            if regions.get(uscc, "").startswith(one.region)
        ]
        if (alert_cursor, change_cursor) == (one.alert_cursor, one.change_cursor):
            return 0
        with self.engine.begin() as connection:
            moved = connection.execute(
                update(SUBSCRIBER)
                .where(
                    SUBSCRIBER.c.subscriber_id == one.subscriber_id,
                    SUBSCRIBER.c.alert_cursor == one.alert_cursor,
                    SUBSCRIBER.c.change_cursor == one.change_cursor,
                )
                .values(alert_cursor=alert_cursor, change_cursor=change_cursor)
            )
            if moved.rowcount and rows:
                connection.execute(insert(DELIVERY), rows)
        return len(rows)

    def _alerts(self, one: Subscriber) -> tuple[list[tuple[str, str, dict[str, Any]]], int]:
        if "alert" not in one.kinds:
            return [], one.alert_cursor
        store = AlertStore(self.engine)
        last = store.last_alert()
        found = store.alerts(states=TOLD, after=one.alert_cursor, limit=AT_ONCE)
        told = [
            (f"alert-{a.alert_id}", a.uscc, {"type": "alert", "data": a.as_json()})
            for a in found
            if a.officer
        ]
        return told, found[-1].alert_id if len(found) == AT_ONCE else max(
            [last, *(a.alert_id for a in found)]
        )

    def _changes(self, one: Subscriber) -> tuple[list[tuple[str, str, dict[str, Any]]], int]:
        if "class_change" not in one.kinds:
            return [], one.change_cursor
        found = DecisionStore(self.engine).changes(after=one.change_cursor, limit=AT_ONCE)
        told = [
            (f"change-{c.change_id}", c.uscc, {"type": "class_change", "data": asdict(c)})
            for c in found
        ]
        return told, found[-1].change_id if found else one.change_cursor

    def due(self, *, at: datetime, limit: int = 200) -> list[tuple[Subscriber, Delivery]]:
        """What is to be sent now, in the order it was put on the way; to nobody who has ended.

        Whose first delivery waits to be tried again gets nothing before it.
        """
        first = (
            select(func.min(DELIVERY.c.delivery_id))
            .where(DELIVERY.c.state == "waiting")
            .group_by(DELIVERY.c.subscriber_id)
        )
        held = select(DELIVERY.c.subscriber_id).where(
            DELIVERY.c.delivery_id.in_(first), DELIVERY.c.next_at > as_text(at)
        )
        query = (
            select(DELIVERY)
            .join(SUBSCRIBER)
            .where(
                DELIVERY.c.state == "waiting", DELIVERY.c.next_at <= as_text(at),
                SUBSCRIBER.c.ended_at == "", DELIVERY.c.subscriber_id.not_in(held),
            )
            .order_by(DELIVERY.c.delivery_id)
            .limit(limit)
        )  # fmt: skip
        known = {one.subscriber_id: one for one in self.subscribers()}
        with self.engine.connect() as connection:
            found = [_delivery(row) for row in connection.execute(query).mappings()]
        return [(known[one.subscriber_id], one) for one in found]

    def received(self, delivery: Delivery, *, at: datetime) -> None:
        """The subscriber has it."""
        self._change(
            delivery, state="delivered", attempts=delivery.attempts + 1, fault="",
            delivered_at=as_text(at),
        )  # fmt: skip

    def failed(self, delivery: Delivery, fault: str, *, at: datetime) -> State:
        """Try again later, each time after twice as long; in the end it is dead."""
        attempts = delivery.attempts + 1
        state: State = "dead" if attempts >= MOST_ATTEMPTS else "waiting"
        wait = min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT)
        self._change(
            delivery, state=state, attempts=attempts, fault=fault[:500], next_at=as_text(at + wait)
        )
        return state

    def replay(self, *, at: datetime, delivery_id: int = 0) -> int:
        """Send again: one delivery, or all that are dead; how many."""
        change = update(DELIVERY).values(state="waiting", attempts=0, next_at=as_text(at))
        chosen = DELIVERY.c.delivery_id == delivery_id if delivery_id else (
            DELIVERY.c.state == "dead"
        )  # fmt: skip
        with self.engine.begin() as connection:
            return int(connection.execute(change.where(chosen)).rowcount)

    def deliveries(self, *, state: str = "", limit: int = 100) -> list[Delivery]:
        """Deliveries, the newest first."""
        query = select(DELIVERY).order_by(DELIVERY.c.delivery_id.desc()).limit(limit)
        if state:
            query = query.where(DELIVERY.c.state == state)
        with self.engine.connect() as connection:
            return [_delivery(row) for row in connection.execute(query).mappings()]

    def counts(self) -> dict[str, int]:
        """Deliveries by state."""
        query = select(DELIVERY.c.state, func.count()).group_by(DELIVERY.c.state)
        with self.engine.connect() as connection:
            return {str(state): int(n) for state, n in connection.execute(query)}

    def _change(self, delivery: Delivery, **values: Any) -> None:
        with self.engine.begin() as connection:
            change = update(DELIVERY).where(DELIVERY.c.delivery_id == delivery.delivery_id)
            connection.execute(change.values(values))


def _check(name: str, url: str, kinds: Sequence[str], by: str) -> None:
    if not name.strip() or not by.strip():
        raise BadRequest("a subscriber wants a name, and the name of who answers for it")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadRequest(f"{url!r} is no address", hint="https://host/path")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise BadRequest(f"{', '.join(unknown) or 'nothing'} cannot be subscribed to",
                         hint=f"one of {', '.join(KINDS)}")  # fmt: skip


def _row(subscriber_id: int, event: str, payload: dict[str, Any], at: datetime) -> dict[str, Any]:
    return {
        "subscriber_id": subscriber_id,
        "event": event,
        "payload": json.dumps(payload | {"id": event}, ensure_ascii=False, default=str),
        "state": "waiting",
        "attempts": 0,
        "next_at": as_text(at),
        "fault": "",
        "made_at": as_text(at),
        "delivered_at": "",
    }


def _subscriber(row: RowMapping) -> Subscriber:
    moments = {name: as_moment(row[name]) for name in ("made_at", "ended_at")}
    return Subscriber(**{**row, **moments, "kinds": tuple(row["kinds"].split(","))})


def _delivery(row: RowMapping) -> Delivery:
    moments = {name: as_moment(row[name]) for name in ("next_at", "made_at", "delivered_at")}
    return Delivery(**{**row, **moments})
