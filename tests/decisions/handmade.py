"""Records of one firm, made by hand for a test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from xinheng.decisions.causes.shares import ClassChange, Share
from xinheng.records.asked import stored_schema

MONTH_AGO = datetime(2025, 11, 30, 16, tzinfo=UTC)


def changed_class(
    uscc: str, *, former: str = "A", present: str = "D", rules: Sequence[str] = ()
) -> ClassChange:
    """A class that a new record has changed."""
    shares = (
        Share("time", -12.5, 0.0, former),
        Share("facts", 600.0, 0.0, present, tuple(rules), (), ("penalty:p/1",)),
    )
    return ClassChange(
        uscc, former, present, "facts", tuple(rules), MONTH_AGO, 180.0, 767.5, shares
    )


FIRM, OTHER = "91440300192317458F", "91440400192548256N"


def rows(name: str, *ones: dict[str, object]) -> pl.DataFrame:
    """First versions of a table's records, of `FIRM` where a row does not say otherwise."""
    told = [
        {
            "uscc": FIRM,
            "record_id": f"{name}-{number}/v1",
            "source_system": "s",
            "source_record_no": f"{name}-{number}",
            "version": 1,
            "operation": "insert",
            "quality_status": "passed",
        }
        | one
        for number, one in enumerate(ones)
    ]
    keys = {key for one in told for key in one}
    schema = {k: v for k, v in stored_schema(name).items() if k in keys}
    return pl.DataFrame(told, schema=schema)
