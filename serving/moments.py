"""Moments in questions to the API: one way to read them, with a hint that shows the forms."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from xinheng.moments import read_moment

UNREAD = "moment"
"""Type of the fault of a text that is no moment."""


def _read(value: Any) -> datetime | None:
    """A text as a moment; a number of seconds is none."""
    if value is None or isinstance(value, datetime):
        return value
    try:
        return read_moment(str(value), needs_zone=True)
    except ValueError:
        raise PydanticCustomError(UNREAD, "it is not a date, or a time with its zone") from None


Moment = Annotated[
    datetime | None,
    BeforeValidator(_read),
    WithJsonSchema({
        "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"},
                  {"type": "null"}],
    }),
]  # fmt: skip
"""A moment with its zone; a day is its last moment in Shanghai."""
