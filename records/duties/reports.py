"""LC01 to LC04: who owes which annual report, until when, and whether it was filed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import polars as pl

from xinheng.domain import ZONE
from xinheng.records.duties.rules import ReportClock
from xinheng.records.duties.workdays import workdays


def reports(
    known: Callable[[str], pl.LazyFrame],
    heard: Callable[[str], pl.LazyFrame],
    as_of: datetime,
    clock: ReportClock,
) -> pl.LazyFrame:
    """One duty a firm and year, from the year after its establishment to that of `as_of`.

    A filed suspension does not release from it (LC02); a firm that ended before the deadline
    owes nothing, which the ledger tells from its register entry.
    """
    calendar = _calendar(clock, as_of)
    register = (
        known("entity")
        .sort("event_at")
        .group_by("uscc")
        .agg(_since=pl.col("established_on").min(), record_id=pl.col("record_id").last())
    )
    owed = register.join(calendar.lazy(), how="cross").filter(
        pl.col("_since").dt.year() <= pl.col("report_year")
    )
    filed = _filed(known, heard)
    return owed.join(filed, on=["uscc", "report_year"], how="left").select(
        "uscc",
        "opened_on",
        "due_at",
        "grace_until",
        "performed_at",
        "performance_known_at",
        kind=pl.lit("annual_report"),
        source_table=pl.lit("annual_report"),
        source_record_id=pl.lit(None),
        obligation_id=pl.format("annual_report:{}/{}", "uscc", "report_year"),
        due_rule=pl.lit(clock.name),
    )


def _filed(
    known: Callable[[str], pl.LazyFrame], heard: Callable[[str], pl.LazyFrame]
) -> pl.LazyFrame:
    """First filing of each firm and year, and when the platform first knew of one."""
    key = ["uscc", "report_year"]
    first = known("annual_report").group_by(key).agg(performed_at=pl.col("submitted_at").min())
    told = heard("annual_report").filter(pl.col("operation") != "withdraw")
    arrived = told.group_by(key).agg(performance_known_at=pl.col("known_at").min())
    return first.join(arrived, on=key, how="left")


def _calendar(clock: ReportClock, as_of: datetime) -> pl.DataFrame:
    """The report years whose duty has begun, with their dates."""
    last = as_of.astimezone(ZONE).year - 1
    years = range(clock.first_year, last + 1)
    days = pl.DataFrame(
        {
            "report_year": years,
            "opened_on": [_day(year + 1, clock.opens) for year in years],
            "_due": [_day(year + 1, clock.due) for year in years],
        },
        schema={"report_year": pl.Int64, "opened_on": pl.Date, "_due": pl.Date},
    )
    if clock.shift_to_workday:
        days = days.with_columns(_due=workdays().on_or_after("_due"))
    due = [_end(day) for day in days["_due"]]
    grace = [moment + timedelta(days=clock.grace_days) for moment in due]
    return days.with_columns(
        due_at=pl.Series(due, dtype=pl.Datetime("us", "UTC")),
        grace_until=pl.Series(
            grace if clock.grace_days else [None] * len(grace), dtype=pl.Datetime("us", "UTC")
        ),
    ).drop("_due")


def _day(year: int, month_day: str) -> date:
    return date.fromisoformat(f"{year}-{month_day}")


def _end(day: date) -> datetime:
    """24:00 of a legal day."""
    later = day + timedelta(days=1)
    return datetime(later.year, later.month, later.day, tzinfo=ZONE)
