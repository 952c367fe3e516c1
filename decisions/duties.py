"""Duties that are open or overdue, of those that the records can say it of."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from xinheng.domain import ZONE
from xinheng.features.source import Source
from xinheng.records.duties.ledger import standing_duties
from xinheng.records.duties.rules import clocks
from xinheng.records.frames import is_in, where

PENDING = ("open", "overdue")


def pending_duties(source: Source, as_of: datetime, spans: pl.DataFrame) -> pl.DataFrame:
    """Rows of the ledger, the next due first.

    A duty that began before its proofs were delivered is left out: that no proof is there says
    nothing then.

    Parameters
    ----------
    spans
        What is known of duties: `DUTY_SCHEMA`.
    """
    rows = standing_duties(spans, as_of.astimezone(UTC))
    is_told = is_in(rows["state"], PENDING)
    opened = rows["opened_on"].to_numpy()  # what has no such day is not later
    for kind, proof in clocks().proof_tables.items():
        since = source.covered_from(proof)
        first = date.max if since is None else since.astimezone(ZONE).date()
        is_told &= ~is_in(rows["kind"], (kind,)) | (opened >= np.datetime64(first))
    return where(rows, is_told).sort("due_at", "obligation_id")
