"""LC07 to LC10: the payment of a fine, with deferral and instalments."""

from __future__ import annotations

import polars as pl

from xinheng.records.duties.days import end_of, first_moment
from xinheng.records.duties.rules import PaymentClock
from xinheng.records.duties.stretches import Events, Usable, payment_stretches
from xinheng.records.duties.workdays import workdays
from xinheng.records.frames import NONE
from xinheng.records.spans import FROM, UNTIL
from xinheng.records.tables import MOMENT

PAYING = ("paid", "part_paid", "court_enforced")
DEFERRING = ("deferral_approved", "instalment_approved")
_CASE = (pl.col("uscc").hash(1) ^ pl.col("decision_no").hash(2)).reinterpret(signed=True)


def payments(penalties: pl.DataFrame, events: pl.DataFrame, clock: PaymentClock) -> pl.DataFrame:
    """One duty a served fine: due 15 days after service or as decided, or as deferred.

    A review or a suit does not suspend the duty (LC10). The clock starts with service only, so a
    decision whose service is not known is no duty yet. What was paid in full by its last
    instalment is performed on that day. The rows are of `penalty` and `penalty_performance`,
    with spans.
    """
    fines = penalties.filter(pl.col("fine_amount_fen") > 0, pl.col("served_on").is_not_null())
    ordered = events.sort("event_at", "known_at", "record_id")
    row, payment, new_due, closed, since, until = (
        pl.Series(part) for part in payment_stretches(_fines(fines), _events(ordered))
    )
    paid = payment.set(payment == NONE, None)
    owed = fines.select(pl.all().exclude(FROM, UNTIL).gather(row)).with_columns(
        since.cast(MOMENT).alias(FROM),
        until.cast(MOMENT).alias(UNTIL),
        _closed=closed == 1,
        _new_due=new_due.set(new_due == NONE, None).cast(pl.Int32).cast(pl.Date),
        _paid_on=ordered["occurred_on"].gather(paid),
        _paid_known=ordered["known_at"].gather(paid),
        _term=pl.col("served_on").dt.offset_by(f"{clock.days}d"),
    )
    if clock.shift_to_workday:
        owed = owed.with_columns(_term=workdays().on_or_after("_term"))
    return owed.select(
        "uscc",
        *("source_system", "source_record_no", "dispute_status"),
        FROM,
        UNTIL,
        kind=pl.lit("penalty_payment"),
        source_table=pl.lit("penalty"),
        source_record_id="record_id",
        opened_on="served_on",
        due_at=end_of(pl.coalesce("_new_due", "due_on", "_term")),
        due_rule=_rule(clock),
        performed_at=first_moment(pl.col("_paid_on")),
        performance_known_at="_paid_known",
        amount_fen="fine_amount_fen",
        waived=pl.col("state").is_in(["revoked", "invalid"]) | pl.col("_closed"),
        paused=pl.col("_new_due").is_not_null(),
    )


def _fines(rows: pl.DataFrame) -> Usable:
    whole = rows.select(
        _CASE.alias("case"), pl.col(FROM, UNTIL).to_physical(), pl.col("fine_amount_fen")
    )
    case, since, until, fine = (column.to_numpy() for column in whole)
    return Usable(case, since, until, fine, fine)


def _events(rows: pl.DataFrame) -> Events:
    """Events in their order; a deferral counts from its approval with the new last day."""
    kind, amount = pl.col("event_kind"), pl.col("amount_fen")
    is_whole = (kind == "paid") & amount.is_null()
    day = pl.col("new_due_on").to_physical().cast(pl.Int64)
    whole = rows.select(
        _CASE.alias("case"),
        pl.col(FROM, UNTIL).to_physical(),
        kind.is_in(PAYING).cast(pl.Int64).alias("paying"),
        (kind == "closed").cast(pl.Int64).alias("closed"),
        pl.when(is_whole).then(-1).otherwise(amount.fill_null(0)).alias("amount"),
        pl.when(kind.is_in(DEFERRING)).then(day).fill_null(NONE).alias("new_due"),
    )
    return Events(*(column.to_numpy() for column in whole))


def _rule(clock: PaymentClock) -> pl.Expr:
    return (
        pl.when(pl.col("_new_due").is_not_null())
        .then(pl.lit("LC09 deferral"))
        .when(pl.col("due_on").is_not_null())
        .then(pl.lit("LC07 term of the decision"))
        .otherwise(pl.lit(clock.name))
    )
