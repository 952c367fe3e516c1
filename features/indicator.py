"""An indicator is a value: what is counted, over which windows, which way it may push, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from xinheng.features.vocabulary.fold import Aggregation, Fold

Direction = Literal["up", "down", "none"]
GENERAL = "general"
"""The scope of indicators for every enterprise; other scopes are sectors."""
STATE = 0
"""The window that stands for the state at `as_of`, all usable history."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Indicator:
    """One entry of a pack; without time, versions and repair, which are the engine's."""

    id: str
    name_zh: str
    name_en: str
    scope: str
    group_l1: str
    group_l2: str
    table: str
    value: Aggregation
    windows_days: tuple[int, ...]
    """0 stands for the state at `as_of`; otherwise days before it, on `event_at`."""
    unit: str
    direction: Direction
    kind: Literal["static", "dynamic", "related", "obligation"]
    rationale: str
    logarithmic: bool = False
    """Heavy-tailed amounts enter the model as log1p."""
    categorical: bool = False
    """The value is a code without order."""
    is_clock: bool = False
    """Says how near a deadline is, not what the enterprise is like; for deadline models only."""
    is_steady: bool = True
    """False: a bad record may lower the risk that it tells, or a clean visit raise it; how long ago
    somebody looked, a mean over visits (domain README, section 2)."""
    covered_by: tuple[str, ...] = ()
    """Tables whose delivery makes an absence of rows mean something, if not its own."""

    @cached_property
    def columns(self) -> tuple[FeatureColumn, ...]:
        """One a window; always the same objects."""
        return tuple(FeatureColumn(self, window) for window in self.windows_days)


@dataclass(frozen=True, eq=False)
class FeatureColumn:
    """One indicator over one window: a column of the model's input."""

    indicator: Indicator
    window_days: int

    @cached_property
    def name(self) -> str:
        suffix = f"_{self.window_days}d" if self.window_days != STATE else ""
        return f"{self.indicator.id}{suffix}"

    @cached_property
    def folds(self) -> Mapping[str, Fold]:
        """The folds over this window."""
        return self.indicator.value.folds(self.window_days)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Tables that must be delivered for an absence of rows to mean something."""
        return self.indicator.covered_by or (self.indicator.table,)

    @property
    def monotone(self) -> int:
        """Constraint of the model: +1 may only raise risk, -1 may only lower it, 0 free."""
        return {"up": 1, "down": -1, "none": 0}[self.indicator.direction]


def columns_of(indicators: tuple[Indicator, ...]) -> Iterator[FeatureColumn]:
    for indicator in indicators:
        yield from indicator.columns
