"""LC01 to LC04: who owes which annual report, until when, and whether it was filed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl

from xinheng.domain import ZONE
from xinheng.records.duties.days import first_moment
from xinheng.records.duties.rules import ReportClock
from xinheng.records.duties.stretches import Usable, report_stretches
from xinheng.records.duties.workdays import workdays
from xinheng.records.frames import Ints, as_days, as_moments, as_rows, days, gathered, microseconds
from xinheng.records.spans import FROM, UNTIL
from xinheng.records.tables import MOMENT

_EPOCH = date(1970, 1, 1)


def reports(
    register: pl.DataFrame, filings: pl.DataFrame, horizon: datetime, clock: ReportClock
) -> pl.DataFrame:
    """One duty a firm and year, from the year after its establishment to that of `horizon`.

    A filed suspension does not release from it (LC02); a firm that ended before the deadline
    owes nothing: `ended_on` is the end as it was known. `register` and `filings` are rows of
    `entity` and `annual_report` with spans.
    """
    calendar = _calendar(clock, horizon)
    years = calendar["report_year"].to_numpy()
    firms: dict[str, int] = {}
    found = report_stretches(
        _usable(register, firms, days(register["established_on"]), days(register["ended_on"])),
        _usable(
            filings, firms, filings["report_year"].to_numpy(), microseconds(filings["submitted_at"])
        ),
        years,
        microseconds(calendar["opened_at"]),
        np.array([(date(year + 1, 1, 1) - _EPOCH).days for year in years.tolist()], dtype=np.int64),
    )
    entry, year, filing, since, until, ended = found
    paper = as_rows(filing)
    told = [
        register["uscc"][as_rows(entry)],
        as_moments(since).alias(FROM),
        as_moments(until).alias(UNTIL),
        as_days(ended).alias("ended_on"),
        filings["submitted_at"][paper].alias("performed_at"),
        filings["record_id"][paper].alias("filing_id"),
        *gathered(calendar, as_rows(year - clock.first_year)),
    ]
    return pl.DataFrame(told)


def proofs(versions: pl.DataFrame) -> pl.DataFrame:
    """When the platform first knew of a filing, by `uscc` and `report_year`."""
    told = versions.filter(pl.col("operation") != "withdraw")
    return told.group_by("uscc", "report_year").agg(performance_known_at=pl.col("known_at").min())


def _usable(rows: pl.DataFrame, firms: dict[str, int], a: Ints, b: Ints) -> Usable:
    code = np.array([firms.setdefault(u, len(firms)) for u in rows["uscc"]], dtype=np.int64)
    return Usable(code, microseconds(rows[FROM]), microseconds(rows[UNTIL]), a, b)


def _calendar(clock: ReportClock, horizon: datetime) -> pl.DataFrame:
    return _years(clock, horizon.astimezone(ZONE).year - 1)


@cache
def _years(clock: ReportClock, last: int) -> pl.DataFrame:
    """The report years up to the last, with their dates."""
    years = range(clock.first_year, last + 1)
    dates = pl.DataFrame(
        {
            "report_year": years,
            "opened_on": [_day(year + 1, clock.opens) for year in years],
            "_due": [_day(year + 1, clock.due) for year in years],
        },
        schema={"report_year": pl.Int64, "opened_on": pl.Date, "_due": pl.Date},
    )
    if clock.shift_to_workday:
        dates = dates.with_columns(_due=workdays().on_or_after("_due"))
    due = [_end(day) for day in dates["_due"]]
    grace = [moment + timedelta(days=clock.grace_days) for moment in due]
    return dates.with_columns(
        due_at=pl.Series(due, dtype=MOMENT),
        grace_until=pl.Series(grace if clock.grace_days else [None] * len(grace), dtype=MOMENT),
        opened_at=first_moment(pl.col("opened_on")),
        kind=pl.lit("annual_report"),
        source_table=pl.lit("annual_report"),
        due_rule=pl.lit(clock.name),
    ).drop("_due")


def _day(year: int, month_day: str) -> date:
    return date.fromisoformat(f"{year}-{month_day}")


def _end(day: date) -> datetime:
    """24:00 of a legal day."""
    later = day + timedelta(days=1)
    return datetime(later.year, later.month, later.day, tzinfo=ZONE)
