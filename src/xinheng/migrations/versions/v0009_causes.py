"""Class changes with the shares of their causes, and what they are told from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column(
        "assessment_run", sa.Column("ruling", sa.String(16), nullable=False, server_default="")
    )
    op.create_index("run_by_kind", "assessment_run", ["kind", "run_id"])
    op.add_column(
        "current_assessment", sa.Column("score", sa.Float(), nullable=False, server_default="0")
    )
    op.execute(
        "UPDATE current_assessment SET score = COALESCE((SELECT score FROM assessment "
        "WHERE assessment.run_id = current_assessment.run_id "
        "AND assessment.uscc = current_assessment.uscc), 0)"
    )
    for column in (
        sa.Column("former_as_of", sa.String(40), nullable=False, server_default=""),
        sa.Column("former_score", sa.Float(), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("shares", sa.Text(), nullable=False, server_default="[]"),
    ):
        op.add_column("class_change", column)
