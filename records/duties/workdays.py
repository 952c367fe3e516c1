"""Working days, from one data file a year (State Council notices, make-up days included)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2045, 12, 31)


@dataclass(frozen=True, slots=True)
class Workdays:
    """Which days are worked; years without a file know Saturdays and Sundays only."""

    days: pl.Series
    """The working days from `FIRST_DAY` to `LAST_DAY`, ascending."""
    years: frozenset[int]
    """Years that have a file."""

    def after(self, day: str, count: int) -> pl.Expr:
        """The `count`-th working day after the day in a column."""
        return pl.col(day).map_batches(
            lambda s: self._shifted(s, count), return_dtype=pl.Date, is_elementwise=True
        )

    def on_or_after(self, day: str) -> pl.Expr:
        """The day itself where it is worked, else the next that is."""
        return pl.col(day).map_batches(self._next, return_dtype=pl.Date, is_elementwise=True)

    def between(self, first: pl.Series, last: pl.Series) -> pl.Series:
        """Working days after the first day up to and including the last."""
        return (self._rank(last) - self._rank(first)).cast(pl.Int64)

    def _rank(self, days: pl.Series) -> pl.Series:
        """Working days up to and including each day."""
        rank = self.days.search_sorted(days.fill_null(FIRST_DAY), side="right").cast(pl.Int64)
        return rank.set(days.is_null(), None)

    def _shifted(self, days: pl.Series, count: int) -> pl.Series:
        return self._at(self._rank(days) - 1 + count)

    def _next(self, days: pl.Series) -> pl.Series:
        before = self.days.search_sorted(days.fill_null(FIRST_DAY), side="left").cast(pl.Int64)
        return self._at(before.set(days.is_null(), None))

    def _at(self, rank: pl.Series) -> pl.Series:
        inside = rank.set((rank < 0) | (rank >= self.days.len()), None)
        return self.days.gather(inside)


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
