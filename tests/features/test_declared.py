from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from xinheng.errors import UnknownName
from xinheng.features.declared import HabitFeature, Inputs
from xinheng.features.engine.compute import compute
from xinheng.features.memory import Memory
from xinheng.records.lake import stored_schema

LATE, PUNCTUAL = "91440300192317458F", "91440400192548256N"


def reports(uscc: str, late: list[bool]) -> list[dict[str, object]]:
    """One report a year from 2018 on, known in May of the year after."""
    return [
        {
            "uscc": uscc,
            "record_id": f"{uscc}-{year}",
            "source_system": "s",
            "source_record_no": f"{uscc}-{year}",
            "version": 1,
            "operation": "insert",
            "quality_status": "passed",
            "event_at": datetime(year + 1, 5, 1, tzinfo=UTC),
            "known_at": datetime(year + 1, 5, 2, tzinfo=UTC),
            "report_year": year,
            "due_on": date(year + 1, 6, 30),
            "submitted_at": datetime(year + 1, 5, 1, tzinfo=UTC),
            "is_late_supplement": was_late,
        }
        for year, was_late in enumerate(late, start=2018)
    ]


def test_a_habit_is_the_own_share_shrunk_to_that_of_all_others() -> None:
    rows = [*reports(LATE, [True, True, False]), *reports(PUNCTUAL, [False, False, True])]
    schema = {k: v for k, v in stored_schema("annual_report").items() if k in rows[0]}
    source = Memory({"annual_report": pl.DataFrame(rows, schema=schema)})
    habit = HabitFeature(id="late", table="annual_report", condition="is_late_supplement", prior=2)
    own = [one for one in Inputs(habit=[habit]).indicators() if one.id == "late"]
    moments = [datetime(2020, 5, 3, tzinfo=UTC), datetime(2021, 5, 3, tzinfo=UTC)]
    question = pl.DataFrame({"uscc": [LATE, LATE, PUNCTUAL], "as_of": [*moments, moments[1]]})
    found = compute(own, question, source)["late"].to_list()
    assert found == pytest.approx(
        [
            (2 + 2 * 0 / 2) / (2 + 2),  # its two reports of then; of the other's two none was late
            (2 + 2 * 1 / 3) / (3 + 2),
            (1 + 2 * 2 / 3) / (3 + 2),
        ]
    )


def test_a_habit_of_an_unknown_column_offers_the_near_one() -> None:
    habit = HabitFeature(id="late", table="annual_report", condition="is_late_suplement")
    with pytest.raises(UnknownName, match="did you mean is_late_supplement"):
        Inputs(habit=[habit]).indicators()
