"""Deliveries in: read as a stream, judged, numbered, and kept whole or not at all."""

from __future__ import annotations

from xinheng.records.intake.deliveries import Delivery, find_deliveries
from xinheng.records.intake.report import Report, TableReport
from xinheng.records.intake.take import ingest, ingest_all, was_taken

__all__ = [
    "Delivery",
    "Report",
    "TableReport",
    "find_deliveries",
    "ingest",
    "ingest_all",
    "was_taken",
]
