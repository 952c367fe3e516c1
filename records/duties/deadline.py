"""The last day of a duty: one rule for told and computed days, deferrals and instalments (LC07b).

A day that its source tells comes before the computed term. On a day that is not worked it moves to
the next that is, unless the clock does not shift or the decision fixes the day itself. A deferral
is such a day, and so is each instalment (`xinheng.records.duties.loops.instalments`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from xinheng.records.duties.workdays import Workdays
from xinheng.records.frames import Bools, Ints

NO_END = (date(2099, 12, 31) - date(1970, 1, 1)).days
"""Sources write this day, or a later one, where there is no end."""


@dataclass(frozen=True, slots=True)
class LastDayRule:
    """How last days are settled: by which calendar, and whether they move off a free day."""

    calendar: Workdays
    shifts: bool

    def last_days(self, day: Ints, is_fixed: Bools | None = None) -> Ints:
        """Last days as they bind, in days since 1970; `NO_END` where there is no end.

        Parameters
        ----------
        day
            Last days as told or computed; `NONE` where there is none.
        is_fixed
            Where the decision itself fixes the day, so that it stays.
        """
        ends = np.minimum(day, NO_END)
        if not self.shifts:
            return ends
        # before the calendar begins nothing is known to be free
        stays = (ends == NO_END) | (ends < self.calendar.first_number)
        if is_fixed is not None:
            stays |= is_fixed
        return np.where(stays, ends, self.calendar.next_from(ends))

    def is_certain(self, last_day: Ints, is_fixed: Bools | None = None) -> Bools:
        """Whether a last day cannot move any more: the notice of its year is known, or it stays."""
        if not self.shifts:
            return np.ones(len(last_day), dtype=bool)
        known = self.calendar.is_certain(last_day) | (last_day == NO_END)
        return known if is_fixed is None else np.asarray(known | is_fixed)
