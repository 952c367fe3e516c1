"""A firm that changed its code is one firm for the API, the pages, scores and alerts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from tests.cities import CityHome
from tests.serving.conftest import headers_of
from tests.serving.live import BEGINS, LiveHome, like, listing, tied
from xinheng.decisions.alerts.store import AlertStore
from xinheng.domain import check_character
from xinheng.records.lake import Lake
from xinheng.serving.access.access import Access
from xinheng.serving.access.clients import SCOPES
from xinheng.serving.app import create_app
from xinheng.serving.scoring import Scoring

OLD_RULE = "91640302M0001QKT1B"
"""A code of the right letters with a check character outside the rule."""


@dataclass
class Moved:
    """A firm whose code changed, and a client that asks about it."""

    live: LiveHome
    client: TestClient
    former: str
    present: str


@pytest.fixture(scope="module")
def moved(city: CityHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    folder = tmp_path_factory.mktemp("firms")
    live = LiveHome.copied(city, folder, f"sqlite:///{folder / 'operations.db'}")
    lake = Lake(live.home.lake)
    former = tied(live)
    first_17 = f"{former[:2]}{former[2:8]}{former[8:16]}X"
    present = first_17 + check_character(first_17)
    worker = live.worker()
    live.send("listed", listing(lake, former, "serious-1"))
    live.until_idle(worker)
    day = f"{live.clock.at + timedelta(hours=9):%Y-%m-%d}"
    end = like(lake, "entity", former, operation="correct", status="moved_out", ended_on=day)
    live.send("ended", end)
    live.until_idle(worker)
    begin = like(lake, "entity", former, operation="insert", former_uscc=former,
                 source_record_no="new-number", address_text="示例新址1号").values  # fmt: skip
    number = live.send("begun", type(end)("entity", {**begin, "uscc": present}))
    live.until_idle(worker)
    assert live.outcomes(number)[0] in {"accepted", "warned"}, live.inbox.rows(number)
    access = Access.of(live.engine, live.clock)
    _, key = access.guard.store.add("某系统", SCOPES, by="王科长", at=BEGINS)
    app = create_app(live.decisions, access, scoring=Scoring(live.home, live.clock))
    with TestClient(app, raise_server_exceptions=False, headers=headers_of(key)) as client:
        yield Moved(live, client, former, present)
    live.engine.dispose()


def test_a_former_code_is_answered_with_the_firm_under_its_present_one(moved: Moved) -> None:
    for path in ("risk", "risk/history", "repairs"):
        one, other = (
            moved.client.get(f"/v1/enterprises/{code}/{path}")
            for code in (moved.former, moved.present)
        )
        assert one.status_code == 200
        assert one.json() == other.json()
        assert one.json()["uscc"] == moved.present
    answer = moved.client.get(f"/v1/enterprises/{moved.former}/risk")
    assert answer.headers["content-location"] == f"/v1/enterprises/{moved.present}/risk"
    check = moved.client.get(f"/v1/checks/{moved.former}").json()
    assert check["uscc"] == moved.present
    lines = moved.client.post("/v1/risk:batch", json={"usccs": [moved.former]}).text.splitlines()
    assert [moved.present in line for line in lines] == [True]


def test_what_was_recorded_under_the_former_code_still_counts(moved: Moved) -> None:
    told = moved.client.get(f"/v1/enterprises/{moved.present}/risk").json()
    assert told["risk_class"] == "D"
    assert "H1" in [rule["id"] for rule in told["hard_rules"]]
    (alert,) = AlertStore(moved.live.engine).alerts(point="W31", states=("created", "delivered"))
    assert alert.uscc in {moved.former, moved.present}
    history = moved.client.get(f"/v1/enterprises/{moved.present}/risk/history").json()["history"]
    assert len(history) >= 3, "those of the former code among them"


def test_a_question_about_the_time_before_is_answered_as_it_was_known_then(moved: Moved) -> None:
    before = {"as_of": (BEGINS - timedelta(days=30)).isoformat()}
    told = moved.client.get(f"/v1/enterprises/{moved.former}/risk", params=before)
    assert (told.status_code, told.json()["uscc"]) == (200, moved.former)
    unknown = moved.client.get(f"/v1/enterprises/{moved.present}/risk", params=before)
    assert unknown.status_code == 404


def test_what_if_under_a_former_code_is_about_the_firm(moved: Moved) -> None:
    body = {"uscc": moved.former, "records": []}
    told = moved.client.post("/v1/risk:whatif", json=body)
    assert (told.status_code, told.json()["uscc"]) == (200, moved.present)


def test_the_page_of_a_former_code_leads_to_the_firm_and_names_it(moved: Moved) -> None:
    moves = moved.client.get(f"/enterprises/{moved.former}", follow_redirects=False)
    assert moves.status_code == 301
    assert moves.headers["location"].startswith(f"/enterprises/{moved.present}")
    page = moved.client.get(moves.headers["location"] + "&lang=en")
    assert "Former codes" in page.text
    assert moved.former in page.text


def test_open_alerts_go_on_under_the_present_code(moved: Moved) -> None:
    store = AlertStore(moved.live.engine)
    codes = Lake(moved.live.home.lake).successions()
    store.follow(codes, moved.live.clock())
    assert store.follow(codes, moved.live.clock()) == 0
    (alert,) = store.alerts(point="W31", uscc=moved.present)
    assert alert.record_ids[0].startswith("serious_list/")
    assert store.alerts(uscc=moved.former) == []


def test_a_code_outside_the_check_rule_is_refused_until_it_is_confirmed(moved: Moved) -> None:
    refused = moved.client.get(f"/v1/enterprises/{OLD_RULE}/risk")
    assert refused.status_code == 400
    assert "check character" in refused.json()["detail"]
