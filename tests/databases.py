"""An empty operational database, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

SERVER = os.environ.get(
    "XINHENG_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1/postgres"
)
NO_SKIP = os.environ.get("XINHENG_NO_SKIP") == "1"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database of its own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'operations.db'}"
        return
    name = f"xinheng_test_{uuid4().hex[:12]}"
    admin = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError as fault:
        admin.dispose()
        if NO_SKIP:
            raise
        pytest.skip(f"no PostgreSQL at {SERVER}: {str(fault.orig).splitlines()[0]}")
    yield SERVER.rsplit("/", 1)[0] + f"/{name}"
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()
