"""Every duty with the time in which it was known so: the ledger before its moment is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache

import numpy as np
import polars as pl

from xinheng.records.codes.subjects import owe_reports
from xinheng.records.duties.dated import chosen_rows, dated, sql
from xinheng.records.duties.payments import payments
from xinheng.records.duties.proofs import Proofs
from xinheng.records.duties.reports import filed_reports, proofs, reports
from xinheng.records.duties.rules import Clocks, clocks
from xinheng.records.duties.workdays import Workdays, workdays
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
    "owed_by": pl.String(),
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
    "is_due_certain": pl.Boolean(),
    "performed_at": MOMENT,
    "performance_known_at": MOMENT,
    "amount_fen": pl.Int64(),
    "dispute_status": pl.String(),
    FROM: MOMENT,
    UNTIL: MOMENT,
    "standing": pl.String(),
    "observable_from": MOMENT,
}
"""`standing` is the state while the deadline has not passed: open and paused turn overdue then, or
`not_observable` before `observable_from`."""
FIRM, AUTHORITY = "firm", "authority"
"""Who owes a duty."""
WAITING = ("open", "paused")
STANDINGS = pl.Series(["performed", "performed_late", "waived", "paused", "open"])
Versions = Callable[[str], pl.DataFrame]
"""All versions of a table's records."""


def duty_spans(
    versions: Versions,
    horizon: datetime,
    *,
    rules: Clocks | None = None,
    calendar: Workdays | None = None,
    strict: bool = False,
    proofs: Proofs | None = None,
) -> pl.DataFrame:
    """Duties that begin by the year of `horizon`: `DUTY_SCHEMA`, a row a stretch of knowledge.

    Parameters
    ----------
    versions
        Record versions by table.
    rules
        Clocks of a deployment; by default those of `clocks.toml`.
    calendar
        Working days of a deployment; by default those of the delivered files.
    strict
        End a duty's span when the repair or publicity end of its record takes effect.
    proofs
        Since when the proofs of duties are delivered; by default as these versions themselves show.
    """
    chosen, worked = rules or clocks(), calendar or workdays()
    held: dict[str, pl.DataFrame] = {}

    def spans(name: str) -> pl.DataFrame:
        if name not in held:
            held[name] = _unrepaired(name, versions) if strict else with_spans(versions(name))
        return held[name]

    parts = []
    register, filings = spans("entity"), spans("annual_report")
    if register.height:
        owing = where(register, owe_reports(register["uscc"]))
        duties = reports(owing, filings, horizon, chosen.annual_report, worked)
        parts.append(_with_proofs(duties, versions("annual_report")))
    if filings.height:
        own = where(filings, owe_reports(filings["uscc"]))
        duties = filed_reports(register, own, chosen.annual_report, worked)
        parts.append(_with_proofs(duties, versions("annual_report")))
    if versions("penalty").height:
        parts.append(
            payments(spans("penalty"), spans("penalty_performance"), chosen.penalty_payment, worked)
        )
    for duty in chosen.duties:
        if versions(duty.table).height:
            rows = chosen_rows(spans(duty.table), duty)
            parts.append(dated(rows, versions(duty.table), duty, worked) if rows.height else rows)
    parts = [part for part in parts if part.height]
    if not parts:
        return pl.DataFrame(schema=DUTY_SCHEMA)
    ends = _ends(spans("entity"))
    proven = proofs or Proofs.of(versions, chosen)
    told = [_told(_with_proof_times(part, proven, chosen), ends) for part in parts]
    return pl.concat(told, rechunk=True) if len(told) > 1 else told[0]


def _unrepaired(name: str, versions: Versions) -> pl.DataFrame:
    """Versions with the time in which they stand and are neither repaired nor past publicity."""
    repairs = Repairs.of(versions(REPAIR_TABLE))
    rows, since, until = unrepaired(name, versions(name), repairs)
    spans = rows.with_columns(as_moments(since).alias(FROM), as_moments(until).alias(UNTIL))
    return spans.filter(pl.col(FROM) < pl.col(UNTIL))


def _with_proofs(duties: pl.DataFrame, filings: pl.DataFrame) -> pl.DataFrame:
    """Annual reports with the moment at which their filing was first known."""
    if duties.height == 0:
        return duties
    known = pl.when(pl.col("performed_at").is_not_null()).then("performance_known_at")
    return duties.join(
        proofs(filings),
        on=["uscc", "report_year"], how="left", maintain_order="left",
    ).with_columns(performance_known_at=known)  # fmt: skip


def _with_proof_times(part: pl.DataFrame, proofs: Proofs, rules: Clocks) -> pl.DataFrame:
    """Duties of one kind and table with `observable_from`: since when proofs are delivered."""
    kind, made_by = part["kind"][0], part["source_table"][0]
    table = rules.proof_tables.get(kind)
    departments = None if table else part["source_dept"]
    since = proofs.since(kind, table or made_by, departments, part.height)
    return part.hstack([as_moments(since).alias("observable_from")])


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
        "annual_report": {"report_year", "submitted_at", "due_on", "is_late_supplement"},
        "penalty": {"decision_no", "fine_amount_fen", "served_on", "due_on", "due_is_fixed"},
        "penalty_performance": {
            "decision_no", "event_kind", "amount_fen", "occurred_on", "new_due_on",
        },
    }.get(name, set())  # fmt: skip
    for duty in (rules or clocks()).duties:
        if duty.table == name:
            told = (duty.where, duty.opened, duty.due, duty.done, duty.waived, duty.proven)
            named = {c for text in told if text for c in sql(text).meta.root_names()}
            fixed |= named | {"source_dept", duty.base, duty.amount, duty.renewed_by}
    fixed |= {*rule_columns(name), *(REPAIR_COLUMNS if name == REPAIR_TABLE else ())}
    return frozenset(fixed & set(schema))


def _told(part: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Duties of one kind as `DUTY_SCHEMA`; an annual report knows the end of its enterprise."""
    if "ended_on" not in part.columns and ends.height:
        part = _with_ends(part, ends)
    there = {column.name: column for column in part}
    if "opened_at" not in there:
        there["opened_at"] = as_moments(first_moments(days(there["opened_on"])))
    there["standing"] = _standing(there)
    if "owed_by" not in there:
        there["owed_by"] = pl.Series([FIRM]).new_from_index(0, part.height)
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
    is_late = done >= due
    if "is_late" in there:  # the source knows better: a report may be dated by its last edit
        mark = there["is_late"]
        is_late = np.where(mark.is_null().to_numpy(), is_late, truths(mark))
    place = np.where(done == NONE, waiting, np.where(is_late, 1, 0))
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
    """The state of a duty at a moment: what is open or paused is overdue once it is due.

    Where no proofs are delivered yet nobody can say so: it is not observable.
    """
    is_past = pl.col("standing").is_in(WAITING) & (pl.col("due_at") <= as_of)
    is_observable = pl.col("observable_from") <= as_of
    return (
        pl.when(is_past & is_observable)
        .then(pl.lit("overdue"))
        .when(is_past)
        .then(pl.lit("not_observable"))
        .otherwise("standing")
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
