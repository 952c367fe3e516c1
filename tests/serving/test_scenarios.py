"""What would be: the numbers of the one engine, and nothing is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.cities import CityHome
from tests.serving.conftest import headers_of
from tests.serving.live import BEGINS, LiveHome, like, listing
from xinheng.decisions.gathered import gathered
from xinheng.decisions.kept.rows import as_told
from xinheng.decisions.office import Offices
from xinheng.decisions.whole import assess_whole
from xinheng.models.score import score
from xinheng.records.lake import Lake
from xinheng.serving.access.access import Access
from xinheng.serving.access.clients import SCOPES
from xinheng.serving.app import create_app
from xinheng.serving.scoring import Scoring


@pytest.fixture(scope="module")
def live(city: CityHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHome]:
    folder = tmp_path_factory.mktemp("scenarios")
    made = LiveHome.copied(city, folder, f"sqlite:///{folder / 'operations.db'}")
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def asking(live: LiveHome) -> Iterator[TestClient]:
    access = Access.of(live.engine, lambda: BEGINS)
    _, key = access.guard.store.add("某系统", SCOPES, by="王科长", at=BEGINS)
    app = create_app(live.decisions, access, scoring=Scoring(live.home, live.clock))
    with TestClient(app, raise_server_exceptions=False, headers=headers_of(key)) as opened:
        yield opened


@pytest.fixture(scope="module")
def riskiest(live: LiveHome) -> list[str]:
    return [one.uscc for one in live.decisions.riskiest(20)]


def test_a_past_score_is_that_of_a_run_at_that_moment(
    live: LiveHome, asking: TestClient, riskiest: list[str]
) -> None:
    then = BEGINS - timedelta(days=200)
    office, lake = Offices(live.home).current(), Lake(live.home.lake)
    for uscc in riskiest[:2]:
        answer = asking.get(f"/v1/enterprises/{uscc}/risk", params={"as_of": then.isoformat()})
        (whole,) = assess_whole(office, lake, then, usccs=[uscc])
        told = answer.json()
        assert told["log_odds"] == whole.log_odds
        assert [one["contribution"] for one in told["reasons"]] == [
            one["contribution"] for one in whole.reasons
        ]
        assert told["obligations"] == list(whole.obligations)
        assert set(told) == {*as_told(whole), "run_id", "sources", "freshness"}


def test_the_present_moment_is_the_stored_answer(asking: TestClient, riskiest: list[str]) -> None:
    path = f"/v1/enterprises/{riskiest[0]}/risk"
    stored, computed = asking.get(path), asking.get(path, params={"as_of": BEGINS.isoformat()})
    own = ("run_id", "sources", "freshness")
    one, other = ({k: v for k, v in a.json().items() if k not in own} for a in (stored, computed))
    assert one == other


def test_the_future_and_a_moment_without_a_zone_are_refused(
    asking: TestClient, riskiest: list[str]
) -> None:
    path = f"/v1/enterprises/{riskiest[0]}/risk"
    late = asking.get(path, params={"as_of": (BEGINS + timedelta(days=1)).isoformat()})
    assert (late.status_code, "has not come" in late.json()["detail"]) == (422, True)
    assert asking.get(path, params={"as_of": "2025-06-30T00:00:00"}).status_code == 422
    before = asking.get(path, params={"as_of": "1990-01-01T00:00:00Z"})
    assert (before.status_code, before.json()["title"]) == (404, "NotFound")


def test_a_batch_answers_in_order_with_a_problem_where_there_is_none(
    asking: TestClient, riskiest: list[str]
) -> None:
    asked = [riskiest[3], "91440300192317458F", "123", riskiest[1].lower()]
    answer = asking.post("/v1/risk:batch", json={"usccs": asked})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    lines = [_json(line) for line in answer.text.splitlines()]
    assert [line.get("status") for line in lines] == [None, 404, 422, None]
    assert [lines[0]["uscc"], lines[3]["uscc"]] == [riskiest[3], riskiest[1]]
    assert lines[0] == asking.get(f"/v1/enterprises/{riskiest[3]}/risk").json()
    assert asking.post("/v1/risk:batch", json={"usccs": ["x"] * 1_001}).status_code == 422


def test_a_supposed_record_counts_and_is_not_stored(
    live: LiveHome, asking: TestClient, riskiest: list[str]
) -> None:
    lake, uscc = Lake(live.home.lake), _without_rules(live, riskiest)
    sent = listing(lake, uscc, "supposed-1")
    body = {"uscc": uscc, "records": [{"table": sent.record_type, "values": dict(sent.values)}]}
    told = asking.post("/v1/risk:whatif", json=body).json()
    assert told["risk_class"] == "D"
    assert [rule["id"] for rule in told["hard_rules"]] == ["H1"]
    assert told["hard_rules"][0]["record_ids"][0].startswith("supposed/serious_list/")
    assert Lake(live.home.lake).snapshot == lake.snapshot
    assert asking.get(f"/v1/enterprises/{uscc}/risk").json()["hard_rules"] == []


def test_nothing_supposed_changes_nothing(asking: TestClient, riskiest: list[str]) -> None:
    body = {"uscc": riskiest[0], "as_of": BEGINS.isoformat(), "records": []}
    told = asking.post("/v1/risk:whatif", json=body).json()
    assert told["log_odds"] == asking.get(f"/v1/enterprises/{riskiest[0]}/risk").json()["log_odds"]


def test_without_its_own_records_only_the_supposed_ones_count(
    live: LiveHome, asking: TestClient, riskiest: list[str]
) -> None:
    lake = Lake(live.home.lake)
    entry = like(lake, "entity", riskiest[0])
    body = {"uscc": riskiest[0], "base": "none",
            "records": [{"table": "entity", "values": dict(entry.values)}]}  # fmt: skip
    told = asking.post("/v1/risk:whatif", json=body).json()
    assert told["last_inspection"] is None
    assert not [i for reason in told["reasons"] for i in reason["record_ids"] if "inspection/" in i]
    nothing = asking.post("/v1/risk:whatif", json=body | {"records": []})
    assert (nothing.status_code, nothing.json()["title"]) == (404, "NotFound")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"uscc": "91440300192317458F"}, "about another enterprise"),
        ({"listed_on": "soon"}, "QC10"),
        ({"field": "weather"}, "QC09"),
    ],
)
def test_a_supposed_record_that_cannot_be_is_refused(
    live: LiveHome, asking: TestClient, riskiest: list[str], values: dict[str, Any], words: str
) -> None:
    sent = listing(Lake(live.home.lake), riskiest[0], "supposed-2")
    records = [{"table": "serious_list", "values": {**sent.values, **values}}]
    answer = asking.post("/v1/risk:whatif", json={"uscc": riskiest[0], "records": records})
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_repairs_tell_what_each_would_change_and_the_way_back(
    live: LiveHome, asking: TestClient
) -> None:
    """A firm whose class is a hard rule's alone comes back once the record is repaired."""
    lake = Lake(live.home.lake)
    good = next(one for one in live.decisions.riskiest(500) if one.risk_class == "B")
    live.send("listed", listing(lake, good.uscc, "serious-9"))
    live.until_idle(live.worker())
    told = asking.get(f"/v1/enterprises/{good.uscc}/repairs").json()
    assert told["now"]["risk_class"] == "D"
    (repair,) = [way for way in told["ways"] if way["what"] == "serious_list"]
    assert repair["then"]["hard_rules"] == []
    assert repair["then"]["risk_class"] < "D"
    answer = asking.get(f"/v1/enterprises/{good.uscc}/risk").json()
    (own,) = [one for one in answer["repairs"] if one["record_id"] == repair["subject"]]
    assert repair["earliest_on"] == own["earliest_on"] is not None
    assert repair["waits_for"] == own["waits_for"]
    page = asking.get(f"/enterprises/{good.uscc}", params={"lang": "en"}).text
    assert "Credit repair" in page
    assert f"<td>{own['earliest_on']}</td>" in page
    assert all(way["earliest_on"] is None for way in told["ways"] if way["kind"] == "perform")
    steps = [told["now"], *(step["then"] for step in told["path"])]
    ranks = [(s["risk_class"], len(s["hard_rules"]), s["score"]) for s in steps]
    assert ranks == sorted(ranks, reverse=True)
    assert told["path"][0]["what"] == "serious_list"
    assert told["reaches_goal"] is (steps[-1]["risk_class"] <= "B")


def test_a_performed_duty_is_performed_for_the_engine(
    live: LiveHome, asking: TestClient, riskiest: list[str]
) -> None:
    kinds: set[str] = set()
    for uscc in riskiest:
        told = asking.get(f"/v1/enterprises/{uscc}/repairs").json()
        duties = asking.get(f"/v1/enterprises/{uscc}/risk").json()["obligations"]
        own = {way["subject"] for way in told["ways"] if way["kind"] == "perform"}
        assert own <= {duty["obligation_id"] for duty in duties}
        kinds |= {way["what"] for way in told["ways"] if way["kind"] == "perform"}
    assert "annual_report" in kinds


def _without_rules(live: LiveHome, usccs: list[str]) -> str:
    return next(u for u in usccs if not live.decisions.answer(u)["hard_rules"])


def _json(line: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(line)
    return told


def test_values_at_hand_are_scored_as_the_same_values_were(
    live: LiveHome, asking: TestClient, riskiest: list[str]
) -> None:
    office, lake = Offices(live.home).current(), Lake(live.home.lake)
    model = office.general
    told = gathered([model], office.rules, lake, BEGINS, usccs=riskiest[:3])
    rows = told.features.select(model.names).rows(named=True)
    answers = asking.post("/v1/risk:ready", json={"rows": rows}).json()
    scored = score(model, told.features)
    assert [one["log_odds"] for one in answers] == scored["log_odds"].to_list()
    by_uscc = dict(zip(told.features["uscc"], answers, strict=True))
    for one in assess_whole(office, lake, BEGINS, usccs=riskiest[:3]):
        answer = by_uscc[one.uscc]
        assert (answer["score"], answer["model_class"]) == (one.score, one.model_class)
        pushes = [reason["contribution"] for reason in answer["reasons"]]
        assert pushes == [reason["contribution"] for reason in one.reasons]


def test_values_that_no_model_reads_are_refused(asking: TestClient) -> None:
    unknown = asking.post("/v1/risk:ready", json={"rows": [{"penalty_cont_365d": 1}]})
    assert (unknown.status_code, "rows.0" in unknown.json()["detail"]) == (422, True)
    task = asking.post("/v1/risk:ready", json={"task": "weather", "rows": [{}]})
    assert task.status_code == 422
    assert asking.post("/v1/risk:ready", json={"rows": []}).status_code == 422
    assert asking.post("/v1/risk:ready", json={"rows": [{}] * 1_001}).status_code == 422
