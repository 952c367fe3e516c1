"""The tables of alerts in the operational database."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from xinheng.database import METADATA

RUN = Table(
    "alert_run",
    METADATA,
    Column("run_id", Integer, primary_key=True, autoincrement=True),
    Column("as_of", String(40), nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("report", Text, nullable=False),
    # all: everyone and every point; live: new facts of some enterprises
    Column("kind", String(8), nullable=False, server_default="all"),
)
ALERT = Table(
    "alert",
    METADATA,
    Column("alert_id", Integer, primary_key=True, autoincrement=False),
    Column("run_id", ForeignKey("alert_run.run_id"), nullable=False),
    Column("point", String(8), nullable=False),
    Column("level", String(8), nullable=False),
    Column("uscc", String(18), nullable=False),
    Column("subject", Text, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("as_of", String(40), nullable=False),
    Column("event_at", String(40), nullable=False),
    Column("due_at", String(40), nullable=False),
    Column("deliver_by", String(40), nullable=False),
    Column("is_late", Boolean, nullable=False),
    Column("probability", Float),
    Column("threshold", Float),
    Column("model_version", String(80), nullable=False),
    Column("record_ids", Text, nullable=False),
    Column("officer", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("changed_at", String(40), nullable=False),
    # one open alert per point, enterprise and subject; empty once it is over
    Column("open_key", Text, unique=True),
    Index("alert_by_state", "state", "level"),
    Index("alert_by_uscc", "uscc"),
    Index("alert_by_point", "point", "as_of"),
)
STEP = Table(
    "alert_step",
    METADATA,
    Column("alert_id", ForeignKey("alert.alert_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("step", String(12), nullable=False),
    Column("at", String(40), nullable=False),
    Column("by", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("note", Text, nullable=False),
)
HOLDING = Table(
    "alert_holding",
    METADATA,
    Column("point", String(8), primary_key=True),
    Column("uscc", String(18), primary_key=True),
)
