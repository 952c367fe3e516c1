"""The ledger: one row a duty with a deadline, derived from the records as of any moment.

It is never stored and never edited. Timeliness facts belong to it and stay after a list entry is
repaired (domain README, section 9); with `strict_history` repaired and expired
records leave the ledger too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import polars as pl

from xinheng.domain import ZONE
from xinheng.records.codes.succession import REGISTER, REGISTER_COLUMNS, Successions
from xinheng.records.duties.days import first_moment
from xinheng.records.duties.proofs import Proofs
from xinheng.records.duties.rules import Clocks
from xinheng.records.duties.spans import duty_columns, duty_id, duty_spans, standing_at
from xinheng.records.duties.workdays import Workdays
from xinheng.records.frames import microsecond, microseconds, where
from xinheng.records.in_force.intervals import FORCE_COLUMNS
from xinheng.records.spans import FROM, UNTIL
from xinheng.records.tables import MOMENT

LEDGER_SCHEMA: dict[str, pl.DataType] = {
    "uscc": pl.String(),
    "obligation_id": pl.String(),
    "kind": pl.String(),
    "owed_by": pl.String(),
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
    "is_due_certain": pl.Boolean(),
}
"""As the record table `obligation`, with the end of a local grace period beside the deadline and
whether the deadline is certain: the calendar of its year may not be known yet. `owed_by` says who
owes it: the enterprise, or an authority."""
_ENVELOPE = ("record_id", "event_at", "source_dept", *FORCE_COLUMNS)
TRANSITION_SCHEMA: dict[str, pl.DataType] = {
    "uscc": pl.String(),
    "obligation_id": pl.String(),
    "at": MOMENT,
    "state": pl.String(),
}


def ledger(
    versions: Callable[[str], pl.LazyFrame | pl.DataFrame],
    as_of: datetime,
    *,
    rules: Clocks | None = None,
    calendar: Workdays | None = None,
    strict_history: bool = False,
    proofs: Proofs | None = None,
) -> pl.DataFrame:
    """Every duty that began before `as_of`, with its state then: `LEDGER_SCHEMA`.

    Duties that arose under a former code stand under the present one, once that was known.

    Parameters
    ----------
    versions
        Record versions by table, e.g. `Lake.rows`; frames where they are in memory already.
    rules
        Clocks of a deployment; by default those of `clocks.toml`.
    calendar
        Working days of a deployment (`Lake.calendar`); by default those of the delivered files.
    strict_history
        Leave out records whose repair or publicity end has taken effect.
    proofs
        Since when proofs are delivered (`Lake.proofs`); by default as these records show, which
        must be those of all firms then.
    """
    as_of = as_of.astimezone(UTC)
    codes = Successions.of(_known(versions(REGISTER), as_of, list(REGISTER_COLUMNS)))
    held: dict[str, pl.DataFrame] = {}

    def heard(name: str) -> pl.DataFrame:
        if name not in held:
            columns = dict.fromkeys((*_ENVELOPE, *sorted(duty_columns(name, rules))))
            held[name] = codes.read(name, _known(versions(name), as_of, list(columns)))
        return held[name]

    spans = duty_spans(
        heard, as_of, rules=rules, calendar=calendar, strict=strict_history, proofs=proofs
    )
    return standing_duties(spans, as_of)


def standing_duties(spans: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Of duties with spans (`DUTY_SCHEMA`) those known at a moment: `LEDGER_SCHEMA`."""
    since, until = (microseconds(spans[edge]) for edge in (FROM, UNTIL))
    at, today = microsecond(as_of), np.datetime64(as_of.astimezone(ZONE).date())
    has_begun = spans["opened_on"].to_numpy() <= today  # never where there is no such day
    duties = where(spans, (since <= at) & (at < until) & has_begun)
    made = {"state": standing_at(pl.lit(as_of)), "obligation_id": duty_id()}
    told = duties.select(made.get(n, pl.col(n)).cast(d).alias(n) for n, d in LEDGER_SCHEMA.items())
    return told.sort("uscc", "due_at", "obligation_id")


def _known(rows: pl.LazyFrame | pl.DataFrame, as_of: datetime, columns: list[str]) -> pl.DataFrame:
    """What was known by then; a frame without a query plan."""
    if isinstance(rows, pl.LazyFrame):
        return rows.filter(pl.col("known_at") <= as_of).select(columns).collect()
    until = microsecond(as_of)
    told = pl.DataFrame([rows[name] for name in columns])
    return where(told, microseconds(rows["known_at"]) <= until)


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
