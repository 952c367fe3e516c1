"""What a night says of itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column(
        "assessment_run", sa.Column("report", sa.Text(), nullable=False, server_default="{}")
    )
