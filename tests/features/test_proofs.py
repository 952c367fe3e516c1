"""A duty that looks unperformed because nobody delivered the proofs says nothing about a firm."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from tests.features.test_engine import asked
from tests.features.test_relations import A, B, record
from xinheng.features.catalogue import catalogue
from xinheng.features.engine.compute import compute
from xinheng.features.memory import Memory

FIRM = record("e", A, established_on=date(2010, 5, 1), status="active", ended_on=None,
              industry_code="H6210", known_at=datetime(2018, 1, 1, tzinfo=UTC))  # fmt: skip
BEGUN = datetime(2022, 2, 1, tzinfo=UTC)
"""When the first annual report, another firm's, was delivered."""
FILED = record("r", B, report_year=2021, submitted_at=BEGUN, event_at=BEGUN, known_at=BEGUN)


def late_reports(at: datetime, filed: list[dict[str, object]], notes: pl.DataFrame | None) -> float:
    """Reports of the last five years that the firm is known to have missed."""
    frames = {"entity": pl.DataFrame([FIRM]), "annual_report": pl.DataFrame(filed)}
    named = {n: f.with_columns(repaired_at=None, publicity_until=None) for n, f in frames.items()}
    source = Memory(named, notes=notes)
    values = compute([catalogue()["ar_late_count"]], asked([(A, at)]), source)
    return float(values["ar_late_count_1825d"][0])


@pytest.mark.parametrize(("year", "missed"), [(2022, 0.0), (2023, 1.0), (2024, 2.0)])
def test_reports_due_before_any_was_delivered_are_not_missed(year: int, missed: float) -> None:
    assert late_reports(datetime(year, 9, 1, tzinfo=UTC), [FILED], None) == missed


def test_what_was_filed_late_counts_whenever_deliveries_began() -> None:
    late = datetime(2021, 8, 1, tzinfo=UTC)
    own = FILED | record("o", A, report_year=2020, submitted_at=late, event_at=late, known_at=BEGUN)
    assert late_reports(datetime(2022, 9, 1, tzinfo=UTC), [FILED, own], None) == 1.0


def test_a_note_of_earlier_months_tells_of_earlier_duties_from_the_day_it_is_known() -> None:
    told = datetime(2022, 3, 1, tzinfo=UTC)
    notes = pl.DataFrame(
        [
            {"record_type": "annual_report", "source_dept": "d", "region_code": "440300",
             "month": date(year, month, 1), "state": "covered", "known_at": told}
            for year in range(2020, 2023) for month in range(1, 13)
        ]
    ).cast({"known_at": pl.Datetime("us", "UTC")})  # fmt: skip
    assert late_reports(datetime(2022, 3, 2, tzinfo=UTC), [FILED], notes) == 2.0, "2019 and 2020"
    assert late_reports(datetime(2022, 9, 1, tzinfo=UTC), [FILED], notes) == 3.0, "and 2021"
