"""Every duty with the time in which it was known so: the ledger before its moment is chosen."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from functools import cache

import polars as pl

from xinheng.records.duties.days import end_of, first_moment
from xinheng.records.duties.payments import payments
from xinheng.records.duties.reports import proofs, reports
from xinheng.records.duties.rules import Clocks, Duty, clocks
from xinheng.records.duties.workdays import workdays
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
_BESIDE_STANDING: dict[str, pl.DataType] = {
    **{name: dtype for name, dtype in DUTY_SCHEMA.items() if name != "standing"},
    "waived": pl.Boolean(),
    "paused": pl.Boolean(),
    "ended_on": pl.Date(),
}
Versions = Callable[[str], pl.DataFrame]
"""All versions of a table's records."""


def duty_spans(
    versions: Versions,
    horizon: datetime,
    *,
    rules: Clocks | None = None,
    strict: bool = False,
    kinds: Collection[str] | None = None,
    with_proofs: bool = True,
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
    kinds
        Only duties of these kinds.
    with_proofs
        Tell when each performance became known; costs a second look at all versions.
    """
    chosen = rules or clocks()
    held: dict[str, pl.DataFrame] = {}

    def spans(name: str) -> pl.DataFrame:
        if name not in held:
            held[name] = with_spans(versions(name), public=strict)
        return held[name]

    parts = []
    if _is_wanted("annual_report", kinds) and versions("entity").height:
        parts.append(_reports(spans, versions, horizon, chosen, with_proofs=with_proofs))
    if _is_wanted("penalty_payment", kinds) and versions("penalty").height:
        parts.append(
            payments(spans("penalty"), spans("penalty_performance"), chosen.penalty_payment)
        )
    for duty in chosen.duties:
        if _is_wanted(duty.kind, kinds) and versions(duty.table).height:
            proven = versions(duty.table) if with_proofs else None
            rows = spans(duty.table).filter(sql(duty.where))
            parts.append(_dated(rows, proven, duty) if rows.height else rows)
    complete = [_complete(part) for part in parts if part.height]
    if not complete:
        return pl.DataFrame(schema=DUTY_SCHEMA)
    duties = pl.concat(complete) if len(complete) > 1 else complete[0]
    return _with_standing(duties, spans("entity"))


def _reports(
    spans: Versions, versions: Versions, horizon: datetime, rules: Clocks, *, with_proofs: bool
) -> pl.DataFrame:
    duties = reports(spans("entity"), spans("annual_report"), horizon, rules.annual_report)
    if not with_proofs:
        return duties
    known = pl.when(pl.col("performed_at").is_not_null()).then("performance_known_at")
    proven = proofs(versions("annual_report"))
    return duties.join(proven, on=["uscc", "report_year"], how="left").with_columns(
        performance_known_at=known
    )


def _is_wanted(kind: str, kinds: Collection[str] | None) -> bool:
    return kinds is None or kind in kinds


@cache
def duty_columns(name: str, rules: Clocks | None = None) -> frozenset[str]:
    """Own columns of a table that the duties read."""
    schema = table(name).schema
    fixed = {
        "entity": {"established_on", "ended_on"},
        "annual_report": {"report_year", "submitted_at"},
        "penalty": {"decision_no", "fine_amount_fen", "served_on", "due_on", "state"},
        "penalty_performance": {
            "decision_no", "event_kind", "amount_fen", "occurred_on", "new_due_on",
        },
    }.get(name, set())  # fmt: skip
    for duty in (rules or clocks()).duties:
        if duty.table == name:
            told = (duty.where, duty.opened, duty.due, duty.done, duty.waived)
            named = {c for text in told for c in sql(text).meta.root_names()}
            fixed |= named | {c for c in (duty.base, duty.amount) if c}
    return frozenset(fixed & set(schema))


@cache
def sql(text: str) -> pl.Expr:
    return pl.sql_expr(text)


def _dated(rows: pl.DataFrame, versions: pl.DataFrame | None, duty: Duty) -> pl.DataFrame:
    """Duties of one kind whose dates stand in one record."""
    days = rows.with_columns(_opened=sql(duty.opened), _done=sql(duty.done), _told=sql(duty.due))
    due = pl.col("_told")
    if duty.base:
        fallback = (
            workdays().after(duty.base, duty.workdays)
            if duty.workdays
            else pl.col(duty.base).dt.offset_by(duty.offset)
        )
        due = pl.coalesce(due, fallback)
    if duty.latest:
        due = pl.min_horizontal(due, pl.col("_opened").dt.offset_by(duty.latest))
    dated = days.with_columns(_due=due, _first=pl.lit(None, MOMENT))
    if versions is not None:
        proven = versions.filter(sql(duty.done).is_not_null())
        first = proven.group_by(FACT).agg(_first=pl.col("known_at").min())
        dated = dated.drop("_first").join(first, on=FACT, how="left")
    done = pl.col("_done").is_not_null()
    return dated.select(
        *(*FACT, "dispute_status", FROM, UNTIL),
        kind=pl.lit(duty.kind),
        source_table=pl.lit(duty.table),
        source_record_id="record_id",
        opened_on="_opened",
        due_at=end_of(pl.col("_due")),
        due_rule=pl.lit(duty.rule),
        performed_at=first_moment(pl.col("_done")),
        performance_known_at=pl.when(done).then("_first"),
        amount_fen=sql(duty.amount) if duty.amount else pl.lit(None),
        waived=sql(duty.waived),
    )


def _complete(part: pl.DataFrame) -> pl.DataFrame:
    """All columns of a duty but its standing, and what that follows from."""
    there = part.schema
    return part.select(
        pl.col(name)
        if there.get(name) == dtype
        else (pl.col(name) if name in there else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in _BESIDE_STANDING.items()
    )


def _with_standing(duties: pl.DataFrame, register: pl.DataFrame) -> pl.DataFrame:
    """performed, performed_late, waived, paused or open, in each stretch of knowledge."""
    is_none = register["ended_on"].null_count() == register.height
    beside = duties if is_none else _with_ends(duties, register)
    done, due = pl.col("performed_at"), pl.col("due_at")
    ended = (first_moment(pl.col("ended_on")) < due).fill_null(value=False)
    standing = (
        pl.when(done.is_not_null() & (done < due))
        .then(pl.lit("performed"))
        .when(done.is_not_null())
        .then(pl.lit("performed_late"))
        .when(pl.col("waived").fill_null(value=False) | ended)
        .then(pl.lit("waived"))
        .when(pl.col("paused").fill_null(value=False))
        .then(pl.lit("paused"))
        .otherwise(pl.lit("open"))
    )
    return beside.select(*(n for n in DUTY_SCHEMA if n != "standing"), standing=standing)


def _with_ends(duties: pl.DataFrame, register: pl.DataFrame) -> pl.DataFrame:
    """Cut the spans of duties where the end of their enterprise becomes known."""
    gone = register.filter(pl.col("ended_on").is_not_null()).select("uscc").unique()
    told = register.join(gone, on="uscc", how="semi").select("uscc", "ended_on", FROM, UNTIL)
    latest = segments(told.lazy(), ["uscc"], ended_on=pl.col("ended_on").max())
    others = duties.filter(pl.col("kind") != "annual_report").drop("ended_on").lazy()
    cut = overlapping(others, merged(latest, ["uscc"], ["ended_on"]), ["uscc"]).collect()
    own = duties.filter(pl.col("kind") == "annual_report")
    return pl.concat([own, cut.select(own.columns)])


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
