"""The open duties of the ledger, looked at some hours before their deadline, and what became."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from xinheng.features.knowledge import DUTY_RECORD, Knowledge
from xinheng.features.source import Source
from xinheng.records.codes.subjects import has_scored_code
from xinheng.records.duties.spans import duty_id
from xinheng.records.sources.origins import sql
from xinheng.records.spans import FROM, UNTIL
from xinheng.training.cohorts.task import Cohort

UNSETTLED = ("waived", "paused")
"""What ended or was stayed before its deadline says nothing about the firm."""


def duties_asked(cohort: Cohort, source: Source, until: datetime) -> pl.DataFrame:
    """Duties that were known to be open when looked at, with their outcome as known later.

    A row a duty and look: `uscc`, `as_of`, `look` (hours before the deadline), `event_at` (the
    deadline), and the ledger's columns as known at `until`. Duties that were waived or paused by
    then, or whose deadline was less than `maturation_days` ago, are left out.
    """
    spans = Knowledge(source, until).duties().filter(pl.col(FROM) < pl.col(UNTIL))
    spans = spans.filter(has_scored_code()).with_columns(duty=duty_id(), record_id=DUTY_RECORD)
    if cohort.where:
        spans = spans.filter(sql(cohort.where, spans, where="cohort.where"))
    looks = [_look(spans, hours) for hours in (cohort.lead_hours, *cohort.earlier_hours)]
    asked = pl.concat(looks)
    matured = pl.col("due_at") + timedelta(days=cohort.maturation_days)
    outcomes = spans.filter(
        pl.col(FROM) <= until, until < pl.col(UNTIL), ~pl.col("standing").is_in(UNSETTLED)
    ).select("duty", "performed_at", "standing")
    settled = asked.filter(matured <= until).drop("performed_at", "standing", FROM, UNTIL)
    return settled.join(outcomes, on="duty")


def _look(spans: pl.DataFrame, hours: int) -> pl.DataFrame:
    """The duties that were open, and known to be, so many hours before their deadline."""
    at = pl.col("due_at") - timedelta(hours=hours)
    looked = spans.with_columns(as_of=at, look=pl.lit(hours), event_at=pl.col("due_at"))
    return looked.filter(
        pl.col("standing") == "open",
        pl.col("opened_at") <= pl.col("as_of"),
        pl.col(FROM) <= pl.col("as_of"),
        pl.col("as_of") < pl.col(UNTIL),
    )
