"""The tables of assessments and lists in the operational database."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, String, Table, Text

from xinheng.database import METADATA

RUN = Table(
    "assessment_run",
    METADATA,
    Column("run_id", Integer, primary_key=True, autoincrement=True),
    Column("as_of", String(40), nullable=False),
    Column("model_version", String(80), nullable=False),
    Column("lake_batch", Integer, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("assessed", Integer, nullable=False),
    # all: everyone on the register; live: those that new records are about; open: being written
    Column("kind", String(8), nullable=False, server_default="all"),
    # when the newest record of each source became known, as JSON
    Column("sources", Text, nullable=False, server_default="{}"),
    # what a night says of itself, as JSON
    Column("report", Text, nullable=False, server_default="{}"),
    # what hard rules and cuts decided; empty: not known
    Column("ruling", String(16), nullable=False, server_default=""),
    Index("run_by_kind", "kind", "run_id"),
)
ASSESSMENT = Table(
    "assessment",
    METADATA,
    Column("run_id", ForeignKey("assessment_run.run_id"), primary_key=True),
    Column("uscc", String(18), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("risk_class", String(1), nullable=False),
    Column("score", Float, nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Index("assessment_by_place", "run_id", "place"),
    Index("assessment_by_uscc", "uscc"),
)
CURRENT = Table(
    "current_assessment",
    METADATA,
    Column("uscc", String(18), primary_key=True),
    Column("run_id", ForeignKey("assessment_run.run_id"), nullable=False),
    Column("lake_batch", Integer, nullable=False),
    Column("as_of", String(40), nullable=False),
    Column("risk_class", String(1), nullable=False),
    Column("settled_class", String(1), nullable=False),
    # by the score alone at the last run of everyone
    Column("night_class", String(1), nullable=False),
    Column("model_version", String(80), nullable=False),
    Column("rules", Text, nullable=False),
    Column("score", Float, nullable=False, server_default="0"),
    Column("log_odds", Float, nullable=False),
    Column("region_code", String(6), nullable=False),
    # what the approval check answers, as it leaves the house
    Column("approval", Text, nullable=False),
    Index("current_by_risk", "log_odds"),
    Index("current_by_class", "risk_class"),
)
CHANGE = Table(
    "class_change",
    METADATA,
    Column("change_id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", ForeignKey("assessment_run.run_id"), nullable=False),
    Column("uscc", String(18), nullable=False, index=True),
    Column("as_of", String(40), nullable=False),
    Column("former", String(1), nullable=False),
    Column("present", String(1), nullable=False),
    Column("cause", String(8), nullable=False),
    Column("rules", Text, nullable=False),
    # how it stood before; empty and null: of changes from before this was kept
    Column("former_as_of", String(40), nullable=False, server_default=""),
    Column("former_score", Float, nullable=True),
    Column("score", Float, nullable=True),
    # what each cause did, as JSON
    Column("shares", Text, nullable=False, server_default="[]"),
)
LIST = Table(
    "inspection_list",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("run_id", ForeignKey("assessment_run.run_id"), nullable=False),
    Column("list_id", String(40), nullable=False),
    Column("officer", Text, nullable=False),
    Column("content", Text, nullable=False),
)
