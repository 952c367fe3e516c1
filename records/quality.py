"""The monthly quality report: what each department delivered, how well, and what it still owes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from xinheng.domain import ZONE
from xinheng.records.lake import COUNTS, FINDINGS, Lake
from xinheng.records.tickets.store import TicketStore

REPORT_SCHEMA: dict[str, pl.DataType] = {
    "department": pl.String(),
    "rows": pl.Int64(),
    "accepted": pl.Int64(),
    "warned": pl.Int64(),
    "quarantined": pl.Int64(),
    "rejected": pl.Int64(),
    "duplicate": pl.Int64(),
    "rejected_share": pl.Float64(),
    "late": pl.Int64(),
    "late_share": pl.Float64(),
    "open_tickets": pl.Int64(),
    "oldest_ticket_days": pl.Int64(),
    "commonest_check": pl.String(),
}
"""One row a department: rows that arrived in the month, and tickets open at its end."""
LATE = "QC11"
_OUTCOMES = ("accepted", "warned", "quarantined", "rejected", "duplicate")


def monthly_quality(lake: Lake, store: TicketStore, month: date) -> pl.DataFrame:
    """The report of one month: `REPORT_SCHEMA`, the department with most rejected rows first.

    Parameters
    ----------
    month
        Any day of it. A row belongs to the month in which its batch arrived.
    """
    batches = _batches(lake, month)
    counts = lake.told(COUNTS).filter(pl.col("batch_id").is_in(batches)).collect()
    findings = (
        lake.told(FINDINGS)
        .filter(pl.col("batch_id").is_in(batches), pl.col("check") != "QC06")
        .select("source_dept", "check")
        .collect()
    )
    per_outcome = [
        pl.col("n").filter(pl.col("outcome") == outcome).sum().alias(outcome)
        for outcome in _OUTCOMES
    ]
    rows = counts.group_by(_department()).agg(per_outcome)
    told = findings.group_by(_department()).agg(
        late=(pl.col("check") == LATE).sum(),
        commonest_check=pl.col("check").sort().mode(maintain_order=True).first(),
    )
    tickets = _tickets(store, lake, _end(month))
    joined = rows.join(told, on="department", how="full", coalesce=True).join(
        tickets, on="department", how="full", coalesce=True
    )
    return _with_shares(joined)


def months_of(lake: Lake) -> list[date]:
    """First days of the months in which batches arrived, newest first."""
    arrived = lake.deliveries()["arrived_at"].dt.convert_time_zone(str(ZONE)).dt.date()
    return arrived.dt.truncate("1mo").unique().sort(descending=True).to_list()


def _with_shares(joined: pl.DataFrame) -> pl.DataFrame:
    counted = (*_OUTCOMES, "late", "open_tickets", "oldest_ticket_days")
    filled = joined.with_columns(pl.col(name).fill_null(0) for name in counted).with_columns(
        rows=pl.sum_horizontal("accepted", "quarantined", "rejected", "duplicate")
    )
    shares = filled.with_columns(
        rejected_share=pl.when(pl.col("rows") > 0).then(pl.col("rejected") / pl.col("rows")),
        late_share=pl.when(pl.col("accepted") > 0).then(pl.col("late") / pl.col("accepted")),
    )
    ordered = shares.sort("rejected", "department", descending=[True, False])
    return ordered.select(pl.col(n).cast(d) for n, d in REPORT_SCHEMA.items())


def _batches(lake: Lake, month: date) -> list[str]:
    day = pl.col("arrived_at").dt.convert_time_zone(str(ZONE)).dt.date()
    arrived = lake.deliveries().filter(day.dt.truncate("1mo") == month.replace(day=1))
    return arrived["batch_id"].to_list()


def _tickets(store: TicketStore, lake: Lake, end: datetime) -> pl.DataFrame:
    """Open tickets by department, and the age of the oldest, at the end of the month.

    A ticket is as old as the arrival of its batch.
    """
    rows = [(t.source_dept, t.batch_id) for t in store.tickets(limit=1_000_000)]
    schema = {"department": pl.String(), "batch_id": pl.String()}
    arrived = lake.deliveries().select("batch_id", "arrived_at")
    opened = pl.DataFrame(rows, schema=schema, orient="row").join(arrived, on="batch_id")
    waiting = opened.filter(pl.col("arrived_at") < end)
    age = (pl.lit(end) - pl.col("arrived_at").min()).dt.total_days()
    return waiting.group_by("department").agg(open_tickets=pl.len(), oldest_ticket_days=age)


def _department() -> pl.Expr:
    return pl.col("source_dept").fill_null("?").alias("department")


def _end(month: date) -> datetime:
    """First moment of the next month."""
    later = month.replace(day=1) + timedelta(days=32)
    return datetime(later.year, later.month, 1, tzinfo=ZONE).astimezone(UTC)
