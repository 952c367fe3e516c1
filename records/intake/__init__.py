"""Deliveries in: read as a stream, judged, numbered, and kept whole or not at all."""

from __future__ import annotations

from xinheng.records.intake.report import Report, TableReport
from xinheng.records.intake.take import ingest, ingest_all, was_taken

__all__ = ["Report", "TableReport", "ingest", "ingest_all", "was_taken"]
