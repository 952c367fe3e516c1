"""The tables of what arrived and has not, or not long ago, become part of the lake."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from xinheng.database import METADATA

RECEIPT = Table(
    "record_receipt",
    METADATA,
    Column("receipt_id", Integer, primary_key=True, autoincrement=True),
    Column("client_id", Integer, nullable=False),
    Column("idempotency_key", String(120), nullable=False),
    # of the body, so that a key is not used for two
    Column("digest", String(64), nullable=False),
    Column("received_at", String(40), nullable=False),
    Column("rows", Integer, nullable=False),
    # received: not in the lake; settled: every row has its outcome; scored: who it is about, too;
    # aside: a fault of the platform's own came of it
    Column("state", String(10), nullable=False),
    Column("batch_id", String(40), nullable=False),
    Column("settled_at", String(40), nullable=False),
    Column("scored_at", String(40), nullable=False),
    # why it was set aside
    Column("fault", Text, nullable=False, server_default=""),
    UniqueConstraint("client_id", "idempotency_key", name="one_body_a_key"),
    Index("receipt_by_state", "state"),
)
ROW = Table(
    "record_row",
    METADATA,
    Column("receipt_id", ForeignKey("record_receipt.receipt_id"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("record_type", String(40), nullable=False),
    Column("uscc", String(18), nullable=False),
    Column("content", Text, nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("findings", Text, nullable=False),
)

NEIGHBOUR = Table(
    "rescore_waiting",
    METADATA,
    # whose relations new records of others have changed
    Column("uscc", String(18), primary_key=True),
    Column("since", String(40), nullable=False),
)
