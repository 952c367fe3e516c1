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
              industry_code="H6210", known_at=datetime(2018, 1, 1, tzinfo=UTC),
              event_at=datetime(2010, 5, 1, tzinfo=UTC))  # fmt: skip
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


C = "91350900587527783P"
KNOWN, ASKED = datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
DUE = date(2024, 3, 1)
OVERDUE = [
    pytest.param("disclosure_overdue_count_365d", "disclosure_item", "H6210",
                 {"item": "capital", "due_on": DUE}, "disclosed_on", 1.0, id="disclosure"),
    pytest.param("food_disposal_overdue_count_365d", "sampling_test", "H6210",
                 {"sector": "food", "disposal_due_on": DUE}, "disposed_on", 1.0, id="disposal"),
    pytest.param("con_rectify_overdue_count_365d", "inspection", "E4710",
                 {"sector": "construction", "rectify_due_on": DUE}, "rectified_on", 1.0,
                 id="building site"),
    pytest.param("drug_rectify_overdue_days_365d", "inspection", "F5151",
                 {"sector": "drugs", "rectify_due_on": DUE}, "rectified_on", 92.0, id="drugs"),
]  # fmt: skip


def overdue(column: str, name: str, industry: str, *rows: dict[str, object]) -> float:
    """A number of firm A on 1 June 2024."""
    firm = FIRM | {"industry_code": industry}
    frames = {
        "entity": [firm],
        name: [row | {"event_at": KNOWN, "known_at": KNOWN} for row in rows],
    }
    source = Memory({n: pl.DataFrame(f) for n, f in frames.items()})
    one = next(o for o in catalogue().values() if column in {c.name for c in o.columns})
    return float(compute([one], asked([(A, ASKED)]), source)[column][0])


@pytest.mark.parametrize(("column", "name", "industry", "told", "done", "late"), OVERDUE)
def test_what_is_not_done_counts_where_its_department_tells_what_was(
    column: str, name: str, industry: str, told: dict[str, object], done: str, late: float
) -> None:
    own = record("own", A, source_dept="m", **told, **{done: None})
    proof = record("proof", B, source_dept="m", **told, **{done: date(2024, 2, 20)})
    assert overdue(column, name, industry, own) == 0.0, "nobody tells what was done"
    assert overdue(column, name, industry, own, proof) == late
    stranger = proof | {"source_dept": "n"}
    assert overdue(column, name, industry, own, stranger) == 0.0, "another department does"


@pytest.mark.parametrize(("column", "name", "industry", "told", "done", "late"), OVERDUE)
def test_what_was_done_late_counts_because_it_is_its_own_proof(
    column: str, name: str, industry: str, told: dict[str, object], done: str, late: float
) -> None:
    own = record("own", A, source_dept="m", **told, **{done: date(2024, 3, 11)})
    assert overdue(column, name, industry, own) == (1.0 if late == 1.0 else 10.0)
    assert overdue(column, name, industry, own | {done: DUE}) == 0.0, "on its last day"


def licence(
    number: str, uscc: str, granted: date, until: date, **more: object
) -> dict[str, object]:
    told = {"licence_kind": "food_business", "granted_on": granted, "valid_to": until,
            "valid_from": granted, "status": "valid", "renewal_applied_on": None,
            "source_dept": "m", "known_at": KNOWN, "event_at": KNOWN}  # fmt: skip
    return record(number, uscc, **(told | more))


OLD, END = date(2019, 3, 2), date(2024, 3, 1)
NEW, LATER = date(2024, 2, 1), date(2029, 2, 1)
PROOF = licence("proof", B, OLD, END, renewal_applied_on=date(2024, 1, 5))
EXPIRED = [
    pytest.param([PROOF], 1.0, id="nothing renewed it"),
    pytest.param([], 0.0, id="nobody tells of renewals"),
    pytest.param([licence("new", A, NEW, LATER)], 0.0, id="a later licence of its kind"),
    pytest.param([PROOF, licence("new", A, NEW, LATER, licence_kind="other")], 1.0, id="other"),
    pytest.param([PROOF, licence("new", A, NEW, LATER, status="revoked")], 1.0, id="revoked"),
    pytest.param([PROOF, licence("new", A, NEW, END)], 1.0, id="one that ended with it"),
    pytest.param([PROOF, licence("new", B, NEW, LATER)], 1.0, id="another holder"),
    pytest.param(
        [PROOF, licence("new", A, NEW, LATER, known_at=datetime(2024, 6, 2, tzinfo=UTC))], 1.0,
        id="known a day after the question",
    ),
    pytest.param(
        [PROOF, licence("new", A, NEW, LATER, dispute_status="under_review")], 0.0,
        id="a disputed successor worsens nothing",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("others", "flag"), EXPIRED)
def test_a_later_licence_renews_for_the_flag_and_the_neighbours_red_point(
    others: list[dict[str, object]], flag: float
) -> None:
    own = [licence("own", A, OLD, END), *others]
    ties = [
        record(f"tie-{uscc}", uscc, party_kind="person", party_key="p", role="shareholder",
               valid_from=date(2020, 1, 1), valid_to=None)
        for uscc in (A, C)
    ]  # fmt: skip
    register = [FIRM, FIRM | {"uscc": C, "record_id": "ec", "source_record_no": "ec"}]
    frames = {"entity": register, "licence": own, "party_link": ties}
    source = Memory({name: pl.DataFrame(rows) for name, rows in frames.items()})
    names = ("licence_expired_flag", "same_investor_alert_count")
    pairs = [(A, ASKED), (C, datetime(2024, 3, 5, tzinfo=UTC))]
    told = compute([catalogue()[name] for name in names], asked(pairs), source)
    assert told["licence_expired_flag"][0] == flag
    assert (told["same_investor_alert_count_30d"][1] > 0) == bool(flag)


def reports(at: datetime, *filed: dict[str, object], firm: bool = False) -> dict[str, float | None]:
    """What is known of the annual reports of firm A where B's were delivered since 2022."""
    frames = {"annual_report": pl.DataFrame([FILED, *filed])}
    if firm:
        frames["entity"] = pl.DataFrame([FIRM])
    names = ("ar_late_count", "ar_missing_years", "ar_open_flag")
    told = compute([catalogue()[name] for name in names], asked([(A, at)]), Memory(frames))
    return {name: told[name][0] for name in told.columns[2:]}


def filed_by(uscc: str, year: int, *, late: bool | None, day: date) -> dict[str, object]:
    at = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    return record(
        f"r{year}{uscc}", uscc, report_year=year, submitted_at=at, event_at=at,
        known_at=max(at, BEGUN), due_on=date(year + 1, 6, 30), is_late_supplement=late,
        revision_no=0,
    )  # fmt: skip


LATE_IN_22 = filed_by(A, 2021, late=True, day=date(2022, 9, 1))
IN_TIME_IN_21 = filed_by(A, 2020, late=False, day=date(2021, 5, 1))
UNREGISTERED = [
    pytest.param([], None, id="neither the register nor a report of its own"),
    pytest.param([IN_TIME_IN_21], 0.0, id="one in time"),
    pytest.param([IN_TIME_IN_21, LATE_IN_22], 1.0, id="one of two late"),
    pytest.param([LATE_IN_22 | {"is_late_supplement": False}], 0.0, id="the source knows better"),
    pytest.param([LATE_IN_22 | {"is_late_supplement": None}], 1.0, id="late by its days"),
    pytest.param(
        [LATE_IN_22 | {"is_late_supplement": None, "due_on": None}], 1.0, id="late by the clock"
    ),
    pytest.param(
        [LATE_IN_22 | {"is_late_supplement": None, "due_on": date(2022, 9, 30)}], 0.0,
        id="in time by the day that its source tells",
    ),
    pytest.param([LATE_IN_22 | {"operation": "withdraw"}], None, id="withdrawn"),
]  # fmt: skip


@pytest.mark.parametrize(("filed", "late"), UNREGISTERED)
def test_without_the_register_late_reports_are_those_that_were_filed_late(
    filed: list[dict[str, object]], late: float | None
) -> None:
    told = reports(datetime(2023, 3, 1, tzinfo=UTC), *filed)
    assert told["ar_late_count_1825d"] == late
    assert (told["ar_missing_years"], told["ar_open_flag"]) == (None, None), (
        "who owes, nobody knows"
    )


def test_the_register_decides_from_the_moment_at_which_it_is_known() -> None:
    told = reports(datetime(2023, 3, 1, tzinfo=UTC), LATE_IN_22, firm=True)
    assert told == {"ar_late_count_1095d": 1.0, "ar_late_count_1825d": 1.0,
                    "ar_missing_years": 0.0, "ar_open_flag": 1.0}  # fmt: skip
    marked = LATE_IN_22 | {"is_late_supplement": False}
    assert reports(datetime(2023, 3, 1, tzinfo=UTC), marked, firm=True) == told, "and its clock"
