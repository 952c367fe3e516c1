"""The tables as they were when migrations began.

Databases from before have some or all of them already: a table was made when it was first needed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from xinheng.database import growing

revision = "0001"
down_revision = None


def upgrade() -> None:
    _tickets()
    _features_and_models()
    _assessments()
    _changes_and_lists()
    _alert_runs()
    _alerts()
    _alert_steps()
    for name in ("alert_step", "model_promotion"):
        for statement in growing(name, op.get_bind().dialect.name):
            op.execute(statement)


def _tickets() -> None:
    op.create_table(
        "ticket",
        sa.Column("ticket_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column("record_type", sa.String(length=40), nullable=False),
        sa.Column("source_dept", sa.Text(), nullable=False),
        sa.Column("checks", sa.Text(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("message_en", sa.Text(), nullable=False),
        sa.Column("message_zh", sa.Text(), nullable=False),
        sa.Column("needs", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("changed_at", sa.String(length=40), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("in_lake", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id"),
        if_not_exists=True,
    )
    op.create_index("ticket_by_record", "ticket", ["record_id"], if_not_exists=True)
    op.create_index("ticket_by_state", "ticket", ["state", "source_dept"], if_not_exists=True)
    op.create_table(
        "ticket_progress",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("batch_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        if_not_exists=True,
    )
    op.create_table(
        "ticket_confirmation",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=120), nullable=False),
        sa.Column("department", sa.String(length=120), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["ticket.ticket_id"],
        ),
        sa.PrimaryKeyConstraint("ticket_id", "number"),
        sa.UniqueConstraint("ticket_id", "person"),
        if_not_exists=True,
    )


def _features_and_models() -> None:
    op.create_table(
        "feature_vector",
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("as_of", sa.String(length=40), nullable=False),
        sa.Column("catalogue", sa.String(length=12), nullable=False),
        sa.Column("lake_batch", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.String(length=40), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("uscc"),
        if_not_exists=True,
    )
    op.create_table(
        "model_promotion",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("task", sa.String(length=60), nullable=False),
        sa.Column("action", sa.String(length=12), nullable=False),
        sa.Column("version", sa.String(length=80), nullable=False),
        sa.Column("former", sa.String(length=80), nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("second", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("gates", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        if_not_exists=True,
    )
    op.create_index("ix_model_promotion_task", "model_promotion", ["task"], if_not_exists=True)


def _assessments() -> None:
    op.create_table(
        "assessment_run",
        sa.Column("run_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("as_of", sa.String(length=40), nullable=False),
        sa.Column("model_version", sa.String(length=80), nullable=False),
        sa.Column("lake_batch", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.String(length=40), nullable=False),
        sa.Column("assessed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
        if_not_exists=True,
    )
    op.create_table(
        "assessment",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("risk_class", sa.String(length=1), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["assessment_run.run_id"],
        ),
        sa.PrimaryKeyConstraint("run_id", "uscc"),
        if_not_exists=True,
    )
    op.create_index("assessment_by_place", "assessment", ["run_id", "place"], if_not_exists=True)


def _changes_and_lists() -> None:
    op.create_table(
        "class_change",
        sa.Column("change_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("as_of", sa.String(length=40), nullable=False),
        sa.Column("former", sa.String(length=1), nullable=False),
        sa.Column("present", sa.String(length=1), nullable=False),
        sa.Column("cause", sa.String(length=8), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["assessment_run.run_id"],
        ),
        sa.PrimaryKeyConstraint("change_id"),
        if_not_exists=True,
    )
    op.create_index("ix_class_change_uscc", "class_change", ["uscc"], if_not_exists=True)
    op.create_table(
        "inspection_list",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("list_id", sa.String(length=40), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["assessment_run.run_id"],
        ),
        sa.PrimaryKeyConstraint("number"),
        if_not_exists=True,
    )


def _alert_runs() -> None:
    op.create_table(
        "alert_holding",
        sa.Column("point", sa.String(length=8), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.PrimaryKeyConstraint("point", "uscc"),
        if_not_exists=True,
    )
    op.create_table(
        "alert_run",
        sa.Column("run_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("as_of", sa.String(length=40), nullable=False),
        sa.Column("made_at", sa.String(length=40), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
        if_not_exists=True,
    )


def _alerts() -> None:
    op.create_table(
        "alert",
        sa.Column("alert_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("point", sa.String(length=8), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("as_of", sa.String(length=40), nullable=False),
        sa.Column("event_at", sa.String(length=40), nullable=False),
        sa.Column("due_at", sa.String(length=40), nullable=False),
        sa.Column("deliver_by", sa.String(length=40), nullable=False),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("threshold", sa.Float(), nullable=True),
        sa.Column("model_version", sa.String(length=80), nullable=False),
        sa.Column("record_ids", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("changed_at", sa.String(length=40), nullable=False),
        sa.Column("open_key", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["alert_run.run_id"],
        ),
        sa.PrimaryKeyConstraint("alert_id"),
        sa.UniqueConstraint("open_key"),
        if_not_exists=True,
    )
    op.create_index("alert_by_point", "alert", ["point", "as_of"], if_not_exists=True)
    op.create_index("alert_by_state", "alert", ["state", "level"], if_not_exists=True)
    op.create_index("alert_by_uscc", "alert", ["uscc"], if_not_exists=True)


def _alert_steps() -> None:
    op.create_table(
        "alert_step",
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=12), nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"],
            ["alert.alert_id"],
        ),
        sa.PrimaryKeyConstraint("alert_id", "number"),
        if_not_exists=True,
    )
