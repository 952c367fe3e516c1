"""Working days, from one file a year (State Council notices, make-up days included).

Of a year without a file Saturdays, Sundays and the holidays of the regulation itself are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import polars as pl

from xinheng.records.duties.years import (
    DELIVERED,
    FIXED_SINCE,
    YearNotice,
    fixed_holidays,
    read_years,
)
from xinheng.records.frames import NONE, Bools, Ints, as_days, days

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2099, 12, 31)


@dataclass(frozen=True, eq=False)
class Workdays:
    """Which days are worked, and of which years that is certain."""

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

    @cached_property
    def first_number(self) -> int:
        """The first working day, in days since 1970."""
        return int(self._numbers[0])

    def is_certain(self, day: Ints) -> Bools:
        """Whether the year of each day has a file; no day at all is certain."""
        years = day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
        return np.asarray(np.isin(years, [*self.years]) | (day == NONE))

    @cached_property
    def certain_until(self) -> date:
        """Last day of the last year before a gap in the files."""
        year = min(self.years)
        while year + 1 in self.years:
            year += 1
        return date(year, 12, 31)

    def exceptions(self, year: int) -> Iterator[tuple[date, bool]]:
        """Days of a year that differ from the weekly order, and whether they are worked."""
        worked = {*self.days.filter(self.days.dt.year() == year)}
        for n in range(366):
            day = date(year, 1, 1) + timedelta(days=n)
            if day.year == year and (day in worked) != (day.weekday() < 5):
                yield day, day in worked

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
    """The calendar of the delivered files."""
    return _calendar(read_years(DELIVERED))


def workdays_of(folder: Path) -> Workdays:
    """The calendar of a deployment: a file of its own comes before the delivered one of a year.

    Raises
    ------
    BadMapping
        If a file of the folder is none.
    """
    stamps = tuple((str(path), path.stat().st_mtime_ns) for path in sorted(folder.glob("*.toml")))
    return _own(folder, stamps) if stamps else workdays()


@cache
def _own(folder: Path, _: tuple[tuple[str, int], ...]) -> Workdays:
    """Made again only when a file has changed."""
    return _calendar({**read_years(DELIVERED), **read_years(folder)})


def _calendar(notices: Mapping[int, YearNotice]) -> Workdays:
    named: dict[date, bool] = {}
    for year in range(FIRST_DAY.year, LAST_DAY.year + 1):
        if year not in notices or year >= FIXED_SINCE:
            named |= dict.fromkeys(fixed_holidays(year), False)
    for year in sorted(notices):
        named |= notices[year].days
    every = [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    worked = [day for day in every if named.get(day, day.weekday() < 5)]
    return Workdays(pl.Series(np.array(worked, dtype="datetime64[D]")), frozenset(notices))
