"""Working days, from one data file a year (State Council notices, make-up days included)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from importlib.resources import files

import numpy as np
import polars as pl

from xinheng.records.frames import NONE, Ints, as_days, days

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2045, 12, 31)


@dataclass(frozen=True, eq=False)
class Workdays:
    """Which days are worked; years without a file know Saturdays and Sundays only."""

    days: pl.Series
    """The working days from `FIRST_DAY` to `LAST_DAY`, ascending."""
    years: frozenset[int]
    """Years that have a file."""

    def after(self, day: str, count: int) -> pl.Expr:
        """The `count`-th working day after the day in a column."""
        return pl.col(day).map_batches(
            lambda s: as_days(self._shifted(days(s), count)),
            return_dtype=pl.Date,
            is_elementwise=True,
        )

    def on_or_after(self, day: str) -> pl.Expr:
        """The day itself where it is worked, else the next that is."""
        return pl.col(day).map_batches(
            lambda s: as_days(self.next_from(days(s))), return_dtype=pl.Date, is_elementwise=True
        )

    def between(self, first: pl.Series, last: pl.Series) -> pl.Series:
        """Working days after the first day up to and including the last."""
        begins, ends = days(first), days(last)
        is_known = pl.Series((begins != NONE) & (ends != NONE))
        return pl.Series(self._rank(ends) - self._rank(begins)).set(~is_known, None)

    def next_from(self, day: Ints) -> Ints:
        """As `on_or_after`, of days since 1970; `NONE` where there is none."""
        return self._at(np.searchsorted(self._numbers, day, "left"), day)

    def _shifted(self, day: Ints, count: int) -> Ints:
        return self._at(self._rank(day) - 1 + count, day)

    def _rank(self, day: Ints) -> Ints:
        """Working days up to and including each day."""
        return np.searchsorted(self._numbers, day, "right")

    def _at(self, rank: Ints, day: Ints) -> Ints:
        is_inside = (day != NONE) & (rank >= 0) & (rank < len(self._numbers))
        return np.where(is_inside, self._numbers[np.where(is_inside, rank, 0)], NONE)

    @cached_property
    def _numbers(self) -> Ints:
        return days(self.days)


@cache
def workdays() -> Workdays:
    """The calendar of all data files."""
    told: dict[date, bool] = {}
    years = set()
    for path in files("xinheng.records.duties").joinpath("calendar").iterdir():
        if path.name.endswith(".csv"):
            years.add(int(path.name.removesuffix(".csv")))
            told |= _told(path.read_text(encoding="utf-8"))
    every = [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    worked = [day for day in every if told.get(day, day.weekday() < 5)]
    return Workdays(pl.Series(np.array(worked, dtype="datetime64[D]")), frozenset(years))


def _told(text: str) -> Mapping[date, bool]:
    """Days named by a file: worked or not."""
    return {
        date.fromisoformat(row["day"]): row["kind"] == "workday"
        for row in csv.DictReader(text.splitlines())
    }
