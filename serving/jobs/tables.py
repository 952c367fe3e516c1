"""The table of jobs; their files lie in the home."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from xinheng.database import METADATA

JOB = Table(
    "job",
    METADATA,
    Column("job_id", Integer, primary_key=True, autoincrement=True),
    Column("client_id", Integer, nullable=False),
    # GB/T 2260 prefix of the enterprises that its client may see; empty: all
    Column("region", String(6), nullable=False),
    # waiting, running, done, failed, ended
    Column("state", String(10), nullable=False),
    Column("asked", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
    Column("fault", Text, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("done_at", String(40), nullable=False),
    Index("job_by_state", "state"),
)
