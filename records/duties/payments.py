"""LC07 to LC10: the payment of a fine, with deferral and instalments."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from xinheng.records.duties.days import end_of, first_moment
from xinheng.records.duties.rules import PaymentClock
from xinheng.records.duties.workdays import workdays
from xinheng.records.spans import FROM, UNTIL, stretches

PAYING = ("paid", "part_paid", "court_enforced")
DEFERRING = ("deferral_approved", "instalment_approved")
_CASE = ["uscc", "decision_no"]
_S = "_stretch"
_FINE = (
    "source_system", "source_record_no", "record_id", "fine_amount_fen", "served_on", "due_on",
    "state", "dispute_status",
)  # fmt: skip
_EVENT = (
    "event_at", "known_at", "record_id", "event_kind", "amount_fen", "occurred_on", "new_due_on",
)  # fmt: skip


def payments(spans: Callable[[str], pl.DataFrame], clock: PaymentClock) -> pl.DataFrame:
    """One duty a served fine: due 15 days after service or as decided, or as deferred.

    A review or a suit does not suspend the duty (LC10). The clock starts with service only, so a
    decision whose service is not known is no duty yet. What was paid in full by its last
    instalment is performed on that day.
    """
    fines = spans("penalty").filter(
        pl.col("fine_amount_fen") > 0, pl.col("served_on").is_not_null()
    )
    events = spans("penalty_performance").join(fines.select(_CASE).unique(), on=_CASE, how="semi")
    edges = pl.concat([rows.select(*_CASE, FROM, UNTIL) for rows in (fines, events)])
    cuts = stretches(edges, _CASE).with_row_index(_S)
    owed, told = _inside(cuts, fines, _FINE), _inside(cuts, events, _EVENT)
    term = pl.col("served_on").dt.offset_by(f"{clock.days}d")
    dated = owed.with_columns(_term=term)
    if clock.shift_to_workday:
        dated = dated.with_columns(_term=workdays().on_or_after("_term"))
    paid = (
        dated.join(_deferred(told), on=_S, how="left")
        .join(_paid(told, owed), on=_S, how="left")
        .with_columns(_due=pl.coalesce("_new_due", "due_on", "_term"))
    )
    return paid.select(
        "uscc",
        *("source_system", "source_record_no", "dispute_status"),
        FROM,
        UNTIL,
        kind=pl.lit("penalty_payment"),
        source_table=pl.lit("penalty"),
        source_record_id="record_id",
        opened_on="served_on",
        due_at=end_of(pl.col("_due")),
        due_rule=_rule(clock),
        performed_at=first_moment(pl.col("_paid_on")),
        performance_known_at="_paid_known",
        amount_fen="fine_amount_fen",
        waived=pl.col("state").is_in(["revoked", "invalid"]) | pl.col("_closed").is_not_null(),
        paused=pl.col("_new_due").is_not_null(),
    )


def _inside(cuts: pl.DataFrame, rows: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """The rows of each stretch in which they are usable."""
    own = rows.select(*_CASE, *columns, pl.col(FROM).alias("_from"), pl.col(UNTIL).alias("_until"))
    usable = (pl.col("_from") <= pl.col(FROM)) & (pl.col(FROM) < pl.col("_until"))
    return cuts.join(own, on=_CASE).filter(usable)


def _rule(clock: PaymentClock) -> pl.Expr:
    return (
        pl.when(pl.col("_new_due").is_not_null())
        .then(pl.lit("LC09 deferral"))
        .when(pl.col("due_on").is_not_null())
        .then(pl.lit("LC07 term of the decision"))
        .otherwise(pl.lit(clock.name))
    )


def _deferred(events: pl.DataFrame) -> pl.DataFrame:
    """The newest due date that was approved; it replaces the old ones (LC09)."""
    approved = events.filter(
        pl.col("event_kind").is_in(DEFERRING), pl.col("new_due_on").is_not_null()
    )
    return (
        approved.sort("event_at", "known_at", "record_id")
        .group_by(_S)
        .agg(_new_due=pl.col("new_due_on").last())
    )


def _paid(events: pl.DataFrame, fines: pl.DataFrame) -> pl.DataFrame:
    """Day on which the payments reached the fine, and when that was known; closed without."""
    owed = fines.group_by(_S).agg(_fine=pl.col("fine_amount_fen").max())
    own = events.join(owed, on=_S, how="inner").sort("event_at", "known_at", "record_id")
    whole = (pl.col("event_kind") == "paid") & pl.col("amount_fen").is_null()
    amount = pl.when(whole).then(pl.col("_fine")).otherwise(pl.col("amount_fen").fill_null(0))
    paying = own.filter(pl.col("event_kind").is_in(PAYING)).with_columns(
        _sum=amount.cum_sum().over(_S)
    )
    reached = (
        paying.filter(pl.col("_sum") >= pl.col("_fine"))
        .group_by(_S, maintain_order=True)
        .agg(_paid_on=pl.col("occurred_on").first(), _paid_known=pl.col("known_at").first())
    )
    closed = (
        own.filter(pl.col("event_kind") == "closed")
        .group_by(_S)
        .agg(_closed=pl.col("occurred_on").min())
    )
    return owed.select(_S).join(reached, on=_S, how="left").join(closed, on=_S, how="left")
