"""Subscribers to alerts and class changes, and what is on its way to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "subscriber",
        sa.Column("subscriber_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(80), nullable=False),
        sa.Column("kinds", sa.String(40), nullable=False),
        sa.Column("region", sa.String(6), nullable=False),
        sa.Column("alert_cursor", sa.Integer(), nullable=False),
        sa.Column("change_cursor", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.String(40), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.String(40), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("delivery_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column(
            "subscriber_id", sa.Integer(), sa.ForeignKey("subscriber.subscriber_id"),
            nullable=False,
        ),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.String(40), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("made_at", sa.String(40), nullable=False),
        sa.Column("delivered_at", sa.String(40), nullable=False),
        sa.UniqueConstraint("subscriber_id", "event", name="one_delivery_an_event"),
    )  # fmt: skip
    op.create_index("delivery_by_state", "webhook_delivery", ["state", "next_at"])
