"""What a run finds: one point that holds for one enterprise, before anything is raised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from xinheng.decisions.alerts.points import Level, Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One point of one enterprise, and what it rests on."""

    point: Point
    level: Level
    uscc: str
    subject: str = ""
    """The duty or record it is about; empty: a state of the enterprise."""
    record_ids: tuple[str, ...] = ()
    event_at: datetime | None = None
    due_at: datetime | None = None
    deliver_by: datetime | None = None
    """The last moment at which it is early enough; None: at once."""
    probability: float | None = None
    threshold: float | None = None
    model_version: str = ""
