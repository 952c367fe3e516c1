"""Of each enterprise the newest assessment, so that live ones can stand beside a night's."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

REVIEWED = ("C", "D", "E")
BATCH = 500


def upgrade() -> None:
    op.add_column(
        "assessment_run", sa.Column("kind", sa.String(8), nullable=False, server_default="all")
    )
    op.add_column(
        "assessment_run", sa.Column("sources", sa.Text(), nullable=False, server_default="{}")
    )
    op.create_index("assessment_by_uscc", "assessment", ["uscc"])
    current = op.create_table(
        "current_assessment",
        sa.Column("uscc", sa.String(18), primary_key=True),
        sa.Column("run_id", sa.Integer(), sa.ForeignKey("assessment_run.run_id"), nullable=False),
        sa.Column("lake_batch", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.String(40), nullable=False),
        sa.Column("risk_class", sa.String(1), nullable=False),
        sa.Column("settled_class", sa.String(1), nullable=False),
        sa.Column("night_class", sa.String(1), nullable=False),
        sa.Column("model_version", sa.String(80), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("log_odds", sa.Float(), nullable=False),
        sa.Column("region_code", sa.String(6), nullable=False),
        sa.Column("approval", sa.Text(), nullable=False),
    )
    op.create_index("current_by_risk", "current_assessment", ["log_odds"])
    op.create_index("current_by_class", "current_assessment", ["risk_class"])
    _fill(current)


def _fill(current: sa.Table) -> None:
    """From the newest run, whose answers knew no region."""
    bind = op.get_bind()
    run = bind.execute(
        sa.text("SELECT run_id, lake_batch FROM assessment_run ORDER BY run_id DESC LIMIT 1")
    ).first()
    if run is None:
        return
    found = bind.execute(
        sa.text("SELECT uscc, answer FROM assessment WHERE run_id = :run"), {"run": run.run_id}
    ).all()
    rows = [_row(run.run_id, run.lake_batch, uscc, json.loads(answer)) for uscc, answer in found]
    for start in range(0, len(rows), BATCH):
        bind.execute(sa.insert(current), rows[start : start + BATCH])


def _row(run_id: int, lake_batch: int, uscc: str, told: dict[str, object]) -> dict[str, object]:
    holding = told.get("hard_rules") or []
    assert isinstance(holding, list)
    rules = [str(rule["id"]) for rule in holding]
    is_reviewed = told["risk_class"] in REVIEWED
    approval = {
        "uscc": uscc,
        "answer": "risk_review" if is_reviewed else "no_manual_check",
        "reason_codes": (rules or ["RISK"]) if is_reviewed else [],
    }
    return {
        "uscc": uscc,
        "run_id": run_id,
        "lake_batch": lake_batch,
        "as_of": told["as_of"],
        "risk_class": told["risk_class"],
        "settled_class": told.get("settled_class") or told["model_class"],
        "night_class": told["model_class"],
        "model_version": told["model_version"],
        "rules": json.dumps(rules),
        "log_odds": told["log_odds"],
        "region_code": "",
        "approval": json.dumps(approval),
    }
