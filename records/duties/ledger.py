"""The ledger of obligations: one row a duty with a deadline, as of any moment.

It is derived, never stored: the same records give the same ledger. A fact enters from the moment
its version is known; states follow from the dates alone. Timeliness facts stay usable after a
list entry is repaired (domain README, section 9); with `strict_history` repaired and expired
records leave the ledger too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl

from xinheng.domain import ZONE
from xinheng.records.duties.days import end_of, first_moment
from xinheng.records.duties.payments import payments
from xinheng.records.duties.reports import reports
from xinheng.records.duties.rules import Clocks, Duty, clocks
from xinheng.records.duties.workdays import workdays
from xinheng.records.tables import MOMENT
from xinheng.records.versions import KEY, standing

LEDGER_SCHEMA: dict[str, pl.DataType] = {
    "uscc": pl.String(),
    "obligation_id": pl.String(),
    "kind": pl.String(),
    "source_table": pl.String(),
    "source_record_id": pl.String(),
    "opened_on": pl.Date(),
    "due_at": MOMENT,
    "grace_until": MOMENT,
    "due_rule": pl.String(),
    "performed_at": MOMENT,
    "performance_known_at": MOMENT,
    "state": pl.String(),
    "amount_fen": pl.Int64(),
}
"""As the record table `obligation`, with the end of a local grace period beside the deadline."""
TRANSITION_SCHEMA: dict[str, pl.DataType] = {
    "uscc": pl.String(),
    "obligation_id": pl.String(),
    "at": MOMENT,
    "state": pl.String(),
}
Versions = Callable[[str], pl.LazyFrame]
"""All versions of a table's records."""


def ledger(
    versions: Versions,
    as_of: datetime,
    *,
    rules: Clocks | None = None,
    strict_history: bool = False,
) -> pl.DataFrame:
    """Every duty that began before `as_of`, with its state then: `LEDGER_SCHEMA`.

    Parameters
    ----------
    versions
        Record versions by table, e.g. `Lake.rows`.
    rules
        Clocks of a deployment; by default those of `clocks.toml`.
    strict_history
        Leave out records whose repair or publicity end has taken effect.
    """
    chosen = rules or clocks()
    as_of = as_of.astimezone(UTC)

    def known(name: str) -> pl.LazyFrame:
        return standing(versions(name), as_of, strict_history=strict_history)

    def heard(name: str) -> pl.LazyFrame:
        return versions(name).filter(pl.col("known_at") <= as_of)

    parts = [
        reports(known, heard, as_of, chosen.annual_report),
        payments(known, chosen.penalty_payment),
        *(_dated(known, heard, duty) for duty in chosen.duties),
    ]
    complete = [_complete(part) for part in parts]
    duties = pl.concat(complete).filter(pl.col("opened_on") <= _local_day(as_of))
    return _with_states(duties, known("entity"), as_of).collect(engine="streaming")


def transitions(duties: pl.DataFrame) -> pl.DataFrame:
    """When each duty of a ledger opened, fell overdue and was performed: `TRANSITION_SCHEMA`."""
    opened = first_moment(pl.col("opened_on"))
    late = pl.col("performed_at").is_null() | (pl.col("performed_at") > pl.col("due_at"))
    steps = [
        duties.select("uscc", "obligation_id", at=opened, state=pl.lit("open")),
        duties.filter(pl.col("state").is_in(["overdue", "performed_late"]) & late).select(
            "uscc", "obligation_id", at="due_at", state=pl.lit("overdue")
        ),
        duties.filter(pl.col("performed_at").is_not_null()).select(
            "uscc", "obligation_id", at="performed_at", state="state"
        ),
    ]
    cast = [s.select(pl.col(n).cast(d) for n, d in TRANSITION_SCHEMA.items()) for s in steps]
    return pl.concat(cast).sort("obligation_id", "at", maintain_order=True)


def _dated(known: Versions, heard: Versions, duty: Duty) -> pl.LazyFrame:
    """Duties of one kind whose dates stand in one record."""
    rows = known(duty.table).filter(pl.sql_expr(duty.where))
    days = rows.with_columns(
        _opened=pl.sql_expr(duty.opened), _done=pl.sql_expr(duty.done), _told=pl.sql_expr(duty.due)
    )
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
    first = (
        heard(duty.table)
        .filter(pl.sql_expr(duty.done).is_not_null())
        .group_by(KEY)
        .agg(_first=pl.col("known_at").min())
    )
    dated = days.with_columns(_due=due).join(first, on=KEY, how="left")
    done = pl.col("_done").is_not_null()
    return dated.select(
        "uscc",
        kind=pl.lit(duty.kind),
        source_table=pl.lit(duty.table),
        source_record_id="record_id",
        obligation_id=pl.concat_str(pl.lit(f"{duty.kind}:{duty.table}"), *KEY, separator="/"),
        opened_on="_opened",
        due_at=end_of(pl.col("_due")),
        due_rule=pl.lit(duty.rule),
        performed_at=first_moment(pl.col("_done")),
        performance_known_at=pl.when(done).then("_first"),
        amount_fen=pl.sql_expr(duty.amount) if duty.amount else pl.lit(None),
        waived=pl.sql_expr(duty.waived),
    )


def _complete(part: pl.LazyFrame) -> pl.LazyFrame:
    """All columns of the ledger but the state, and what the state follows from."""
    wanted = {**LEDGER_SCHEMA, "waived": pl.Boolean(), "paused": pl.Boolean()}
    wanted.pop("state")
    there = set(part.collect_schema().names())
    filled = part.with_columns(
        pl.lit(None, dtype=d).alias(n) for n, d in wanted.items() if n not in there
    )
    return filled.select(pl.col(n).cast(d) for n, d in wanted.items())


def _with_states(duties: pl.LazyFrame, register: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """open, performed, performed_late, overdue, waived or paused, at the moment."""
    ends = register.group_by("uscc").agg(_ended=pl.col("ended_on").max())
    gone = first_moment(pl.col("_ended"))
    beside = duties.join(ends, on="uscc", how="left").with_columns(_gone=gone)
    done, due = pl.col("performed_at"), pl.col("due_at")
    ended = (pl.col("_gone") < due).fill_null(value=False)
    state = (
        pl.when(done.is_not_null() & (done < due))
        .then(pl.lit("performed"))
        .when(done.is_not_null())
        .then(pl.lit("performed_late"))
        .when(pl.col("waived").fill_null(value=False) | ended)
        .then(pl.lit("waived"))
        .when(due <= as_of)
        .then(pl.lit("overdue"))
        .when(pl.col("paused").fill_null(value=False))
        .then(pl.lit("paused"))
        .otherwise(pl.lit("open"))
    )
    told = beside.with_columns(state=state)
    return told.select(pl.col(n).cast(d) for n, d in LEDGER_SCHEMA.items()).sort(
        "uscc", "due_at", "obligation_id"
    )


def _local_day(moment: datetime) -> pl.Expr:
    return pl.lit(moment.astimezone(ZONE).date())
