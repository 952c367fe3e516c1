"""How old the scores and sources are that are being told: on every page, in every answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Protocol

from fastapi import Depends, Request
from pydantic import BaseModel, Field

from xinheng.decisions.age import Age, source_days
from xinheng.decisions.kept.facts import RunFacts

REMEMBERED = 1.0
"""Seconds for which the last run is not looked up again."""
AS_OF, AGE, STALE = "X-Scores-As-Of", "X-Scores-Age-Days", "X-Scores-Stale"
"""Headers of every answer of the API."""
DESCRIBED = {
    AS_OF: {
        "description": "Moment of the last run of everyone",
        "schema": {"type": "string", "format": "date-time"},
    },
    AGE: {"description": "Days since then", "schema": {"type": "number"}},
    STALE: {
        "description": "Whether that is more than the setting `scores.stale_days`",
        "schema": {"type": "boolean"},
    },
}
"""The same in OpenAPI."""


class FreshnessAnswer(BaseModel):
    """How old what is told is."""

    scores_as_of: datetime | None = Field(
        description="Moment of the last run of everyone; empty: there was none"
    )
    scores_age_days: float | None = Field(examples=[0.4])
    stale_days: float = Field(description="Beyond so many days scores are stale", examples=[2])
    is_stale: bool
    source_age_days: dict[str, float] = Field(
        description="By table the age of the newest record that was known at the assessment",
        examples=[{"complaint": 0.6, "tax_record": 17.0}],
    )


class Runs(Protocol):
    """Who knows the last run of everyone, and how fresh the sources were at the last of all."""

    def last_run(self) -> RunFacts | None: ...
    def newest_sources(self) -> Mapping[str, str]: ...


@dataclass(slots=True)
class Freshness:
    """Ages at the moment of a question; the database is asked about once a second."""

    runs: Runs
    clock: Callable[[], datetime]
    stale_days: float
    _looked: float = field(default=-REMEMBERED, init=False)
    _last: RunFacts | None = field(default=None, init=False)
    _sources: Mapping[str, str] = field(default_factory=dict, init=False)

    def current(self) -> Age | None:
        """The age of the last run of everyone; None: there was none."""
        self._look()
        last = self._last
        return None if last is None else Age(last.as_of, self.clock(), self.stale_days)

    def sources(self) -> dict[str, float]:
        """By table the age in days of the newest record, the oldest first."""
        self._look()
        ages = source_days(self._sources, self.clock())
        return dict(sorted(ages.items(), key=lambda one: (-one[1], one[0])))

    def headers(self) -> list[tuple[bytes, bytes]]:
        """What every answer of the API says of the scores."""
        age = self.current()
        if age is None:
            return []
        told = {AS_OF: age.as_of.isoformat(), AGE: f"{age.days}", STALE: str(age.is_stale).lower()}
        return [(name.lower().encode(), value.encode()) for name, value in told.items()]

    def as_json(self, sources: str) -> bytes:
        """`FreshnessAnswer` of an answer whose sources were as fresh as a JSON object says."""
        age = self.current()
        minute = self.clock().replace(second=0, microsecond=0)
        return _as_json(age and age.as_of, age is not None and age.is_stale, sources, minute,
                        self.stale_days)  # fmt: skip

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked >= REMEMBERED:
            self._last, self._sources = self.runs.last_run(), self.runs.newest_sources()
            self._looked = now


@lru_cache(maxsize=256)
def _as_json(
    as_of: datetime | None, is_stale: bool, sources: str, minute: datetime, stale_days: float  # noqa: FBT001
) -> bytes:  # fmt: skip
    """The same for all answers of a run within a minute."""
    age = None if as_of is None else Age(as_of, minute, stale_days)
    told = {
        "scores_as_of": as_of and as_of.isoformat(),
        "scores_age_days": age and age.days,
        "stale_days": stale_days,
        "is_stale": is_stale,
        "source_age_days": source_days(json.loads(sources), minute),
    }
    return json.dumps(told, separators=(",", ":")).encode()


def freshness(request: Request) -> Freshness:
    """The one that `create_app` made."""
    found: Freshness = request.app.state.freshness
    return found


Fresh = Annotated[Freshness, Depends(freshness)]
