from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from xinheng.errors import UnknownName
from xinheng.features.declared import HabitFeature, Inputs, TotalFeature, WordFeature, merged
from xinheng.features.engine.compute import compute
from xinheng.features.memory import Memory
from xinheng.records.asked import stored_schema

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


def test_words_are_looked_for_in_the_latest_text_whatever_their_case() -> None:
    feature = WordFeature(attribute="reason", words=["lack of", "glass"], name_en="Reason")
    inputs = Inputs(scopes=[], word=[feature])
    one, other = inputs.indicators()
    assert (one.id, other.id) == ("word_reason_lack_of", "word_reason_glass")
    assert one.name_en == "Reason contains “lack of”"
    assert one.unit == "flag"
    assert merged([inputs, inputs]).word == [feature, feature]
    texts = {2023: "Glass particles found", 2024: "LACK OF assurance of sterility"}
    rows = [
        {
            "uscc": LATE,
            "record_id": f"r-{year}",
            "source_system": "s",
            "source_record_no": f"r-{year}",
            "version": 1,
            "operation": "insert",
            "quality_status": "passed",
            "event_at": datetime(year, 1, 1, tzinfo=UTC),
            "known_at": datetime(year, 1, 2, tzinfo=UTC),
            "sector": "drugs",
            "attribute": "reason",
            "value_text": text,
        }
        for year, text in texts.items()
    ]
    schema = {k: v for k, v in stored_schema("sector_profile").items() if k in rows[0]}
    source = Memory({"sector_profile": pl.DataFrame(rows, schema=schema)})
    moments = [datetime(year, 6, 1, tzinfo=UTC) for year in (2023, 2024)]
    asked = pl.DataFrame({"uscc": [LATE, LATE], "as_of": moments})
    found = compute(inputs.indicators(), asked, source)
    assert found["word_reason_glass"].to_list() == [1.0, 0.0]
    assert found["word_reason_lack_of"].to_list() == [0.0, 1.0]


def test_words_without_latin_letters_keep_columns_of_their_own() -> None:
    feature = WordFeature(attribute="reason", words=["混入", "过期"])
    found = [one.id for one in Inputs(scopes=[], word=[feature]).indicators()]
    assert found == ["word_reason_混入", "word_reason_过期"]


def fines(days: dict[str, tuple[int, int]]) -> pl.DataFrame:
    """One fine each: day of June and fen, known the next day."""
    rows = [
        {
            "uscc": LATE,
            "record_id": number,
            "source_system": "s",
            "source_record_no": number,
            "version": 1,
            "operation": "insert",
            "quality_status": "passed",
            "event_at": datetime(2024, 6, day, tzinfo=UTC),
            "known_at": datetime(2024, 6, day + 1, tzinfo=UTC),
            "fine_amount_fen": fen,
            "state": "effective",
        }
        for number, (day, fen) in days.items()
    ]
    schema = {k: v for k, v in stored_schema("penalty").items() if k in rows[0]}
    return pl.DataFrame(rows, schema=schema)


def test_a_total_counts_and_sums_what_was_decided_on_the_same_day() -> None:
    source = Memory({"penalty": fines({"a": (3, 90_000), "b": (10, 20_000), "c": (10, 50_000)})})
    inputs = Inputs(
        scopes=[],
        total=[
            TotalFeature(id="of_the_case", table="penalty", windows_days=[2]),
            TotalFeature(
                id="large", table="penalty", condition="fine_amount_fen > 30000", windows_days=[30]
            ),
            TotalFeature(
                id="amount", table="penalty", column="fine_amount_fen", per=100, windows_days=[2]
            ),
        ],
    )
    assert merged([inputs, inputs]).total == [*inputs.total, *inputs.total]
    asked = pl.DataFrame({"uscc": [LATE], "as_of": [datetime(2024, 6, 11, tzinfo=UTC)]})
    found = compute(inputs.indicators(), asked, source).row(0, named=True)
    assert (found["of_the_case_2d"], found["large_30d"]) == (2.0, 2.0)
    assert found["amount_2d"] == pytest.approx(np.log1p(700.0))


def test_a_total_of_an_unknown_column_offers_the_near_one() -> None:
    feature = TotalFeature(id="x", table="penalty", column="fine_amount_fan", windows_days=[2])
    with pytest.raises(UnknownName, match="did you mean fine_amount_fen"):
        Inputs(total=[feature]).indicators()
