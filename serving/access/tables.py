"""The tables of clients and of the query log."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from xinheng.database import METADATA

CLIENT = Table(
    "api_client",
    METADATA,
    Column("client_id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(120), nullable=False),
    # SHA-256 of the key, which has 256 random bits of its own
    Column("key_hash", String(64), nullable=False, unique=True),
    # the first letters of the key, to tell keys apart
    Column("key_begins", String(12), nullable=False),
    Column("scopes", Text, nullable=False),
    # GB/T 2260 prefix of what it may see; empty: everything
    Column("region", String(6), nullable=False),
    Column("rate", String(40), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("made_by", Text, nullable=False),
    Column("ended_at", String(40), nullable=False),
    Column("ended_by", Text, nullable=False),
)
QUERY = Table(
    "query_log",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", String(40), nullable=False),
    Column("request_id", String(64), nullable=False),
    # 0: nobody who is known
    Column("client_id", Integer, nullable=False),
    Column("method", String(8), nullable=False),
    Column("route", String(200), nullable=False),
    # the enterprise asked about; empty: none, or many
    Column("uscc", String(18), nullable=False),
    Column("enterprises", Integer, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Index("query_by_uscc", "uscc"),
    Index("query_by_client", "client_id"),
)
