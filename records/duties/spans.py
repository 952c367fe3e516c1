"""Every duty with the time in which it was known so: the ledger before its moment is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache

import numpy as np
import polars as pl

from xinheng.records.codes.subjects import owe_reports
from xinheng.records.duties.days import end_of, first_moment
from xinheng.records.duties.payments import payments
from xinheng.records.duties.reports import proofs, reports
from xinheng.records.duties.rules import Clocks, Duty, clocks
from xinheng.records.duties.workdays import workdays
from xinheng.records.frames import (
    NONE,
    as_moments,
    as_rows,
    days,
    first_moments,
    in_schema,
    microseconds,
    truths,
    where,
)
from xinheng.records.in_force.intervals import unrepaired
from xinheng.records.in_force.repairs import REPAIR_COLUMNS, REPAIR_TABLE, Repairs
from xinheng.records.in_force.rules import rule_columns
from xinheng.records.spans import (
    FACT,
    FROM,
    UNTIL,
    merged,
    overlapping,
    segments,
    with_spans,
)
from xinheng.records.tables import MOMENT, table
from xinheng.records.versions import KEY

DUTY_SCHEMA: dict[str, pl.DataType] = {
    "uscc": pl.String(),
    "kind": pl.String(),
    "source_table": pl.String(),
    "source_system": pl.String(),
    "source_record_no": pl.String(),
    "source_record_id": pl.String(),
    "report_year": pl.Int64(),
    "filing_id": pl.String(),
    "opened_on": pl.Date(),
    "opened_at": MOMENT,
    "due_at": MOMENT,
    "grace_until": MOMENT,
    "due_rule": pl.String(),
    "performed_at": MOMENT,
    "performance_known_at": MOMENT,
    "amount_fen": pl.Int64(),
    "dispute_status": pl.String(),
    FROM: MOMENT,
    UNTIL: MOMENT,
    "standing": pl.String(),
}
"""`standing` is the state while the deadline has not passed: open and paused turn overdue then."""
STANDINGS = pl.Series(["performed", "performed_late", "waived", "paused", "open"])
Versions = Callable[[str], pl.DataFrame]
"""All versions of a table's records."""


def duty_spans(
    versions: Versions,
    horizon: datetime,
    *,
    rules: Clocks | None = None,
    strict: bool = False,
) -> pl.DataFrame:
    """Duties that begin by the year of `horizon`: `DUTY_SCHEMA`, a row a stretch of knowledge.

    Parameters
    ----------
    versions
        Record versions by table.
    rules
        Clocks of a deployment; by default those of `clocks.toml`.
    strict
        End a duty's span when the repair or publicity end of its record takes effect.
    """
    chosen = rules or clocks()
    held: dict[str, pl.DataFrame] = {}

    def spans(name: str) -> pl.DataFrame:
        if name not in held:
            held[name] = _unrepaired(name, versions) if strict else with_spans(versions(name))
        return held[name]

    parts = []
    if versions("entity").height:
        parts.append(_reports(spans, versions, horizon, chosen))
    if versions("penalty").height:
        parts.append(
            payments(spans("penalty"), spans("penalty_performance"), chosen.penalty_payment)
        )
    for duty in chosen.duties:
        if versions(duty.table).height:
            rows = spans(duty.table).filter(sql(duty.where))
            parts.append(_dated(rows, versions(duty.table), duty) if rows.height else rows)
    parts = [part for part in parts if part.height]
    if not parts:
        return pl.DataFrame(schema=DUTY_SCHEMA)
    ends = _ends(spans("entity"))
    told = [_told(part, ends) for part in parts]
    return pl.concat(told, rechunk=True) if len(told) > 1 else told[0]


def _unrepaired(name: str, versions: Versions) -> pl.DataFrame:
    """Versions with the time in which they stand and are neither repaired nor past publicity."""
    repairs = Repairs.of(versions(REPAIR_TABLE))
    rows, since, until = unrepaired(name, versions(name), repairs)
    spans = rows.with_columns(as_moments(since).alias(FROM), as_moments(until).alias(UNTIL))
    return spans.filter(pl.col(FROM) < pl.col(UNTIL))


def _reports(spans: Versions, versions: Versions, horizon: datetime, rules: Clocks) -> pl.DataFrame:
    register = spans("entity")
    owing = where(register, owe_reports(register["uscc"]))
    duties = reports(owing, spans("annual_report"), horizon, rules.annual_report)
    known = pl.when(pl.col("performed_at").is_not_null()).then("performance_known_at")
    return duties.join(
        proofs(versions("annual_report")),
        on=["uscc", "report_year"], how="left", maintain_order="left",
    ).with_columns(performance_known_at=known)  # fmt: skip


@cache
def duty_tables() -> frozenset[str]:
    """Tables whose records make or prove a duty."""
    fixed = {"entity", "annual_report", "penalty", "penalty_performance"}
    return frozenset(fixed | {duty.table for duty in clocks().duties})


@cache
def duty_columns(name: str, rules: Clocks | None = None) -> frozenset[str]:
    """Own columns of a table that the duties read."""
    schema = table(name).schema
    fixed = {
        "entity": {"established_on", "ended_on"},
        "annual_report": {"report_year", "submitted_at"},
        "penalty": {"decision_no", "fine_amount_fen", "served_on", "due_on"},
        "penalty_performance": {
            "decision_no", "event_kind", "amount_fen", "occurred_on", "new_due_on",
        },
    }.get(name, set())  # fmt: skip
    for duty in (rules or clocks()).duties:
        if duty.table == name:
            told = (duty.where, duty.opened, duty.due, duty.done, duty.waived)
            named = {c for text in told for c in sql(text).meta.root_names()}
            fixed |= named | {c for c in (duty.base, duty.amount) if c}
    fixed |= {*rule_columns(name), *(REPAIR_COLUMNS if name == REPAIR_TABLE else ())}
    return frozenset(fixed & set(schema))


@cache
def sql(text: str) -> pl.Expr:
    return pl.sql_expr(text)


def _dated(rows: pl.DataFrame, versions: pl.DataFrame, duty: Duty) -> pl.DataFrame:
    """Duties of one kind whose dates stand in one record."""
    due, done, opened = sql(duty.due), sql(duty.done), sql(duty.opened)
    if duty.base:
        fallback = (
            workdays().after(duty.base, duty.workdays)
            if duty.workdays
            else pl.col(duty.base).dt.offset_by(duty.offset)
        )
        due = pl.coalesce(due, fallback)
    if duty.latest:
        due = pl.min_horizontal(due, opened.dt.offset_by(duty.latest))
    proven = versions.filter(done.is_not_null())
    first = proven.group_by(FACT).agg(_first=pl.col("known_at").min())
    return rows.join(first, on=FACT, how="left", maintain_order="left").select(
        *(*FACT, "dispute_status", FROM, UNTIL),
        kind=pl.lit(duty.kind),
        source_table=pl.lit(duty.table),
        source_record_id="record_id",
        opened_on=opened,
        due_at=end_of(due),
        due_rule=pl.lit(duty.rule),
        performed_at=first_moment(done),
        performance_known_at=pl.when(done.is_not_null()).then("_first"),
        amount_fen=sql(duty.amount) if duty.amount else pl.lit(None),
        waived=sql(duty.waived),
    )


def _told(part: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Duties of one kind as `DUTY_SCHEMA`; an annual report knows the end of its enterprise."""
    if "ended_on" not in part.columns and ends.height:
        part = _with_ends(part, ends)
    there = {column.name: column for column in part}
    if "opened_at" not in there:
        there["opened_at"] = as_moments(first_moments(days(there["opened_on"])))
    there["standing"] = _standing(there)
    return in_schema(there, DUTY_SCHEMA, part.height)


def _standing(there: Mapping[str, pl.Series]) -> pl.Series:
    """What each duty is in its stretch of knowledge: one of `STANDINGS`."""
    done, due = microseconds(there["performed_at"]), microseconds(there["due_at"])
    waived, paused = (
        truths(there[name]) if name in there else np.zeros(len(due), dtype=bool)
        for name in ("waived", "paused")
    )
    if "ended_on" in there:
        ended = first_moments(days(there["ended_on"]))
        waived = waived | ((ended != NONE) & (ended < due))
    waiting = np.where(waived, 2, np.where(paused, 3, 4))
    place = np.where(done == NONE, waiting, np.where(done < due, 0, 1))
    return STANDINGS[as_rows(place)]


def _ends(register: pl.DataFrame) -> pl.DataFrame:
    """Of enterprises that ended, stretch by stretch when their end was known: `ended_on`."""
    if register["ended_on"].null_count() == register.height:
        return pl.DataFrame(schema={"uscc": pl.String()})
    gone = register.filter(pl.col("ended_on").is_not_null()).select("uscc").unique()
    told = register.join(gone, on="uscc", how="semi").select("uscc", "ended_on", FROM, UNTIL)
    latest = segments(told.lazy(), ["uscc"], ended_on=pl.col("ended_on").max())
    return merged(latest, ["uscc"], ["ended_on"]).collect()


def _with_ends(duties: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Cut the spans of duties where the end of their enterprise becomes known."""
    if not truths(duties["uscc"].is_in(ends["uscc"].unique().to_list())).any():
        return duties
    return overlapping(duties.lazy(), ends.lazy(), ["uscc"]).collect()


def standing_at(as_of: pl.Expr) -> pl.Expr:
    """The state of a duty at a moment: what is open or paused is overdue once it is due."""
    waits = pl.col("standing").is_in(["open", "paused"])
    return (
        pl.when(waits & (pl.col("due_at") <= as_of)).then(pl.lit("overdue")).otherwise("standing")
    )


def duty_id() -> pl.Expr:
    """`obligation_id`: kind, and the year or the record the duty comes from."""
    source = pl.concat_str(*KEY, separator="/")
    dated = pl.concat_str(pl.format("{}:{}", "kind", "source_table"), source, separator="/")
    return (
        pl.when(pl.col("kind") == "annual_report")
        .then(pl.format("annual_report:{}/{}", "uscc", "report_year"))
        .when(pl.col("kind") == "penalty_payment")
        .then(pl.concat_str(pl.lit("penalty_payment:"), source))
        .otherwise(dated)
    )
