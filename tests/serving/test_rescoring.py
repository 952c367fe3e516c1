"""What changes which records are in force is seen in the stored answer at the next step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tests.serving.live import LiveHome, like, listing, name_of, tied
from xinheng.decisions.alerts.store import AlertStore
from xinheng.records.inbox.store import Sent
from xinheng.records.lake import Lake
from xinheng.records.tickets.store import TicketStore
from xinheng.serving.desk import Desk


def rules(live: LiveHome, uscc: str) -> list[str]:
    return [rule["id"] for rule in live.decisions.answer(uscc)["hard_rules"]]


def answered_at(live: LiveHome, uscc: str) -> str:
    return str(live.decisions.answer(uscc)["as_of"])


def repair(lake: Lake, uscc: str, number: str, **told: str) -> Sent:
    """An application for the repair of a serious listing."""
    keep = ("uscc", "entity_name", "source_dept", "source_system", "region_code")
    basis = like(lake, "inspection", uscc).values
    values = {name: basis[name] for name in keep} | {
        "source_record_no": number, "operation": "insert", "target_table": "serious_list",
        "target_record_id": "serious-1", "applied_on": "2026-01-04", "decided_on": "2026-01-05",
        "effective_on": "2026-01-05", "result": "approved",
    }  # fmt: skip
    return Sent("credit_repair", values | told)


def test_an_approved_repair_ends_rule_and_class_at_once_and_undone_brings_them_back(
    live: LiveHome,
) -> None:
    lake, firm = Lake(live.home.lake), tied(live)
    before, worker = live.decisions.answer(firm)["risk_class"], live.worker()
    live.send("one", listing(lake, firm, "serious-1"))
    live.until_idle(worker)
    assert (live.decisions.answer(firm)["risk_class"], "H1" in rules(live, firm)) == ("D", True)
    live.send("two", repair(lake, firm, "repair-1"))
    live.until_idle(worker)
    assert "H1" not in rules(live, firm)
    assert live.decisions.answer(firm)["risk_class"] == before, "the listing was not sent again"
    live.send("three", repair(lake, firm, "repair-1", operation="correct", result="rejected"))
    live.until_idle(worker)
    assert live.decisions.answer(firm)["risk_class"] == "D"


@pytest.mark.parametrize("change", ["under_review", "withdraw"])
def test_a_dispute_or_a_withdrawal_holds_the_rule_at_once(live: LiveHome, change: str) -> None:
    lake, firm, worker = Lake(live.home.lake), tied(live), live.worker()
    first = listing(lake, firm, "serious-1")
    live.send("one", first)
    live.until_idle(worker)
    told = {"operation": "withdraw"} if change == "withdraw" else {"dispute_status": change}
    live.send("two", Sent("serious_list", {**first.values, "operation": "correct"} | told))
    live.until_idle(worker)
    assert "H1" not in rules(live, firm)


def test_a_repair_that_takes_effect_later_is_seen_on_that_day(live: LiveHome) -> None:
    lake, firm, worker = Lake(live.home.lake), tied(live), live.worker()
    live.send("one", listing(lake, firm, "serious-1"))
    live.send("two", repair(lake, firm, "repair-1", effective_on="2026-01-06"))
    live.until_idle(worker)
    assert "H1" in rules(live, firm)
    live.clock.at = datetime(2026, 1, 5, 15, 50, tzinfo=UTC)
    assert worker.step().is_idle, "ten minutes before midnight in Shanghai"
    live.clock.at = datetime(2026, 1, 5, 16, tzinfo=UTC)
    live.until_idle(worker)
    assert "H1" not in rules(live, firm)


def test_the_second_confirmation_of_a_fine_is_in_the_answer_at_the_next_step(
    live: LiveHome,
) -> None:
    lake, firm, worker = Lake(live.home.lake), tied(live), live.worker()
    live.until_idle(worker)
    fine = like(
        lake, "penalty", firm, source_record_no="large-1", decision_no="示罚〔2026〕9901号",
        fine_amount_yuan=2_000_000, confiscated_yuan=0, penalty_kinds=["fine", "suspend_business"],
        procedure="ordinary", decided_on="2026-01-03", served_on="2026-01-03",
        due_on="2026-01-18", publicity_until=None, repair_status="none", repaired_at=None,
        state="effective", dispute_status="none", severity="serious",
    )  # fmt: skip
    number = live.send("one", fine)
    live.until_idle(worker)
    assert live.outcomes(number) == ["quarantined"]
    store = TicketStore(live.engine)
    desk = Desk(live.home.lake, store, live.clock)
    (ticket,), _ = desk.tickets(
        everything=False, department="", check="QC12", limit=9, offset=0
    )  # fmt: skip
    before, department = answered_at(live, firm), str(fine.values["source_dept"])
    desk.confirm(ticket.ticket_id, person="甲", department=department, note="")
    live.until_idle(worker)
    assert not AlertStore(live.engine).alerts(uscc=firm, point="W35"), "one person is not enough"
    desk.confirm(ticket.ticket_id, person="乙", department="zhixingju", note="")
    live.until_idle(worker)
    assert answered_at(live, firm) > before
    assert AlertStore(live.engine).alerts(uscc=firm, point="W35")
    duties = [one["obligation_id"] for one in live.decisions.answer(firm)["obligations"]]
    assert any(one.endswith("large-1") for one in duties), "the fine is owed from now on"


def test_what_another_process_wrote_is_assessed_by_the_next_worker_too(live: LiveHome) -> None:
    """Written while no worker ran: the run of everyone says up to where the lake was known."""
    lake, firm = Lake(live.home.lake), tied(live)
    first = live.worker()
    live.send("one", listing(lake, firm, "serious-1"))
    first.step()
    live.inbox.engine.dispose()
    known = pl.lit(datetime(2026, 1, 5, 3, tzinfo=UTC))
    written = Lake(live.home.lake)
    own = written.rows("serious_list", [firm]).filter(pl.col("source_record_no") == "serious-1")
    gone = own.with_columns(
        version=pl.col("version") + 1,
        operation=pl.lit("withdraw"),
        batch_id=pl.lit("elsewhere"),
        known_at=known.cast(own.collect_schema()["known_at"]),
    ).collect()
    _write(written, gone)
    live.clock.at = datetime(2026, 1, 5, 4, tzinfo=UTC) + timedelta(hours=1)
    live.until_idle(live.worker())
    assert "H1" not in rules(live, firm)
    assert name_of(written, firm)


def _write(lake: Lake, rows: pl.DataFrame) -> None:
    from xinheng.records.manifest import Batch  # noqa: PLC0415

    at = datetime(2026, 1, 5, 3, tzinfo=UTC)
    with lake.writing():
        version = lake.append("serious_list", rows)
        lake.publish([Batch("elsewhere", "0" * 8, "{}", at)], {"serious_list": version}, at=at)
