"""How the service's processes log: one line an event, with the id of the request."""

from __future__ import annotations

import structlog
from structlog.typing import EventDict, WrappedLogger

from xinheng.records.privacy.texts import conceal


def structured_logs() -> None:
    """Log to stdout, without personal data that a value or a trace may repeat."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _concealed,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ]
    )


def _concealed(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if isinstance(value, str) and name != "timestamp":
            event[name] = "\n".join(map(conceal, value.splitlines()))
    return event
