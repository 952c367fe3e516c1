"""The tables of subscribers and of what is on its way to them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from xinheng.database import METADATA

SUBSCRIBER = Table(
    "subscriber",
    METADATA,
    Column("subscriber_id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(120), nullable=False),
    Column("url", Text, nullable=False),
    # signs what is sent, so it cannot be kept as a hash
    Column("secret", String(80), nullable=False),
    Column("kinds", String(40), nullable=False),
    # GB/T 2260 prefix of the enterprises it hears of; empty: all
    Column("region", String(6), nullable=False),
    # numbers of the last alert and class change that were put on their way
    Column("alert_cursor", Integer, nullable=False),
    Column("change_cursor", Integer, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("made_by", Text, nullable=False),
    Column("ended_at", String(40), nullable=False),
    Column("ended_by", Text, nullable=False),
)
DELIVERY = Table(
    "webhook_delivery",
    METADATA,
    Column("delivery_id", Integer, primary_key=True, autoincrement=True),
    Column("subscriber_id", ForeignKey("subscriber.subscriber_id"), nullable=False),
    Column("event", String(40), nullable=False),
    Column("payload", Text, nullable=False),
    # waiting; delivered; dead: given up until somebody sends it again
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", String(40), nullable=False),
    Column("fault", Text, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("delivered_at", String(40), nullable=False),
    UniqueConstraint("subscriber_id", "event", name="one_delivery_an_event"),
    Index("delivery_by_state", "state", "next_at"),
)
