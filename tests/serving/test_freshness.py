"""How old scores and sources are is told in every answer, on every page, with every list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

import pytest
from fastapi.testclient import TestClient

from tests.conftest import AS_OF, AT
from xinheng.decisions.kept.facts import RunFacts
from xinheng.decisions.kept.store import DecisionStore
from xinheng.serving import freshness
from xinheng.serving.freshness import AGE, STALE, Freshness
from xinheng.serving.freshness import AS_OF as AS_OF_HEADER

PAGES = ("/", "/alerts", "/indicators", "/quality", "/enterprises/91440300192317458X")


class Runs:
    """A run of everyone, and how often it was asked for."""

    def __init__(self, *, any_run: bool = True) -> None:
        self.any_run, self.asked = any_run, 0

    def last_run(self) -> RunFacts | None:
        self.asked += 1
        return RunFacts(1, AS_OF, "m-1", 1, 5, "", {}, {}) if self.any_run else None

    def newest_sources(self) -> Mapping[str, str]:
        return {"penalty": AS_OF.isoformat(), "complaint": AT.isoformat()} if self.any_run else {}


def test_the_database_is_asked_about_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [100.0]
    monkeypatch.setattr(freshness.time, "monotonic", lambda: seconds[0])
    runs = Runs()
    fresh = Freshness(runs, lambda: AT, 2)
    for second, asked in ((100.0, 1), (100.9, 1), (101.0, 2)):
        seconds[0] = second
        age = fresh.current()
        assert age is not None
        assert (age.as_of, runs.asked) == (AS_OF, asked)
    assert list(fresh.sources()) == ["penalty", "complaint"], "the oldest first"


def test_without_a_run_nothing_is_stale_and_nothing_is_said() -> None:
    fresh = Freshness(Runs(any_run=False), lambda: AT, 2)
    assert (fresh.current(), fresh.headers(), fresh.sources()) == (None, [], {})
    told = json.loads(fresh.as_json("{}"))
    assert (told["scores_as_of"], told["scores_age_days"], told["is_stale"]) == (None, None, False)


@pytest.mark.parametrize("path", ["/v1/lists", "/v1/changes", "/v1/checks/{}", "/v1/regions"])
def test_every_answer_says_how_old_the_scores_are(
    client: TestClient, ten_days_later: TestClient, changed: str, path: str
) -> None:
    told = client.get(path.format(changed)).headers
    assert (told[AS_OF_HEADER], told[AGE], told[STALE]) == (AS_OF.isoformat(), "0.3", "false")
    later = ten_days_later.get(path.format(changed)).headers
    assert (later[AGE], later[STALE]) == ("10.3", "true")
    assert STALE not in client.get("/v1/alerts/99999").headers
    assert STALE not in client.get("/healthz").headers


def test_a_risk_says_how_old_the_scores_and_each_source_are(
    ten_days_later: TestClient, changed: str
) -> None:
    told = ten_days_later.get(f"/v1/enterprises/{changed}/risk").json()["freshness"]
    assert datetime.fromisoformat(told["scores_as_of"]) == AS_OF
    assert (told["scores_age_days"], told["stale_days"], told["is_stale"]) == (10.3, 2, True)
    body = {"usccs": [changed]}
    line = json.loads(ten_days_later.post("/v1/risk:batch", json=body).text)
    assert line["freshness"] == told


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_a_banner_is_on_every_page_once_scores_are_stale(
    client: TestClient, ten_days_later: TestClient, path: str, lang: str
) -> None:
    asked = {"params": {"lang": lang}, "headers": {"accept": "text/html"}}
    words = {"zh": ("评分已过时", "10.3 天", "0.3 天前"),
             "en": ("These scores are stale", "10.3 days ago", "0.3 days ago")}  # fmt: skip
    title, stale, fresh = words[lang]
    now, later = (one.get(path, **asked).text for one in (client, ten_days_later))  # type: ignore[arg-type]
    assert 'class="banner"' not in now
    assert fresh in now
    assert 'class="banner" role="alert"' in later
    assert title in later
    assert stale in later


def test_a_list_of_stale_scores_is_a_draft_until_the_officer_says_that_it_may_be_used(
    ten_days_later: TestClient, store: DecisionStore
) -> None:
    before = store.current_list()
    draft = ten_days_later.post("/v1/lists", json={"top": 3, "officer": "李科长"}).json()
    assert (draft["is_draft"], draft["draft_reasons"]) == (True, ["stale_scores"])
    assert (draft["scores_age_days"], draft["stale_said_by"]) == (10.3, "")
    page = ten_days_later.get("/", params={"lang": "en"}).text
    assert "Draft: its scores are stale, so nobody may act on it." in page
    said = {"top": 3, "officer": "李科长", "stale": True}
    told = ten_days_later.post("/v1/lists", json=said).json()
    assert (told["is_draft"], told["stale_said_by"]) == (False, "李科长")
    page = ten_days_later.get("/", params={"lang": "en"}).text
    assert "李科长 said that they may be used" in page
    refused = ten_days_later.post("/v1/lists", json={"top": 3, "stale": True})
    assert (refused.status_code, refused.json()["hint"]) == (422, "name the officer")
    store.keep_list(before)
