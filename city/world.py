"""The city in one month: who lives, how each firm is inside, and what it already owes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from xinheng.city.draws import Assumptions, Days, Flags, Floats, Ints, generator, month_start
from xinheng.city.firms import ALIVE_FOREVER, Firms
from xinheng.city.post import Post
from xinheng.city.truth import Truth


@dataclass(slots=True)
class World:
    """State that moves from month to month; all arrays have one place a firm."""

    firms: Firms
    post: Post
    truth: Truth
    assumed: Assumptions
    seed: int
    first_year: int
    months: int
    compliance: Floats
    distress: Floats
    diligence: Floats
    ended: Ints
    """Day on which the firm ended, or `ALIVE_FOREVER`."""
    suspended_until: Ints
    risk_class: Ints
    """0 to 3 for A to D: the city's own class, from its records of two years."""
    trouble: Floats
    """Points of found problems, fading; the city classes by them."""
    month: int = 0
    opened_reports: dict[int, Floats] = field(default_factory=dict)
    """By report year, the day on which each firm will file; infinite: never."""
    listed: dict[int, tuple[Ints, Days, pl.Series]] = field(default_factory=dict)
    """By report year: who was listed for it, when, and under which record numbers."""

    @classmethod
    def at_start(  # noqa: PLR0913  (what a city is at its start)
        cls,
        firms: Firms,
        post: Post,
        truth: Truth,
        assumed: Assumptions,
        *,
        seed: int,
        first_year: int,
        months: int,
    ) -> World:
        n = len(firms)
        rng = generator(seed, "start")
        return cls(
            firms, post, truth, assumed, seed, first_year, months,
            compliance=firms.compliance_mean + 0.6 * rng.standard_normal(n),
            distress=firms.distress_mean + 0.6 * rng.standard_normal(n),
            diligence=firms.diligence_mean + 0.6 * rng.standard_normal(n),
            ended=np.full(n, ALIVE_FOREVER),
            suspended_until=np.zeros(n, dtype=np.int64),
            risk_class=np.zeros(n, dtype=np.int64),
            trouble=np.zeros(n),
        )  # fmt: skip

    @property
    def first_day(self) -> int:
        return month_start(self.first_year, self.month)

    @property
    def next_day(self) -> int:
        """First day of the next month."""
        return month_start(self.first_year, self.month + 1)

    @property
    def length(self) -> int:
        return self.next_day - self.first_day

    @property
    def year(self) -> int:
        return self.first_year + self.month // 12

    @property
    def of_year(self) -> int:
        """Month of the year, 1 to 12."""
        return self.month % 12 + 1

    @property
    def alive(self) -> Flags:
        """Firms that are registered before the month and do not end in it."""
        return (self.firms.founded < self.first_day) & (self.ended >= self.next_day)

    def rng(self, subject: str) -> np.random.Generator:
        return generator(self.seed, subject, self.month)

    def day(self, rng: np.random.Generator, n: int) -> Days:
        """Days of this month; few fall on weekends and in its last days nothing is lost."""
        days = self.first_day + rng.integers(0, self.length, n)
        weekday = (days + 3) % 7  # Monday is 0
        moved = np.where((weekday > 4) & (rng.random(n) < 0.85), days - (weekday - 4), days)
        return np.asarray(np.maximum(moved, self.first_day))

    def lag(self, rng: np.random.Generator, n: int, mean: float, most: int = 60) -> Ints:
        """Days until a record arrives: geometric, at least one."""
        return np.asarray(np.minimum(rng.geometric(1 / mean, n), most))
