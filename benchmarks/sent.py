"""What benchmarks of a running home share."""

from __future__ import annotations

import socket
from typing import Any

from xinheng.records.inbox.columns import given_columns
from xinheng.records.tables import table


def as_sent(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """A stored row as a sender would write it."""
    values = {}
    for column in table(name).columns:
        value = row.get(column.stored)
        if column.name in given_columns(name) and value is not None:
            plain = value if isinstance(value, str | int | float | bool | list) else str(value)
            values[column.name] = value / 100 if column.is_money else plain
    return values | {"uscc": row["uscc"]}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
