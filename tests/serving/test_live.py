"""A record is accepted, its firm is assessed: durable, once, with the numbers of a full run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NoReturn

import polars as pl
import pytest

from tests.serving.live import LiveHome, assert_as_of_a_full_run, like, listing, moment, tied
from xinheng.decisions.alerts.store import AlertStore
from xinheng.decisions.kept.replay import replayed
from xinheng.decisions.office import Offices
from xinheng.decisions.whole import assess_whole
from xinheng.errors import NotFound, NotReady, Refused
from xinheng.records.inbox import take
from xinheng.records.inbox.store import InboxStore, Sent
from xinheng.records.lake import Lake
from xinheng.records.tickets.store import TicketStore
from xinheng.serving.desk import Desk
from xinheng.serving.live import worker as work


def test_new_records_are_scored_as_a_full_run_would(live: LiveHome) -> None:
    lake, firm = Lake(live.home.lake), tied(live)
    number = live.send("one", listing(lake, firm, "serious-1"))
    worker = live.worker()
    first, *later = live.until_idle(worker)
    assert (first.rows, first.assessed, live.outcomes(number)) == (1, 1, ["accepted"])
    assert live.inbox.receipt(number).state == "scored"
    near = sum(one.neighbours for one in later)
    assert near > 0
    told = live.decisions.answer(firm)
    assert told["risk_class"] == "D"  # a hard rule: on the list of serious offenders
    assert "H1" in [rule["id"] for rule in told["hard_rules"]]
    assert told["as_of"] > live.decisions.current_run().as_of.isoformat()
    others = sorted({one for one in _reassessed(live) if one != firm})
    assert 0 < len(others) <= near  # some of those around have left the register
    assert_as_of_a_full_run(live, [firm, *others[:3]])


def test_a_class_change_and_an_alert_follow_at_once(live: LiveHome) -> None:
    lake, firm = Lake(live.home.lake), tied(live)
    former = live.decisions.answer(firm)["risk_class"]
    live.send("one", listing(lake, firm, "serious-1"))
    live.until_idle(live.worker())
    (change,) = live.decisions.changes(uscc=firm)
    assert (change.former, change.present, change.cause) == (former, "D", "facts")
    told = next(share for share in change.shares if share.cause == "facts")
    assert (told.rules_begun, told.record_ids) == (("H1",), ("serious_list/yjj/serious-1/v1",))
    (alert,) = AlertStore(live.engine).alerts(uscc=firm, point="W31")
    assert (alert.level, alert.officer, alert.is_late) == ("red", "王科长", False)
    assert alert.record_ids[0].startswith("serious_list/")


def test_every_row_has_its_outcome_and_the_books_balance(live: LiveHome) -> None:
    lake, firm = Lake(live.home.lake), tied(live)
    plain = like(lake, "inspection", firm, source_record_no="new-1", checked_on="2026-01-02")
    number = live.send(
        "one",
        plain,
        Sent("inspection", {**plain.values, "source_record_no": "new-2", "result": "splendid"}),
        Sent("inspection", {**plain.values, "source_record_no": "new-3", "checked_on": None}),
    )
    again = live.send("two", plain)
    live.until_idle(live.worker())
    assert live.outcomes(number) == ["accepted", "rejected", "rejected"]
    assert live.outcomes(again) == ["duplicate"]
    findings = live.inbox.rows(number)[1].findings
    assert [one["check"] for one in findings] == ["QC09"]
    assert "splendid" in findings[0]["message_en"]
    after = Lake(live.home.lake)
    assert _count(after, "inspection") == _count(lake, "inspection") + 1
    sent_back = after.rejected().filter(pl.col("record_type") == "inspection")
    assert sent_back.height - lake.rejected().height == 2


def test_a_receipt_with_personal_data_is_refused_whole_and_others_are_taken(
    live: LiveHome,
) -> None:
    lake, firm = Lake(live.home.lake), tied(live)
    plain = like(lake, "inspection", firm, source_record_no="new-1", checked_on="2026-01-02")
    person = {**plain.values, "source_record_no": "new-2", "matter_code": "11010519491231002X"}
    bad = live.send("bad", plain, Sent("inspection", person))
    good = live.send("good", Sent("inspection", {**plain.values, "source_record_no": "new-3"}))
    live.until_idle(live.worker())
    assert live.outcomes(bad) == ["rejected", "rejected"]
    assert {one["check"] for row in live.inbox.rows(bad) for one in row.findings} == {"QC33"}
    assert live.outcomes(good) == ["accepted"]
    assert live.inbox.receipt(good).batch_id != live.inbox.receipt(bad).batch_id


def test_receipts_that_wait_together_are_one_batch_each_with_itsmoment(live: LiveHome) -> None:
    lake, firm = Lake(live.home.lake), tied(live)
    plain = like(lake, "inspection", firm, checked_on="2026-01-02").values
    numbers = [live.send(f"k{n}", Sent("inspection", {**plain, "source_record_no": f"n-{n}"}))
               for n in range(3)]  # fmt: skip
    before = lake.deliveries().height
    live.until_idle(live.worker())
    assert len({live.inbox.receipt(n).batch_id for n in numbers}) == 1
    after = Lake(live.home.lake)
    assert after.deliveries().height == before + 1
    rows = after.rows("inspection").filter(pl.col("source_record_no").str.starts_with("n-"))
    known = rows.sort("source_record_no").collect()["known_at"].to_list()
    assert known == [live.inbox.receipt(n).received_at for n in numbers]


def test_a_step_that_broke_off_has_the_same_receipts_again(
    live: LiveHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = like(Lake(live.home.lake), "inspection", tied(live), checked_on="2026-01-02").values
    first = live.send("a", Sent("inspection", {**plain, "source_record_no": "n-1"}))
    with monkeypatch.context() as patch:
        patch.setattr(InboxStore, "settle", dying)
        with pytest.raises(Killed):
            live.worker().step()
    second = live.send("b", Sent("inspection", {**plain, "source_record_no": "n-2"}))
    live.until_idle(live.worker())
    assert (live.outcomes(first), live.outcomes(second)) == (["accepted"], ["accepted"])
    batches = [live.inbox.receipt(n).batch_id for n in (first, second)]
    assert len({*batches}) == 2


def test_the_same_key_does_nothing_twice_and_another_body_is_refused(live: LiveHome) -> None:
    plain = like(Lake(live.home.lake), "inspection", tied(live), source_record_no="new-1")
    first, is_new = live.inbox.receive(1, "key", "a", [plain], at=live.clock())
    second, is_newer = live.inbox.receive(1, "key", "a", [plain], at=live.clock())
    assert (is_new, is_newer, first.receipt_id) == (True, False, second.receipt_id)
    with pytest.raises(Refused, match="used for another body"):
        live.inbox.receive(1, "key", "b", [plain], at=live.clock())
    other, is_new = live.inbox.receive(2, "key", "b", [plain], at=live.clock())
    assert is_new
    assert other.receipt_id != first.receipt_id


class Killed(BaseException):
    """The process is gone."""


def dying(_: Any, *__: Any, **___: Any) -> NoReturn:
    raise Killed


BREAKS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "before the lake": lambda patch: patch.setattr(take, "ingest_all", dying),
    "before the outcomes": lambda patch: patch.setattr(InboxStore, "settle", dying),
    "before the scores": lambda patch: patch.setattr(work, "rescore", dying),
    "before the alerts": lambda patch: patch.setattr(work, "run_events", dying),
    "before it is said": lambda patch: patch.setattr(InboxStore, "scored", dying),
    "before the neighbours": lambda patch: patch.setattr(InboxStore, "no_longer_waiting", dying),
}


@pytest.mark.parametrize("where", BREAKS)
def test_wherever_it_breaks_off_the_next_goes_on(
    live: LiveHome, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, firm = Lake(live.home.lake), tied(live)
    before, batches = _count(lake, "serious_list"), lake.deliveries().height
    number = live.send("one", listing(lake, firm, "serious-1"))
    with monkeypatch.context() as patch:
        BREAKS[where](patch)
        with pytest.raises(Killed):
            live.until_idle(live.worker())
    live.until_idle(live.worker())
    assert live.outcomes(number) == ["accepted"]
    assert live.inbox.counts() == {"scored": 1, "neighbours": 0}
    after = Lake(live.home.lake)
    assert _count(after, "serious_list") == before + 1
    assert after.deliveries().height == batches + 1
    assert len(live.decisions.changes(uscc=firm)) == 1
    assert len(AlertStore(live.engine).alerts(uscc=firm, point="W31")) == 1
    others = sorted({one for one in _reassessed(live) if one != firm})
    assert others
    assert_as_of_a_full_run(live, [firm, *others[:1]])


def test_a_night_that_knew_less_does_not_undo_what_came_meanwhile(live: LiveHome) -> None:
    lake, firm = Lake(live.home.lake), tied(live)
    night = assess_whole(Offices(live.home).current(), lake, live.clock())
    live.send("one", listing(lake, firm, "serious-1"))
    live.until_idle(live.worker())
    live.decisions.keep_run(night, lake_batch=lake.snapshot.number, at=live.clock())
    assert live.decisions.answer(firm)["risk_class"] == "D"
    untouched = next(one for one in night if one.uscc not in _reassessed(live))
    assert live.decisions.answer(untouched.uscc)["as_of"] == untouched.as_of.isoformat()
    later = assess_whole(Offices(live.home).current(), Lake(live.home.lake), live.clock())
    live.decisions.keep_run(later, lake_batch=Lake(live.home.lake).snapshot.number, at=live.clock())
    assert live.decisions.answer(firm)["as_of"] == later[0].as_of.isoformat()


def test_a_firm_that_leaves_the_register_has_no_score(live: LiveHome) -> None:
    lake, firm = Lake(live.home.lake), tied(live)
    gone = like(lake, "entity", firm, operation="correct", status="cancelled",
                ended_on="2026-01-04", approved_on="2026-01-04")  # fmt: skip
    number = live.send("one", gone)
    live.until_idle(live.worker())
    assert live.outcomes(number)[0] in {"accepted", "warned"}
    assert firm not in live.decisions.regions([firm])
    assert live.decisions.history(firm)


def test_every_kept_score_comes_out_the_same_again(live: LiveHome) -> None:
    lake, firm = Lake(live.home.lake), tied(live)
    live.send("one", listing(lake, firm, "serious-1"))
    live.until_idle(live.worker())
    plain = like(lake, "inspection", firm, source_record_no="new-1", checked_on="2026-01-02")
    live.send("two", plain)
    live.until_idle(live.worker())
    runs = [one.run_id for one in live.decisions.history(firm)]
    assert len(runs) == 3
    for run_id in runs:
        found = replayed(live.home, live.decisions, firm, run_id)
        assert found.differences == ()
    (other, *_) = sorted(_reassessed(live) - {firm})
    assert replayed(live.home, live.decisions, other).is_same


def test_what_differs_on_replay_is_told(live: LiveHome) -> None:
    lake, firm = Lake(live.home.lake), tied(live)
    live.send("one", listing(lake, firm, "serious-1"))
    live.until_idle(live.worker())
    live.home.hard_rules.write_text("rule = []\n", encoding="utf-8")
    found = replayed(live.home, live.decisions, firm)
    assert "hard_rules" in {one.part for one in found.differences}
    with pytest.raises(NotFound, match="not assessed by run 99"):
        replayed(live.home, live.decisions, firm, 99)
    version = live.decisions.answer(firm)["model_version"]
    (live.home.model("risk_class") / version).rename(live.home.root / "away")
    with pytest.raises(NotReady, match="is gone"):
        replayed(live.home, live.decisions, firm)


def test_results_of_a_list_come_back_as_records(live: LiveHome) -> None:
    lake, firm = Lake(live.home.lake), tied(live)
    number = "L20260105-020000"
    visit = like(lake, "inspection", firm, source_record_no="visit-1", plan_no=number,
                 checked_on="2026-01-05", result="failed", critical_defects="1")  # fmt: skip
    live.send("one", visit)
    live.until_idle(live.worker())
    desk = Desk(live.home.lake, TicketStore(live.engine), live.clock)
    (found,) = desk.visits(number, [firm])[firm]
    assert (found["day"], found["result"]) == ("2026-01-05", "failed")
    assert found["record_id"].startswith("inspection/")
    assert desk.visits("L20250101-000000", [firm]) == {}


def test_what_waits_longest_is_taken_first_and_bounded(live: LiveHome) -> None:
    plain = like(Lake(live.home.lake), "inspection", tied(live), checked_on="2026-01-02")
    for number in range(3):
        rows = [replace(plain, values={**plain.values, "source_record_no": f"n-{number}-{k}"})
                for k in range(4)]  # fmt: skip
        live.send(f"key {number}", *rows)
    assert [one.receipt_id for one in live.inbox.waiting(8)] == [1, 2]
    assert [one.receipt_id for one in live.inbox.waiting(1)] == [1]


def _reassessed(live: LiveHome) -> set[str]:
    """Enterprises that stand by a live run."""
    everyone = live.decisions.regions(
        Lake(live.home.lake).rows("entity").select("uscc").unique().collect()["uscc"].to_list()
    )
    first = live.decisions.current_run().as_of
    return {u for u in everyone if moment(live.decisions.answer(u)["as_of"]) > first}


def _count(lake: Lake, name: str) -> int:
    return int(lake.rows(name).select(pl.len()).collect().item())
