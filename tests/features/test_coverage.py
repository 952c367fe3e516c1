"""Where a department says that it has nothing, nothing is zero; where it says nothing, unknown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.features.test_relations import A, record
from tests.records.handmade import rows
from tests.records.test_gate import write_delivery
from xinheng.features.catalogue import indicator
from xinheng.features.coverage import Coverage, least_months
from xinheng.features.engine.compute import compute
from xinheng.features.explain.unknown import unknown_shares
from xinheng.features.explain.values import explained
from xinheng.features.memory import Memory
from xinheng.records.frames import microsecond
from xinheng.records.intake import ingest
from xinheng.records.lake import Lake

YEAR_END = datetime(2024, 12, 31, 16, tzinfo=UTC)
FLAG = "serious_list_current_flag"
MONTHS = [date(2024, month, 1) for month in range(1, 13)]


def note(month: date, **changes: object) -> dict[str, object]:
    """A word of one month of the list of serious offenders, known at the end of the next."""
    known = datetime(month.year, month.month, 28, tzinfo=UTC)
    return {
        "record_type": "serious_list", "source_dept": "d", "region_code": "", "month": month,
        "state": "covered", "known_at": known, "scope": "", **changes,
    }  # fmt: skip


def world(notes: list[dict[str, object]], region: str = "640302") -> Memory:
    firm = record(
        "e", A, industry_code="H6210", registered_region_code=region, status="active",
        entity_type="enterprise", name_zh="甲", established_on=date(2010, 5, 1),
    )  # fmt: skip
    frame = pl.DataFrame([firm]).with_columns(pl.lit(None).alias("repaired_at"))
    told = pl.DataFrame(notes).cast({"known_at": pl.Datetime("us", "UTC")})
    return Memory({"entity": frame}, notes=told)


def flag(source: Memory, at: datetime = YEAR_END) -> float | None:
    question = pl.DataFrame({"uscc": [A], "as_of": [at]})
    value: float | None = compute([indicator(FLAG)], question, source)[FLAG][0]
    return value


def test_a_table_that_never_had_a_row_is_zero_where_its_emptiness_was_delivered() -> None:
    assert flag(world([note(month) for month in MONTHS])) == 0
    assert flag(world([note(month) for month in MONTHS[:5]])) is None


def test_a_department_that_never_named_a_region_serves_all_until_it_names_others() -> None:
    silent = [note(month) for month in MONTHS]
    named = note(MONTHS[-1], record_type="penalty", region_code="640300")
    far = named | {"region_code": "110101"}
    assert flag(world(silent)) == 0
    assert flag(world([*silent, named])) == 0
    assert flag(world([*silent, far])) is None


def test_a_county_that_speaks_for_itself_does_not_speak_for_its_neighbour() -> None:
    own = [note(month, region_code="640302", scope="640302") for month in MONTHS]
    other = [note(month, region_code="640303", scope="640303", record_type="penalty")
             for month in MONTHS]  # fmt: skip
    assert flag(world([*own, *other])) == 0
    assert flag(world([*own, *other], region="640303")) is None


def test_a_month_that_a_county_and_its_city_both_delivered_is_one_month() -> None:
    city = [note(month, region_code="640302") for month in MONTHS[:3]]
    whole = [note(month) for month in MONTHS[:3]]
    own = [note(month, region_code="640302", scope="640302") for month in MONTHS[:3]]
    assert flag(world([*city, *whole, *own])) is None
    more = [note(month, region_code="640302", scope="640302") for month in MONTHS[3:6]]
    assert flag(world([*city, *whole, *own, *more])) == 0


@given(
    delivered=st.lists(st.booleans(), min_size=12, max_size=12),
    doubted=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_a_state_is_known_from_half_a_year_of_months_on(
    delivered: list[bool], doubted: list[bool]
) -> None:
    """Whatever months came, in whatever order, and whichever of them were in doubt."""
    notes = [
        note(month, state="unknown" if bad else "covered")
        for month, came, bad in zip(MONTHS, delivered, doubted, strict=True)
        if came
    ]
    months = sum(came and not bad for came, bad in zip(delivered, doubted, strict=True))
    # A source that never gave a note of the table counts from its first record, which never came.
    source = world([note(MONTHS[0], record_type="penalty", region_code="640302"), *notes])
    assert (flag(source) is None) == (months < least_months(366))
    told = Coverage(source).months("serious_list", microsecond(YEAR_END), 366)
    assert told == ({"d": months} if months else {})


def test_an_unknown_value_names_the_table_that_is_missing() -> None:
    known = world([note(month) for month in MONTHS])
    missing = world([note(month) for month in MONTHS[:2]])
    for source, gaps in ((known, ()), (missing, ("serious_list",))):
        (one,) = explained([indicator(FLAG)], A, YEAR_END, source)
        assert one.not_delivered == gaps
    (one,) = unknown_shares([indicator(FLAG)], YEAR_END, missing)
    assert (one.enterprises, one.unknown, one.not_covered, one.share) == (1, 1, 1, 1.0)
    assert [str(gap) for gap in one.gaps] == ["serious_list (d 2 of 6 months)"]
    (one,) = unknown_shares([indicator(FLAG)], YEAR_END, known)
    assert (one.unknown, one.gaps) == (0, ())
    (one,) = unknown_shares([indicator("food_grade_last")], YEAR_END, known)
    assert (one.enterprises, one.unknown, one.not_covered) == (1, 1, 1), "a caterer"


def test_half_a_year_of_empty_deliveries_says_zero_the_whole_way(tmp_path: Path) -> None:
    """One listing of somebody else in a year: nobody else is on the list, and that is known."""
    lake = Lake.at(tmp_path / "lake")
    made = [("entity", dict(rows()[0][1]), "", "")]
    for number in range(7):
        first = date(2024, 1 + number, 1)
        last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        sent = last + timedelta(days=2)
        folder = write_delivery(
            tmp_path / f"d{number}", made if number == 0 else [], promised={"serious_list": 0},
            sent=f"{sent}T10:00:00+08:00",
        )  # fmt: skip
        text = (folder / "manifest.toml").read_text("utf-8")
        text = text.replace("2024-06-01", f"{first}").replace("2024-06-15", f"{last}")
        (folder / "manifest.toml").write_text(text, "utf-8")
        ingest(folder, None, lake, at=datetime(2024, 9, 1, tzinfo=UTC))
    firm = lake.rows("entity").collect()["uscc"][0]
    values = [
        compute([indicator(FLAG)], pl.DataFrame({"uscc": [firm], "as_of": [at]}), lake)[FLAG][0]
        for at in (datetime(2024, 5, 5, tzinfo=UTC), datetime(2024, 8, 5, tzinfo=UTC))
    ]
    assert values == [None, 0.0]


@pytest.mark.parametrize(("days", "months"), [(92, 2), (366, 6), (1825, 30)])
def test_half_of_the_months_are_enough(days: int, months: int) -> None:
    assert least_months(days) == months
