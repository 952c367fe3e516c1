"""Warnings of fines: before a day that was moved, deferred or agreed in parts, and after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.decisions.handmade import FIRM, rows
from tests.decisions.test_alerts import Nights, register
from xinheng.decisions.alerts.points import load_points
from xinheng.decisions.alerts.store import AlertStore
from xinheng.features.memory import Memory

FINES = ("W06", "W08", "W09", "W10")
OVER = ("closed", "expired")
DECIDED = {"decision_no": "罚1", "state": "effective", "fine_amount_fen": 100_000}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AlertStore]:
    with AlertStore.at(f"sqlite:///{tmp_path / 'operations.db'}") as found:
        yield found


def known(day: date) -> dict[str, object]:
    moment = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    return {"event_at": moment, "known_at": moment}


def fine(served: date, **more: object) -> pl.DataFrame:
    days = {"decided_on": served, "served_on": served}
    return rows("penalty", DECIDED | days | known(served) | more)


def event(kind: str, day: date, fen: int = 0, new: date | None = None) -> dict[str, object]:
    named = {"event_kind": kind, "amount_fen": fen, "new_due_on": new, "occurred_on": day}
    return {"decision_no": "罚1"} | named | known(day)


def raised(
    store: AlertStore, fines: pl.DataFrame, events: list[dict[str, object]], first: date, last: date
) -> list[tuple[str, date]]:
    """Which point was raised in which night, every night being run."""
    frames = {"entity": register(FIRM), "penalty": fines}
    if events:
        frames["penalty_performance"] = rows("penalty_performance", *events)
    nights, found = Nights(store, Memory(frames), *FINES), []
    for n in range((last - first).days + 1):
        night = first + timedelta(days=n)
        found += [(point, night) for point in nights.run(night).raised]
    return found


def test_a_deferred_fine_is_warned_of_before_its_new_day_only(store: AlertStore) -> None:
    events = [event("deferral_approved", date(2025, 3, 5), new=date(2025, 3, 25))]
    found = raised(store, fine(date(2025, 3, 3)), events, date(2025, 3, 3), date(2025, 4, 1))
    assert found == [("W10", date(2025, 3, 21)), ("W08", date(2025, 3, 26))]
    by_point = {alert.point: alert for alert in store.alerts(states=OVER)}
    assert not by_point["W10"].is_late
    assert by_point["W10"].due_at == datetime(2025, 3, 25, 16, tzinfo=UTC)


def test_a_deferral_ends_the_reminder_and_a_payment_the_warning(store: AlertStore) -> None:
    events = [
        event("deferral_approved", date(2025, 3, 14), new=date(2025, 4, 25)),
        event("paid", date(2025, 4, 23), 100_000),
    ]
    found = raised(store, fine(date(2025, 3, 3)), events, date(2025, 3, 3), date(2025, 4, 30))
    assert found == [("W06", date(2025, 3, 10)), ("W10", date(2025, 4, 21))]
    assert {alert.state for alert in store.alerts(states=OVER)} == {"closed"}
    notes = {
        alert.point: store.alert(alert.alert_id).steps[-1].note
        for alert in store.alerts(states=OVER)
    }
    assert notes == {"W06": "paused", "W10": "performed"}


def test_each_instalment_is_warned_of_and_the_first_missed_one_is_overdue(
    store: AlertStore,
) -> None:
    agreed = date(2025, 3, 5)
    events = [
        event("instalment_approved", agreed, 40_000, date(2025, 4, 10)),
        event("instalment_approved", agreed, 60_000, date(2025, 5, 12)),
        event("part_paid", date(2025, 4, 9), 40_000),
    ]
    found = raised(store, fine(date(2025, 3, 3)), events, date(2025, 3, 5), date(2025, 5, 20))
    assert found == [
        ("W10", date(2025, 4, 6)), ("W10", date(2025, 5, 8)), ("W08", date(2025, 5, 13)),
    ]  # fmt: skip


def test_a_day_that_its_source_prints_and_that_is_a_holiday_raises_nothing_before_it_has_moved(
    store: AlertStore,
) -> None:
    decision = fine(date(2025, 4, 16), due_on=date(2025, 5, 1))
    paid = [event("part_paid", date(2025, 4, 17), 1)]
    found = raised(store, decision, paid, date(2025, 4, 24), date(2025, 5, 8))
    assert found == [("W06", date(2025, 4, 28)), ("W08", date(2025, 5, 7))]


def test_a_payment_that_is_taken_back_raises_the_red_alert_again(store: AlertStore) -> None:
    events = [
        event("paid", date(2025, 3, 17), 100_000),
        event("paid", date(2025, 4, 8), -100_000),
    ]
    found = raised(store, fine(date(2025, 3, 3)), events, date(2025, 3, 17), date(2025, 4, 10))
    assert found == [("W08", date(2025, 4, 8))]


OWN_POINT = """
[[point]]
id = "W50"
level = "yellow"
name_zh = "合同节点将逾期"
name_en = "Contract milestone due"
deadline = { kind = "contract_milestone", hours = 72 }
"""


def test_a_deployment_may_warn_of_contract_milestones(tmp_path: Path, store: AlertStore) -> None:
    """No point of the specification is about them."""
    (tmp_path / "warning_points.toml").write_text(OWN_POINT, "utf-8")
    signed = date(2025, 1, 6)
    contract = {"contract_no": "合1", "signed_on": signed, "milestone_due_on": date(2025, 3, 20),
                "outcome": "on_track"} | known(signed)  # fmt: skip
    contracts = rows("contract_performance", contract)
    source = Memory({"entity": register(FIRM), "contract_performance": contracts})
    nights = Nights(store, source)
    nights.points = list(load_points(tmp_path / "warning_points.toml"))
    ran = {day: nights.run(date(2025, 3, day)).raised for day in range(14, 25)}
    assert {day: raised for day, raised in ran.items() if raised} == {16: {"W50": 1}}
