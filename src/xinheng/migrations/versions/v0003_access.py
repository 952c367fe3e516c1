"""Clients of the API, and the log of what they asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from xinheng.database import growing

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "api_client",
        sa.Column("client_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("key_begins", sa.String(12), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("region", sa.String(6), nullable=False),
        sa.Column("rate", sa.String(40), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("made_at", sa.String(40), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.String(40), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
    )
    op.create_table(
        "query_log",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(8), nullable=False),
        sa.Column("route", sa.String(200), nullable=False),
        sa.Column("uscc", sa.String(18), nullable=False),
        sa.Column("enterprises", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
    )
    op.create_index("query_by_uscc", "query_log", ["uscc"])
    op.create_index("query_by_client", "query_log", ["client_id"])
    for statement in growing("query_log", op.get_bind().dialect.name):
        op.execute(statement)
