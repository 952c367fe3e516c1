"""What the application needs to know who asks, and to log it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from xinheng.serving.access.guard import Guard
from xinheng.serving.access.log import QueryLog


@dataclass(frozen=True, slots=True)
class Access:
    """Guard, log and clock of one server process."""

    guard: Guard
    log: QueryLog
    clock: Callable[[], datetime]

    @classmethod
    def of(cls, engine: Engine, clock: Callable[[], datetime], *, processes: int = 1) -> Access:
        """Over a database; several processes share each client's rate."""
        return cls(Guard.of(engine, share=processes), QueryLog.beside(engine), clock)
