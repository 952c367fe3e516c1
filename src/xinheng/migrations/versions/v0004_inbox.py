"""Records that arrive one by one, and alerts that are raised because of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "record_receipt",
        sa.Column("receipt_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(120), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("received_at", sa.String(40), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("batch_id", sa.String(40), nullable=False),
        sa.Column("settled_at", sa.String(40), nullable=False),
        sa.Column("scored_at", sa.String(40), nullable=False),
        sa.UniqueConstraint("client_id", "idempotency_key", name="one_body_a_key"),
    )
    op.create_index("receipt_by_state", "record_receipt", ["state"])
    op.create_table(
        "record_row",
        sa.Column(
            "receipt_id", sa.Integer(), sa.ForeignKey("record_receipt.receipt_id"),
            primary_key=True,
        ),
        sa.Column("place", sa.Integer(), primary_key=True),
        sa.Column("record_type", sa.String(40), nullable=False),
        sa.Column("uscc", sa.String(18), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
    )  # fmt: skip
    op.add_column(
        "alert_run", sa.Column("kind", sa.String(8), nullable=False, server_default="all")
    )
    op.create_table(
        "rescore_waiting",
        sa.Column("uscc", sa.String(18), primary_key=True),
        sa.Column("since", sa.String(40), nullable=False),
    )
