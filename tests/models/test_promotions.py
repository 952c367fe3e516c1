"""The ledger of promotions only grows and answers which version was live when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from xinheng.models.promotions import PROMOTION, Promotions

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def ledger(url: str) -> Promotions:
    return Promotions.at(url)


def test_the_live_version_of_any_day_is_one_question(ledger: Promotions) -> None:
    days = iter(range(10))

    def add(action: str, version: str) -> None:
        at = START + timedelta(days=next(days))
        ledger.add("t", action, version, at=at, by="甲")  # type: ignore[arg-type]

    for action, version in (
        ("promote", "t-1"), ("challenge", "t-2"), ("promote", "t-2"), ("rollback", "t-1"),
        ("retire", "t-1"), ("promote", "t-3"),
    ):  # fmt: skip
        add(action, version)
    ledger.add("other", "promote", "other-1", at=START, by="甲")
    live = [ledger.champion("t", START + timedelta(days=day, hours=1)) for day in range(-1, 6)]
    assert live == [None, "t-1", "t-1", "t-2", "t-1", None, "t-3"]
    assert ledger.champion("t") == "t-3"
    assert [entry.former for entry in ledger.history("t")] == ["", "t-1", "t-1", "t-2", "t-1", ""]
    assert len(ledger.history()) == 7
    ledger.close()


def test_the_version_to_go_back_to_is_the_last_other_one(ledger: Promotions) -> None:
    assert ledger.before("t") is None
    for version in ("t-1", "t-2", "t-3"):
        ledger.add("t", "promote", version, at=START, by="甲")
    assert ledger.before("t") == "t-2"
    ledger.add("t", "rollback", "t-2", at=START, by="甲")
    assert ledger.before("t") == "t-3"
    ledger.close()


def test_a_version_is_on_trial_until_it_is_promoted_or_another_is_live(ledger: Promotions) -> None:
    gates = {"window": {"is_passed": True}, "fairness": {"is_passed": False}}
    assert ledger.trial("t") is None
    ledger.add("t", "trial", "t-1", at=START, by="甲", gates=gates)
    told = ledger.trial("t")
    assert told is not None
    assert (ledger.champion("t"), told.failed_gates) == ("t-1", ("fairness",))
    ledger.add("t", "promote", "t-2", at=START + timedelta(days=1), by="甲")
    assert ledger.trial("t") is None
    assert ledger.trial("t", START) is not None
    assert [entry.version for entry in ledger.trials(START)] == ["t-1"]
    assert ledger.trials() == []
    ledger.add("t", "rollback", "t-1", at=START + timedelta(days=2), by="甲")
    assert ledger.trial("t") is not None
    ledger.add("t", "promote", "t-1", at=START + timedelta(days=3), by="甲")
    assert ledger.trial("t") is None
    ledger.close()


def test_a_challenger_is_one_until_it_is_promoted(ledger: Promotions) -> None:
    ledger.add("t", "challenge", "t-2", at=START, by="甲")
    assert ledger.challenger("t") == "t-2"
    assert ledger.champion("t") is None
    ledger.add("t", "promote", "t-2", at=START, by="甲", gates={"window": {"is_passed": True}})
    assert ledger.challenger("t") is None
    assert ledger.history("t")[-1].gates == {"window": {"is_passed": True}}
    ledger.close()


def test_the_database_itself_refuses_to_change_or_remove_an_entry(ledger: Promotions) -> None:
    ledger.add("t", "promote", "t-1", at=START, by="甲")
    for change in (update(PROMOTION).values(by="乙"), delete(PROMOTION)):
        with pytest.raises(DBAPIError, match="only grows"), ledger.engine.begin() as connection:
            connection.execute(change)
    assert [entry.by for entry in ledger.history("t")] == ["甲"]
    ledger.close()
