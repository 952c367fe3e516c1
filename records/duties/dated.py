"""Duties whose dates stand in one record, such as an order to put something right."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from xinheng.records.duties.days import first_moment, legal_day
from xinheng.records.duties.deadline import NO_END, LastDayRule
from xinheng.records.duties.loops.successors import with_successors
from xinheng.records.duties.rules import Duty
from xinheng.records.duties.workdays import Workdays
from xinheng.records.frames import NONE, as_moments, days, first_moments, where
from xinheng.records.spans import FACT, FROM, UNTIL


def dated(
    rows: pl.DataFrame, versions: pl.DataFrame, duty: Duty, calendar: Workdays
) -> pl.DataFrame:
    """Duties of one kind: those of a table's rows with spans that have an end.

    Parameters
    ----------
    versions
        All versions of the same records: they tell when a performance was first known.
    """
    done = sql(duty.done)
    ending = _with_ends(rows, duty, calendar)
    performed = done
    known: pl.Expr = pl.when(done.is_not_null()).then("_first")
    if duty.renewed_by:
        performed = pl.coalesce(done, _renewed_on(duty))
        known = pl.coalesce(known, pl.when(performed.is_not_null()).then("_renewed_known_at"))
    proven = versions.filter(done.is_not_null())
    first = proven.group_by(FACT).agg(_first=pl.col("known_at").min())
    return ending.join(first, on=FACT, how="left", maintain_order="left").select(
        *(*FACT, "source_dept", "dispute_status", FROM, UNTIL),
        kind=pl.lit(duty.kind),
        owed_by=pl.lit(duty.owed_by),
        source_table=pl.lit(duty.table),
        source_record_id="record_id",
        opened_on=sql(duty.opened),
        due_at="_due_at",
        is_due_certain="_is_certain",
        due_rule=pl.lit(duty.rule),
        performed_at=first_moment(performed),
        performance_known_at=known,
        amount_fen=sql(duty.amount) if duty.amount else pl.lit(None),
        waived=sql(duty.waived),
    )


def chosen_rows(rows: pl.DataFrame, duty: Duty) -> pl.DataFrame:
    """Of a table's rows with spans those of a duty, cut where a successor is known."""
    if duty.renewed_by and rows.height:
        rows = with_successors(rows, duty.renewed_by, duty.opened, sql(duty.waived))
    return rows.filter(sql(duty.where))


def _renewed_on(duty: Duty) -> pl.Expr:
    """Day of the renewal that a successor proves.

    One that was granted before the former ended was applied for in time, on a day that nobody told.
    """
    granted, last_day = pl.col("_renewed_on"), legal_day(pl.col("_due_at")).dt.offset_by("-1d")
    in_time = granted <= pl.col(duty.base)
    return pl.when(in_time).then(pl.min_horizontal(granted, last_day)).otherwise(granted)


@cache
def sql(text: str) -> pl.Expr:
    return pl.sql_expr(text)


def _with_ends(rows: pl.DataFrame, duty: Duty, calendar: Workdays) -> pl.DataFrame:
    """Rows whose duty has an end, with that end and whether it is certain."""
    rule = LastDayRule(calendar, duty.shift_to_workday)
    base = pl.col(duty.base) if duty.base else pl.lit(None, pl.Date)
    counted = rows.select(last=_last_day(duty, calendar), base=base)
    last_day, since = rule.last_days(days(counted["last"])), days(counted["base"])
    is_certain = rule.is_certain(last_day)
    if duty.workdays:
        is_certain &= calendar.is_certain(since)
    ends = pl.DataFrame(
        {"_due_at": as_moments(first_moments(last_day + 1)), "_is_certain": is_certain}
    )
    has_end = (last_day != NONE) & (np.maximum(last_day, since) < NO_END)
    return where(rows.hstack(ends), has_end)


def _last_day(duty: Duty, calendar: Workdays) -> pl.Expr:
    """The last day as told or, where it is empty, as computed."""
    last = sql(duty.due) if duty.due else pl.lit(None, pl.Date)
    if duty.workdays:
        last = pl.coalesce(last, calendar.after(duty.base, duty.workdays))
    elif duty.base:
        last = pl.coalesce(last, pl.col(duty.base).dt.offset_by(duty.offset))
    if duty.latest:
        last = pl.min_horizontal(last, sql(duty.opened).dt.offset_by(duty.latest))
    return last
