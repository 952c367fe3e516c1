"""Which faults pass by themselves, and which come of what was sent."""

from __future__ import annotations

from deltalake.exceptions import DeltaError
from sqlalchemy.exc import SQLAlchemyError

from xinheng.database import DatabaseUnavailable
from xinheng.errors import Busy, NotReady

PASSING = (OSError, MemoryError, SQLAlchemyError, DatabaseUnavailable, DeltaError, Busy, NotReady)


def may_pass(fault: Exception) -> bool:
    """Whether a fault is of disk, memory, database, lake or models: the same may work later."""
    return isinstance(fault, PASSING)


def said(fault: Exception) -> str:
    """A fault in one line."""
    first = (str(fault).splitlines() or [""])[0]
    return f"{type(fault).__name__}: {first}"
