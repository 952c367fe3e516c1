"""Warnings: early enough, once, with names and times, and gone when their ground is gone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.cities import CityHome
from tests.databases import url
from tests.decisions.handmade import FIRM, rows
from tests.records.plain_law import settled
from xinheng.config import AlertSettings
from xinheng.decisions.alerts.alert import NEXT, Taken
from xinheng.decisions.alerts.points import Point, load_points
from xinheng.decisions.alerts.run import RunReport, is_held_back, run_alerts
from xinheng.decisions.alerts.store import AlertStore
from xinheng.decisions.office import live_models
from xinheng.errors import BadMapping, BadRequest, NotFound, UnknownName
from xinheng.features.memory import Memory
from xinheng.records.duties.ledger import ledger
from xinheng.records.lake import Lake
from xinheng.records.tables import tables

__all__ = ["url"]
NIGHT = timedelta(hours=14)
"""22:00 in Shanghai, in UTC."""
LOUD = AlertSettings(held_back=0.0)
POINTS = {point.id: point for point in load_points()}


def moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + NIGHT


def register(*usccs: str, **more: object) -> pl.DataFrame:
    founded = datetime(2024, 1, 1, tzinfo=UTC)
    return rows(
        "entity",
        *(
            {
                "uscc": uscc, "record_id": uscc, "source_record_no": uscc, "name_zh": "甲",
                "event_at": founded, "known_at": founded, "entity_type": "enterprise",
                "status": "active", "established_on": date(2024, 1, 1),
            }
            | more
            for uscc in usccs
        ),
    )  # fmt: skip


def listing(**more: object) -> pl.DataFrame:
    one = {
        "event_at": datetime(2025, 3, 9, tzinfo=UTC),
        "known_at": datetime(2025, 3, 10, tzinfo=UTC),
        "field": "market",
        "listed_on": date(2025, 3, 9),
    }
    return rows("serious_list", one | more)


class Nights:
    """A store and the nights that are run on it."""

    def __init__(self, store: AlertStore, source: Memory, *points: str) -> None:
        self.store, self.source = store, source
        self.points = [POINTS[name] for name in points]

    def run(self, day: date, *, officer: str = "王科长") -> RunReport:
        at = moment(day)
        return run_alerts(
            self.store, self.source, self.points, {}, LOUD, as_of=at, at=at, officer=officer
        )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AlertStore]:
    with AlertStore.at(f"sqlite:///{tmp_path / 'operations.db'}") as found:
        yield found


def test_there_are_the_49_points_of_the_specification() -> None:
    assert [*POINTS] == [f"W{number:02d}" for number in range(1, 50)]
    levels = [point.level for point in POINTS.values()]
    assert {level: levels.count(level) for level in ("blue", "yellow", "red")} == {
        "blue": 10, "yellow": 27, "red": 12,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param('deadline = { kind = "anual_report", hours = 72 }', BadMapping, id="kind"),
        pytest.param('event = [{ table = "penalty", where = "stat = 1" }]', UnknownName, id="col"),
        pytest.param('state = [{ indicator = "x", at_least = 1 }]', UnknownName, id="indicator"),
        pytest.param('state = [{ indicator = "penalty_count" }]', BadMapping, id="no threshold"),
        pytest.param('state = [{ neighbours = "x", at_least = 1 }]', UnknownName, id="link"),
        pytest.param("", BadMapping, id="no trigger"),
    ],
)
def test_points_that_cannot_be_meant_are_refused(
    tmp_path: Path, change: str, fault: type[Exception]
) -> None:
    path = tmp_path / "warning_points.toml"
    path.write_text(
        f'[[point]]\nid = "W01"\nlevel = "red"\nname_zh = "甲"\nname_en = "a"\n{change}\n',
        encoding="utf-8",
    )
    with pytest.raises(fault):
        load_points(path)


def test_a_fact_is_told_once_in_the_run_after_it_became_known(store: AlertStore) -> None:
    nights = Nights(store, Memory({"entity": register(FIRM), "serious_list": listing()}), "W31")
    assert nights.run(date(2025, 3, 8)).raised == {}
    assert nights.run(date(2025, 3, 10)).raised == {"W31": 1}
    assert nights.run(date(2025, 3, 11)).raised == {}
    (alert,) = store.alerts()
    assert (alert.level, alert.uscc, alert.record_ids) == ("red", FIRM, ("serious_list-0/v1",))
    told = [(step.step, step.by) for step in store.alert(alert.alert_id).steps]
    assert told == [("created", "xinheng"), ("delivered", "xinheng")]


def test_a_corrected_record_is_not_told_again(store: AlertStore) -> None:
    first = listing()
    second = first.with_columns(
        version=pl.lit(2, first.schema["version"]),
        record_id=pl.lit("serious_list-0/v2"),
        known_at=pl.lit(datetime(2025, 4, 20, tzinfo=UTC)).cast(first.schema["known_at"]),
    )
    source = Memory({"entity": register(FIRM), "serious_list": pl.concat([first, second])})
    nights = Nights(store, source, "W31")
    nights.run(date(2025, 3, 10))
    assert nights.run(date(2025, 4, 20)).raised == {}


def test_a_fact_that_arrives_after_months_raises_nothing(store: AlertStore) -> None:
    late = listing(known_at=datetime(2025, 8, 1, tzinfo=UTC))
    nights = Nights(store, Memory({"entity": register(FIRM), "serious_list": late}), "W31")
    nights.run(date(2025, 7, 31))
    assert nights.run(date(2025, 8, 1)).raised == {}


def test_a_repaired_record_ends_its_alert_on_the_same_day(store: AlertStore) -> None:
    repaired = listing(repaired_at=date(2025, 5, 1))
    nights = Nights(store, Memory({"entity": register(FIRM), "serious_list": repaired}), "W31")
    nights.run(date(2025, 3, 10))
    assert nights.run(date(2025, 4, 30)).over == {}
    assert nights.run(date(2025, 5, 1)).over == {"the record no longer counts": 1}
    assert store.alerts() == []
    assert store.alert(1).state == "closed"


def versions(first: pl.DataFrame, *later: tuple[datetime, dict[str, object]]) -> pl.DataFrame:
    """A record and its later versions, each with the moment at which it is known."""
    found = [first]
    for number, (known_at, changes) in enumerate(later, start=2):
        told = {"version": number, "known_at": known_at, "record_id": f"{number}"} | changes
        found.append(
            found[-1].with_columns(
                pl.lit(value).cast(first.schema[name]).alias(name) for name, value in told.items()
            )
        )
    return pl.concat(found)


def order(**more: object) -> pl.DataFrame:
    """An inspection with an order to put things right by 20 March."""
    one = {
        "event_at": datetime(2025, 2, 28, tzinfo=UTC), "known_at": datetime(2025, 3, 1, tzinfo=UTC),
        "checked_on": date(2025, 2, 28), "result": "ordered_correction",
        "rectify_due_on": date(2025, 3, 20), "rectified_on": None, "dispute_status": "none",
    }  # fmt: skip
    return rows("inspection", one | more)


UNDER_REVIEW = (datetime(2025, 3, 17, tzinfo=UTC), {"dispute_status": "under_review"})
REJECTED = (datetime(2025, 3, 18, tzinfo=UTC), {"dispute_status": "rejected"})


def test_a_duty_under_dispute_warns_nobody(store: AlertStore) -> None:
    held = order(dispute_status="under_review")
    nights = Nights(store, Memory({"entity": register(FIRM), "inspection": held}), "W13")
    for day in range(14, 20):
        assert nights.run(date(2025, 3, day)).raised == {}


def test_a_warning_is_held_during_a_dispute_and_told_again_once_it_is_rejected(
    store: AlertStore,
) -> None:
    told = versions(order(), UNDER_REVIEW, REJECTED)
    nights = Nights(store, Memory({"entity": register(FIRM), "inspection": told}), "W13")
    assert nights.run(date(2025, 3, 16)).raised == {"W13": 1}
    assert nights.run(date(2025, 3, 17)).over == {"the duty no longer counts": 1}
    assert nights.run(date(2025, 3, 18)).raised == {"W13": 1}
    assert nights.run(date(2025, 3, 19)).raised == {}


def test_a_fact_under_dispute_is_held_and_told_again_once_it_is_rejected(
    store: AlertStore,
) -> None:
    told = versions(listing(dispute_status="none"), UNDER_REVIEW, REJECTED)
    nights = Nights(store, Memory({"entity": register(FIRM), "serious_list": told}), "W31")
    nights.run(date(2025, 3, 8))
    assert nights.run(date(2025, 3, 10)).raised == {"W31": 1}
    assert nights.run(date(2025, 3, 17)).over == {"the record no longer counts": 1}
    assert nights.run(date(2025, 3, 18)).raised == {"W31": 1}
    assert nights.run(date(2025, 3, 19)).raised == {}


def test_an_approved_repair_ends_the_alert_without_the_record_being_sent_again(
    store: AlertStore,
) -> None:
    repair = {
        "event_at": datetime(2025, 4, 1, tzinfo=UTC), "known_at": datetime(2025, 4, 2, tzinfo=UTC),
        "target_table": "serious_list", "target_record_id": "serious_list-0",
        "result": "approved", "effective_on": date(2025, 4, 10),
    }  # fmt: skip
    source = {"entity": register(FIRM), "serious_list": listing()}
    source |= {"credit_repair": rows("credit_repair", repair)}
    nights = Nights(store, Memory(source), "W31")
    nights.run(date(2025, 3, 8))
    nights.run(date(2025, 3, 10))
    assert nights.run(date(2025, 4, 9)).over == {}
    assert nights.run(date(2025, 4, 10)).over == {"the record no longer counts": 1}
    assert nights.run(date(2025, 4, 11)).raised == {}


def test_without_an_officer_an_alert_is_a_draft(store: AlertStore) -> None:
    nights = Nights(store, Memory({"entity": register(FIRM), "serious_list": listing()}), "W31")
    assert nights.run(date(2025, 3, 10), officer="").drafts == 1
    assert store.alert(1).state == "created"


def suits(*days: date) -> pl.DataFrame:
    return rows(
        "court_record",
        *(
            {
                "kind": "judgment", "role": "defendant", "case_no": f"c{number}", "filed_on": day,
                "event_at": moment(day), "known_at": moment(day) + timedelta(hours=1),
            }
            for number, day in enumerate(days)
        ),
    )  # fmt: skip


def test_a_state_is_told_when_it_comes_to_hold_and_ends_when_it_no_longer_does(
    store: AlertStore,
) -> None:
    source = Memory(
        {"entity": register(FIRM), "court_record": suits(*(date(2025, 2, n) for n in (3, 5, 7)))}
    )
    nights = Nights(store, source, "W39")
    assert nights.run(date(2025, 2, 6)).baseline == {}
    assert nights.run(date(2025, 2, 8)).raised == {"W39": 1}
    assert nights.run(date(2025, 2, 9)).raised == {}
    assert len(store.alert(1).record_ids) == 3
    assert nights.run(date(2025, 6, 1)).over == {"no longer so": 1}


def test_what_holds_at_the_first_run_is_the_baseline(store: AlertStore) -> None:
    source = Memory(
        {"entity": register(FIRM), "court_record": suits(*(date(2025, 2, n) for n in (3, 5, 7)))}
    )
    nights = Nights(store, source, "W39")
    first = nights.run(date(2025, 2, 8))
    assert (first.raised, first.baseline) == ({}, {"W39": 1})
    assert nights.run(date(2025, 2, 9)).raised == {}


def corrections(*dues: date) -> pl.DataFrame:
    return rows(
        "inspection",
        *(
            {
                "checked_on": due - timedelta(days=30), "rectify_due_on": due,
                "event_at": moment(due - timedelta(days=30)), "result": "ordered_correction",
                "known_at": moment(due - timedelta(days=29)), "sector": "general",
            }
            for due in dues
        ),
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(
    due=st.dates(date(2025, 2, 10), date(2025, 12, 20)),
    missed=st.integers(0, 6),
)
def test_a_warning_leaves_72_hours_before_whichever_night_is_missed(due: date, missed: int) -> None:
    with TemporaryDirectory() as folder, AlertStore.at(f"sqlite:///{folder}/one.db") as store:
        source = Memory({"entity": register(FIRM), "inspection": corrections(due)})
        nights = Nights(store, source, "W13")
        ran = [day for day in range(8, -1, -1) if day != missed]
        for before in ran:
            nights.run(settled(due) - timedelta(days=before))
        (alert,) = store.alerts(states=[*NEXT])
        assert alert.due_at is not None
        raised_at = store.alert(alert.alert_id).steps[0].at
        assert raised_at <= alert.due_at - timedelta(hours=72)
        assert not alert.is_late


def test_after_a_long_silence_the_warning_is_late_and_says_so(store: AlertStore) -> None:
    source = Memory({"entity": register(FIRM), "inspection": corrections(date(2025, 5, 20))})
    nights = Nights(store, source, "W13")
    nights.run(date(2025, 5, 1))
    report = nights.run(date(2025, 5, 19))
    assert (report.raised, report.late) == ({"W13": 1}, 1)
    assert nights.run(date(2025, 5, 21)).over == {"expired": 1}


def test_runs_go_forward_in_time(store: AlertStore) -> None:
    nights = Nights(store, Memory({"entity": register(FIRM)}), "W13")
    nights.run(date(2025, 5, 2))
    with pytest.raises(BadRequest, match="already"):
        nights.run(date(2025, 5, 2))


def test_a_firm_that_leaves_the_register_is_no_longer_warned_of(store: AlertStore) -> None:
    here, gone = register(FIRM), register(FIRM, status="cancelled")
    gone = gone.with_columns(
        version=pl.lit(2, here.schema["version"]),
        event_at=pl.lit(datetime(2025, 4, 1, tzinfo=UTC)).cast(here.schema["event_at"]),
        known_at=pl.lit(datetime(2025, 4, 1, tzinfo=UTC)).cast(here.schema["known_at"]),
    )
    source = Memory({"entity": pl.concat([here, gone]), "serious_list": listing()})
    nights = Nights(store, source, "W31")
    nights.run(date(2025, 3, 10))
    assert nights.run(date(2025, 4, 2)).over == {"no longer on the register": 1}


def test_one_in_twenty_reminders_is_kept_back(store: AlertStore) -> None:
    held = sum(is_held_back(FIRM, f"duty:{n}", 0.05) for n in range(20_000))
    assert 900 < held < 1_100
    due = corrections(*[date(2025, 5, 20)] * 20)
    source, at = Memory({"entity": register(FIRM), "inspection": due}), moment(date(2025, 5, 16))
    half = AlertSettings(held_back=0.5)
    report = run_alerts(store, source, [POINTS["W13"]], {}, half, as_of=at, at=at, officer="王科长")
    told = store.alerts(states=[*NEXT])

    assert 0 < report.held_back < len(told) == 20
    for one in told:
        is_held = is_held_back(one.uscc, one.subject, 0.5)
        assert one.state == ("held_back" if is_held else "delivered")


def test_steps_have_names_and_times_and_follow_in_order(url: str) -> None:
    with AlertStore.at(url) as store:
        nights = Nights(store, Memory({"entity": register(FIRM), "serious_list": listing()}), "W31")
        nights.run(date(2025, 3, 10))
        at = moment(date(2025, 3, 11))
        with pytest.raises(BadRequest, match="wants the name"):
            store.step(1, Taken("read", at, " "))
        store.step(1, Taken("read", at, "王科长"))
        done = store.step(
            1, Taken("handled", at, "王科长", measure="M18", result="已现场检查", note="无")
        )
        assert done.steps[-1].result == "已现场检查"
        with pytest.raises(BadRequest, match="read cannot follow"):
            store.step(1, Taken("read", at, "王科长"))
        closed = store.step(1, Taken("closed", at, "王科长"))
        assert [step.step for step in closed.steps] == [
            "created", "delivered", "read", "handled", "closed",
        ]  # fmt: skip
        assert not closed.is_open
        with pytest.raises(BadRequest, match="it is over"):
            store.step(1, Taken("read", at, "王科长"))
        with pytest.raises(NotFound, match="no alert 9"):
            store.step(9, Taken("read", at, "王科长"))
        assert [*store.treatments()] == [("W31", FIRM, "serious_list:s/serious_list-0", False)]


@pytest.mark.parametrize("change", ["UPDATE alert_step SET by = 'x'", "DELETE FROM alert_step"])
def test_the_database_refuses_to_change_a_step(url: str, change: str) -> None:
    with AlertStore.at(url) as store:
        nights = Nights(store, Memory({"entity": register(FIRM), "serious_list": listing()}), "W31")
        nights.run(date(2025, 3, 10))
        quoted = change.replace(" by ", ' "by" ')
        with pytest.raises(DBAPIError, match="only grows"), store.engine.begin() as connection:
            connection.execute(text(quoted))


def part_of(lake: Lake) -> Memory:
    """The records of 60 firms of the city: a year of nights on all 600 takes too long here."""
    usccs = lake.rows("entity").select("uscc").unique().sort("uscc").collect()["uscc"].to_list()
    names = {name for name in tables() if lake.covered_from(name) is not None}
    frames = {name: lake.rows(name, usccs[:60]).collect() for name in names}
    return Memory(frames, notes=lake.coverage())


def test_a_simulated_year_warns_of_every_duty_in_time(city: CityHome, tmp_path: Path) -> None:
    """Every night of 2025 but one in nine, with the live model of reports."""
    lake, models = part_of(Lake(city.home.lake)), live_models(city.home)
    assert "annual_report" in models
    points: list[Point] = [point for point in POINTS.values() if point.deadline]
    with AlertStore.at(f"sqlite:///{tmp_path / 'year.db'}") as store:
        for number in range(365):
            if number % 9 == 4:
                continue
            at = moment(date(2025, 1, 1) + timedelta(days=number))
            run_alerts(store, lake, points, models, LOUD, as_of=at, at=at, officer="王科长")
        told = [store.alert(one.alert_id) for one in store.alerts(states=[*NEXT], limit=100_000)]
    warned = {(one.point, one.subject) for one in told}
    late = {(one.point, one.subject) for one in told if one.is_late}
    in_time = _open_on_both_nights(lake, [point for point in points if not _wants_model(point)])
    assert len(in_time) >= 40
    assert len({point for point, _ in in_time}) >= 3
    assert in_time - warned == set()
    assert in_time & late == set()
    likely = [one for one in told if one.point == "W02"]
    assert likely
    assert not any(one.is_late for one in likely)


def _wants_model(point: Point) -> bool:
    return bool(point.deadline and point.deadline.model)


def _open_on_both_nights(lake: Memory, points: list[Point]) -> set[tuple[str, str]]:
    """Point and duty of what was known to be open on the last two nights in time for it.

    One of the two was run, so it must have been warned of.
    """
    nights = [moment(date(2025, 1, 1) + timedelta(days=number)) for number in range(365)]
    ahead = [
        (point.id, point.deadline)
        for point in points
        if point.deadline
        and point.deadline.is_ahead
        and not point.deadline.rule
        and point.deadline.of == "due_at"
    ]
    ever = ledger(lake.rows, nights[-1])
    open_on: dict[int, dict[str, datetime]] = {}

    def is_open(number: int, duty: str, due: datetime) -> bool:
        if number not in open_on:
            told = ledger(lake.rows, nights[number]).filter(pl.col("state") == "open")
            open_on[number] = dict(told.select("obligation_id", "due_at").iter_rows())
        return open_on[number].get(duty) == due

    found: set[tuple[str, str]] = set()
    for point, wanted in ahead:
        own = ever.filter(pl.col("kind") == wanted.kind).select("obligation_id", "due_at")
        for duty, due in own.drop_nulls().iter_rows():
            last = bisect_right(nights, due - timedelta(hours=wanted.hours)) - 1
            if 2 <= last < len(nights) - 1 and all(is_open(n, duty, due) for n in (last - 1, last)):
                found.add((point, duty))
    return found
