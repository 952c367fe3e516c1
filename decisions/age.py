"""How old scores are: whoever is told one is told its age, and beyond a limit it is stale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Age:
    """The age of the last run of everyone."""

    as_of: datetime
    """The moment of the run: what was known by then counted."""
    at: datetime
    """When it is looked at."""
    stale_days: float
    """Beyond so many days the scores are stale."""

    @property
    def days(self) -> float:
        """To one decimal; a run of a moment that has not come is new.

        >>> from datetime import UTC
        >>> moment = datetime(2026, 1, 1, tzinfo=UTC)
        >>> Age(moment, moment + timedelta(hours=36), 2).days
        1.5
        """
        return days_between(self.as_of, self.at)

    @property
    def is_stale(self) -> bool:
        return self.at - self.as_of > self.stale_days * DAY


def days_between(since: datetime, at: datetime) -> float:
    """To one decimal, at least 0."""
    return round(max(timedelta(0), at - since) / DAY, 1)


def source_days(sources: Mapping[str, str], at: datetime) -> dict[str, float]:
    """By table the age of its newest record.

    Parameters
    ----------
    sources
        By table when its newest record became known, ISO 8601.
    """
    return {name: days_between(datetime.fromisoformat(m), at) for name, m in sources.items()}
