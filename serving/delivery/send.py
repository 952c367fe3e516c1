"""Sending: signed as the Standard Webhooks specification says, in order for each subscriber."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event

import httpx2 as httpx
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from xinheng.database import DatabaseUnavailable
from xinheng.serving.delivery.store import Delivery, Outbox, Subscriber

TIMEOUT = 10.0
"""Seconds in which a receiver must answer."""
IDLE = 1.0
log = structlog.get_logger()


@dataclass(slots=True)
class Deliverer:
    """Puts events on their way and sends them; `clock` tells the moment."""

    engine: Engine
    clock: Callable[[], datetime]
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=TIMEOUT))

    def run(self, stop: Event) -> None:
        """Work until told to stop; a database that does not answer is tried again."""
        while not stop.is_set():
            try:
                done = self.step()
            except (OperationalError, DatabaseUnavailable) as fault:
                log.warning("delivery failed, trying again", error=str(fault).splitlines()[0])
                done = 0
            if not done:
                stop.wait(IDLE)

    def step(self) -> int:
        """Put what is new on its way and send what is due; how many were received.

        After a failure the rest of that subscriber waits, so that its order holds.
        """
        outbox = Outbox(self.engine)
        outbox.enqueue(at=self.clock())
        received, held = 0, set[int]()
        for subscriber, delivery in outbox.due(at=self.clock()):
            if subscriber.subscriber_id in held:
                continue
            fault = self._sent(subscriber, delivery)
            if fault:
                held.add(subscriber.subscriber_id)
                state = outbox.failed(delivery, fault, at=self.clock())
                log.warning("webhook failed", subscriber=subscriber.name, webhook=delivery.event,
                            error=fault, state=state)  # fmt: skip
            else:
                outbox.received(delivery, at=self.clock())
                received += 1
        return received

    def _sent(self, subscriber: Subscriber, delivery: Delivery) -> str:
        """Why it was not received; empty: it was."""
        body = delivery.payload.encode()
        moment = str(int(self.clock().timestamp()))
        headers = {
            "content-type": "application/json",
            "webhook-id": delivery.event,
            "webhook-timestamp": moment,
            "webhook-signature": signature(subscriber.secret, delivery.event, moment, body),
        }
        try:
            answer = self.client.post(subscriber.url, content=body, headers=headers)
        except httpx.HTTPError as fault:
            return f"{type(fault).__name__}: {fault}"
        return "" if answer.is_success else f"HTTP {answer.status_code}"


def signature(secret: str, event: str, moment: str, body: bytes) -> str:
    """`v1,` and the HMAC-SHA-256 of id, moment and body, as Standard Webhooks has it.

    >>> signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
    ...           "1614265330", b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    key = b64decode(secret.removeprefix("whsec_"))
    signed = f"{event}.{moment}.".encode() + body
    return "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()
