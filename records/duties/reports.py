"""LC01 to LC04: who owes which annual report, until when, and whether it was filed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import polars as pl

from xinheng.domain import ZONE
from xinheng.records.duties.days import first_moment
from xinheng.records.duties.rules import ReportClock
from xinheng.records.duties.workdays import workdays
from xinheng.records.spans import FROM, UNTIL, merged, overlapping, segments
from xinheng.records.tables import MOMENT

_FILING = ["uscc", "report_year"]


def reports(
    spans: Callable[[str], pl.DataFrame],
    versions: Callable[[str], pl.DataFrame],
    horizon: datetime,
    clock: ReportClock,
) -> pl.DataFrame:
    """One duty a firm and year, from the year after its establishment to that of `horizon`.

    A filed suspension does not release from it (LC02); a firm that ended before the deadline
    owes nothing, which the duties tell from its register entry.
    """
    registered = segments(spans("entity"), ["uscc"], _since=pl.col("established_on").min())
    firms = merged(registered, ["uscc"], ["_since"]).filter(pl.col("_since").is_not_null())
    owed = firms.join(_calendar(clock, horizon), how="cross").filter(
        pl.col("_since").dt.year() <= pl.col("report_year")
    )
    begun = owed.with_columns(
        pl.max_horizontal(FROM, first_moment(pl.col("opened_on"))).alias(FROM)
    )
    duties = overlapping(
        begun.filter(pl.col(FROM) < pl.col(UNTIL)), _filed(spans, versions), _FILING
    )
    return duties.select(
        "uscc",
        "report_year",
        "opened_on",
        "due_at",
        "grace_until",
        "performed_at",
        "performance_known_at",
        "filing_id",
        FROM,
        UNTIL,
        kind=pl.lit("annual_report"),
        source_table=pl.lit("annual_report"),
        due_rule=pl.lit(clock.name),
    )


def _filed(
    spans: Callable[[str], pl.DataFrame], versions: Callable[[str], pl.DataFrame]
) -> pl.DataFrame:
    """First filing of each firm and year as it was known, and when the first was known."""
    first = pl.col("record_id").sort_by("submitted_at", "record_id").first()
    filed = segments(
        spans("annual_report").select(*_FILING, "submitted_at", "record_id", FROM, UNTIL),
        _FILING,
        performed_at=pl.col("submitted_at").min(),
        filing_id=first,
    )
    told = versions("annual_report").filter(pl.col("operation") != "withdraw")
    arrived = told.group_by(_FILING).agg(_known=pl.col("known_at").min())
    known = pl.when(pl.col("performed_at").is_not_null()).then("_known")
    return filed.join(arrived, on=_FILING, how="left").select(
        *_FILING, "performed_at", "filing_id", FROM, UNTIL, performance_known_at=known
    )


def _calendar(clock: ReportClock, horizon: datetime) -> pl.DataFrame:
    """The report years whose duty has begun, with their dates."""
    last = horizon.astimezone(ZONE).year - 1
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
        due_at=pl.Series(due, dtype=MOMENT),
        grace_until=pl.Series(grace if clock.grace_days else [None] * len(grace), dtype=MOMENT),
    ).drop("_due")


def _day(year: int, month_day: str) -> date:
    return date.fromisoformat(f"{year}-{month_day}")


def _end(day: date) -> datetime:
    """24:00 of a legal day."""
    later = day + timedelta(days=1)
    return datetime(later.year, later.month, later.day, tzinfo=ZONE)
