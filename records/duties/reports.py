"""LC01 to LC04: who owes which annual report, until when, and whether it was filed.

The register tells who owes one. Of a firm that it does not tell of, only the reports are known that
were filed, with the last day and the mark of lateness that their source gives them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

from xinheng.domain import ZONE
from xinheng.records.duties.deadline import LastDayRule
from xinheng.records.duties.loops.stretches import (
    Usable,
    filed_stretches,
    report_stretches,
)
from xinheng.records.duties.rules import ReportClock
from xinheng.records.duties.workdays import Workdays
from xinheng.records.frames import (
    DAY_US,
    NONE,
    Bools,
    Ints,
    as_days,
    as_moments,
    as_rows,
    days,
    first_moments,
    legal_days,
    microseconds,
)
from xinheng.records.spans import FROM, UNTIL

_EPOCH = date(1970, 1, 1)
TOLD = "LC01 day of the report"
"""The rule of a last day that the report's source tells."""


def reports(
    register: pl.DataFrame,
    filings: pl.DataFrame,
    horizon: datetime,
    clock: ReportClock,
    calendar: Workdays,
) -> pl.DataFrame:
    """One duty a firm and year, from the year after its establishment to that of `horizon`.

    A filed suspension does not release from it (LC02); a firm that ended before the deadline
    owes nothing: `ended_on` is the end as it was known. `register` and `filings` are rows of
    `entity` and `annual_report` with spans.
    """
    years = _years(clock, horizon.astimezone(ZONE).year - 1, calendar)
    firms: dict[str, int] = {}
    found = report_stretches(
        _usable(register, firms, days(register["established_on"]), days(register["ended_on"])),
        _usable(
            filings, firms, filings["report_year"].to_numpy(), microseconds(filings["submitted_at"])
        ),
        years.report_year,
        years.opened_at,
        years.first_day,
    )
    entry, year, filing, since, until, ended = found
    paper, place = as_rows(filing), year - clock.first_year
    told = {
        "uscc": register["uscc"][as_rows(entry)],
        FROM: as_moments(since),
        UNTIL: as_moments(until),
        "ended_on": as_days(ended),
        "performed_at": filings["submitted_at"][paper],
        "filing_id": filings["record_id"][paper],
        "report_year": pl.Series(year),
        "opened_on": as_days(years.opened_on[place]),
        "opened_at": as_moments(years.opened_at[place]),
        "due_at": as_moments(years.due_at[place]),
        "grace_until": as_moments(years.grace_until[place]),
        "is_due_certain": pl.Series(years.is_certain[place]),
    }
    same = {"kind": "annual_report", "source_table": "annual_report", "due_rule": clock.name}
    return pl.DataFrame(
        [
            *(column.alias(name) for name, column in told.items()),
            *(pl.Series(name, [one]).new_from_index(0, len(year)) for name, one in same.items()),
        ]
    )


def filed_reports(
    register: pl.DataFrame, filings: pl.DataFrame, clock: ReportClock, calendar: Workdays
) -> pl.DataFrame:
    """One duty a filing of a firm that no register entry tells of, as its source dates it.

    The source tells the last day (`due_on`) and whether the report came late
    (`is_late_supplement`); where it does not, the clock does. `register` is everybody's entries.
    """
    firms: dict[str, int] = {}
    nothing = np.zeros(register.height, dtype=np.int64)
    submitted, any_order = microseconds(filings["submitted_at"]), filings["record_id"].hash(1)
    order = np.lexsort((any_order.to_numpy(), submitted))
    ordered = filings[as_rows(order)]
    row, since, until = filed_stretches(
        _usable(register, firms, nothing, nothing),
        _usable(ordered, firms, ordered["report_year"].to_numpy(), submitted[order]),
    )
    if len(row) == 0:
        return pl.DataFrame()
    paper = ordered[as_rows(row)]
    kind = pl.Series("kind", ["annual_report"]).new_from_index(0, len(row))
    spans = [as_moments(since).alias(FROM), as_moments(until).alias(UNTIL)]
    same = [paper["uscc"], kind, kind.alias("source_table"), *spans]
    return pl.DataFrame([*same, *_as_told(paper, clock, calendar)])


def _as_told(paper: pl.DataFrame, clock: ReportClock, calendar: Workdays) -> Iterator[pl.Series]:
    """What filings tell of their duties."""
    told_day, rule = days(paper["due_on"]), LastDayRule(calendar, clock.shift_to_workday)
    is_told = told_day != NONE
    computed = _days_of(paper["report_year"] + 1, clock.due)
    last_day = rule.last_days(np.where(is_told, told_day, computed))
    filed_on = legal_days(microseconds(paper["submitted_at"]))
    opened = np.minimum(_days_of(as_days(last_day).dt.year(), clock.opens), filed_on)
    yield from (
        paper["submitted_at"].alias("performed_at"),
        paper["is_late_supplement"].alias("is_late"),
        paper["record_id"].alias("filing_id"),
        paper["report_year"].cast(pl.Int64),
        as_days(opened).alias("opened_on"),
        as_moments(first_moments(opened)).alias("opened_at"),
        as_moments(first_moments(last_day + 1)).alias("due_at"),
        pl.Series([clock.name, TOLD])[as_rows(is_told.astype(np.int64))].alias("due_rule"),
        pl.Series("is_due_certain", rule.is_certain(last_day)),
        as_days(np.full(paper.height, NONE)).alias("ended_on"),
    )


def _days_of(years: pl.Series, month_day: str) -> Ints:
    """The same day of several years."""
    month, day = map(int, month_day.split("-"))
    return days(pl.DataFrame({"year": years}).select(pl.date("year", month, day)).to_series())


def proofs(versions: pl.DataFrame) -> pl.DataFrame:
    """When the platform first knew of a filing, by `uscc` and `report_year`."""
    told = versions.filter(pl.col("operation") != "withdraw")
    return told.group_by("uscc", "report_year").agg(performance_known_at=pl.col("known_at").min())


def _usable(rows: pl.DataFrame, firms: dict[str, int], a: Ints, b: Ints) -> Usable:
    code = np.array([firms.setdefault(u, len(firms)) for u in rows["uscc"]], dtype=np.int64)
    return Usable(code, microseconds(rows[FROM]), microseconds(rows[UNTIL]), a, b)


class Years(NamedTuple):
    """The report years with their dates: days since 1970 and moments in microseconds."""

    report_year: Ints
    first_day: Ints
    """1 January of the year after: who was there before owes the report."""
    opened_on: Ints
    opened_at: Ints
    due_at: Ints
    grace_until: Ints
    is_certain: Bools


@cache
def _years(clock: ReportClock, last: int, calendar: Workdays) -> Years:
    """The report years up to the last."""
    years = range(clock.first_year, last + 1)
    first_day, opened_on, due_on = (
        np.array([_day(year + 1, day) for year in years], dtype=np.int64)
        for day in ("01-01", clock.opens, clock.due)
    )
    rule = LastDayRule(calendar, clock.shift_to_workday)
    last_day = rule.last_days(due_on)
    due_at = first_moments(last_day + 1)
    grace = due_at + clock.grace_days * DAY_US
    return Years(
        np.array(years, dtype=np.int64),
        first_day,
        opened_on,
        first_moments(opened_on),
        due_at,
        grace if clock.grace_days else np.full_like(due_at, NONE),
        rule.is_certain(last_day),
    )


def _day(year: int, month_day: str) -> int:
    return (date.fromisoformat(f"{year}-{month_day}") - _EPOCH).days
