"""Receipts that were set aside, and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column(
        "record_receipt", sa.Column("fault", sa.Text(), nullable=False, server_default="")
    )
