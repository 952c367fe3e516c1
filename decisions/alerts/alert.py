"""An alert, its steps, and which step may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from xinheng.decisions.alerts.finding import Finding

Step = Literal["created", "delivered", "read", "handled", "closed", "expired", "held_back"]
OPEN_STEPS = ("created", "delivered", "read", "handled")
TOLD = ("delivered", "read", "handled", "closed", "expired")
"""States of alerts that left the house, where an officer is named; not those kept back by lot."""
NEXT: Mapping[str, tuple[str, ...]] = {
    "created": ("delivered", "read", "handled", "closed", "expired"),
    "delivered": ("read", "handled", "closed", "expired"),
    "read": ("handled", "closed", "expired"),
    "handled": ("closed", "expired"),
    "held_back": (),
    "closed": (),
    "expired": (),
}
"""Which steps may follow; what is over stays over."""
SYSTEM = "xinheng"
"""Who is named for steps that follow from the records alone."""
NO_RECORD, NO_DUTY = "the record no longer counts", "the duty no longer counts"
"""Why the system ends a warning whose ground is not in force: it may be raised again once it is."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One step of an alert."""

    step: Step
    at: datetime
    by: str
    measure: str = ""
    """What was done, of the measures of domain README, section 12."""
    result: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert as it stands."""

    alert_id: int
    run_id: int
    point: str
    level: str
    uscc: str
    subject: str
    title_zh: str
    title_en: str
    as_of: datetime
    event_at: datetime | None
    due_at: datetime | None
    deliver_by: datetime | None
    is_late: bool
    """Raised too late to leave before `deliver_by`."""
    probability: float | None
    threshold: float | None
    model_version: str
    record_ids: tuple[str, ...]
    officer: str
    state: Step
    changed_at: datetime
    steps: tuple[Taken, ...] = ()

    @property
    def key(self) -> str:
        """What no two open alerts share."""
        return key_of(self.point, self.uscc, self.subject)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STEPS

    def as_json(self) -> dict[str, Any]:
        """With moments as ISO 8601."""
        return {key: _plain(value) for key, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Raised:
    """A finding that becomes an alert, with its first steps."""

    finding: Finding
    officer: str
    is_late: bool
    steps: tuple[Taken, ...]


def open_key(one: Finding) -> str:
    """What no two open alerts share."""
    return key_of(one.point.id, one.uscc, one.subject)


def key_of(point: str, uscc: str, subject: str) -> str:
    """Of an alert or a finding."""
    return f"{point}|{uscc}|{subject}"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value
