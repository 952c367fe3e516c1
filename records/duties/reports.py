"""LC01 to LC04: who owes which annual report, until when, and whether it was filed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl

from xinheng.domain import ZONE
from xinheng.records.duties.days import first_moment
from xinheng.records.duties.rules import ReportClock
from xinheng.records.duties.stretches import NONE, Ints, Usable, report_stretches
from xinheng.records.duties.workdays import workdays
from xinheng.records.spans import FROM, UNTIL, microseconds
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
        _usable(register, firms, _days(register["established_on"]), _days(register["ended_on"])),
        _usable(
            filings, firms, filings["report_year"].to_numpy(), microseconds(filings["submitted_at"])
        ),
        years,
        microseconds(calendar["opened_at"]),
        np.array([(date(year + 1, 1, 1) - _EPOCH).days for year in years.tolist()], dtype=np.int64),
    )
    entry, year, filing, since, until, ended = (pl.Series(part) for part in found)
    found_at = pl.DataFrame(
        {"entry": entry, "report_year": year, "filing": filing, FROM: since, UNTIL: until,
         "ended_on": ended}
    )  # fmt: skip
    filed = pl.when(pl.col("filing") != NONE).then("filing")
    duties = found_at.select(
        "report_year",
        pl.col(FROM, UNTIL).cast(MOMENT),
        uscc=pl.lit(register["uscc"]).gather("entry"),
        performed_at=pl.lit(filings["submitted_at"]).gather(filed),
        filing_id=pl.lit(filings["record_id"]).gather(filed),
        ended_on=pl.when(pl.col("ended_on") != NONE).then("ended_on").cast(pl.Int32).cast(pl.Date),
    )
    place = pl.Series(year - clock.first_year, dtype=pl.UInt32)
    return duties.hstack(calendar.select(pl.all().exclude("report_year").gather(place)))


def proofs(versions: pl.DataFrame) -> pl.DataFrame:
    """When the platform first knew of a filing, by `uscc` and `report_year`."""
    told = versions.filter(pl.col("operation") != "withdraw")
    return told.group_by("uscc", "report_year").agg(performance_known_at=pl.col("known_at").min())


def _usable(rows: pl.DataFrame, firms: dict[str, int], a: Ints, b: Ints) -> Usable:
    code = np.array([firms.setdefault(u, len(firms)) for u in rows["uscc"]], dtype=np.int64)
    return Usable(code, microseconds(rows[FROM]), microseconds(rows[UNTIL]), a, b)


def _days(days: pl.Series) -> Ints:
    """Days since 1970; `NONE` where there is none."""
    whole = days.to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(whole), NONE, whole.astype(np.int64))


def _calendar(clock: ReportClock, horizon: datetime) -> pl.DataFrame:
    return _years(clock, horizon.astimezone(ZONE).year - 1)


@cache
def _years(clock: ReportClock, last: int) -> pl.DataFrame:
    """The report years up to the last, with their dates."""
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
