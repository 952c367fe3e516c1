from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.conftest import AT
from tests.serving.broken import broken_app
from tests.serving.conftest import headers_of
from xinheng.decisions.kept.regions import FEWEST
from xinheng.decisions.kept.store import DecisionStore
from xinheng.decisions.measures import approval_check, measures_of
from xinheng.models.promotions import Promotions

SHAPE = {"type", "title", "status", "detail", "instance", "hint"}
UNKNOWN = "91440300192317458F"


def test_a_risk_answer_adds_up_and_names_its_records(
    client: TestClient, store: DecisionStore
) -> None:
    first = store.current_list().rows[0]
    answer = client.get(f"/v1/enterprises/{first.uscc}/risk")
    assert answer.status_code == 200
    told = answer.json()
    assert told["risk_class"] in "ABCD"
    assert 0 <= told["score"] <= 1000
    assert 0 <= told["probability"] <= 1
    assert told["model_version"].startswith("town-")
    assert told["as_of"].startswith("2025-12-31T16:00:00")
    pushes = sum(reason["contribution"] for reason in told["reasons"])
    total = told["base_value"] + pushes + told["other_contributions"]
    assert total == pytest.approx(told["log_odds"], abs=1e-9)
    for reason in told["reasons"]:
        parts = sum(window["contribution"] for window in reason["windows"])
        assert parts == pytest.approx(reason["contribution"], abs=1e-12)
        assert reason["sentence_zh"] != reason["sentence_en"]
    assert any(reason["record_ids"] for reason in told["reasons"])


def test_a_code_is_normalised_before_it_is_looked_up(
    client: TestClient, store: DecisionStore
) -> None:
    code = store.current_list().rows[0].uscc
    assert client.get(f"/v1/enterprises/ {code.lower()} /risk").json()["uscc"] == code


def test_the_current_list_is_ranked(client: TestClient) -> None:
    told = client.get("/v1/lists/current").json()
    assert [row["rank"] for row in told["rows"]] == list(range(1, 31))
    scores = [row["score"] for row in told["rows"]]
    assert scores == sorted(scores, reverse=True)
    assert told["officer"] == "王某"
    assert told["is_draft"] is False


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        pytest.param("GET", "/v1/enterprises/123/risk", 422, "BadRequest", id="no code"),
        pytest.param("GET", f"/v1/enterprises/{UNKNOWN}/risk", 404, "NotFound", id="not scored"),
        pytest.param("GET", "/v1/nothing", 404, "NotFound", id="no such route"),
        pytest.param("DELETE", "/v1/lists/current", 405, "MethodNotAllowed", id="wrong method"),
        pytest.param("GET", "/enterprises", 422, "BadRequest", id="a page without its code"),
    ],
)
def test_every_error_has_one_shape(
    client: TestClient, method: str, path: str, status: int, error: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    told = answer.json()
    assert set(told) == SHAPE
    assert (told["title"], told["type"]) == (error, f"urn:xinheng:error:{error}")
    assert told["status"] == status
    assert told["instance"] == path
    assert told["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_unforeseen_fault_has_the_same_shape_and_tells_no_secret(tmp_path: Path) -> None:
    app, key = broken_app(tmp_path)
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get(f"/v1/enterprises/{UNKNOWN}/risk", headers=headers_of(key))
    assert answer.status_code == 500
    assert set(answer.json()) == SHAPE
    assert "ZeroDivision" not in answer.text


def test_the_description_names_every_route_and_error(client: TestClient) -> None:
    told = client.get("/openapi.json").json()
    paths = told["paths"]
    assert set(paths) == {
        "/v1/enterprises/{uscc}", "/v1/enterprises/{uscc}/risk", "/v1/lists/current", "/v1/tickets",
        "/v1/tickets/{ticket_id}", "/v1/tickets/{ticket_id}/confirmations",
        "/v1/tickets/{ticket_id}/returns", "/v1/quality", "/v1/quality.csv",
        "/v1/indicators", "/v1/indicators/{name}", "/v1/checks/{uscc}", "/v1/alerts",
        "/v1/alerts/{alert_id}", "/v1/alerts/{alert_id}/steps", "/v1/changes",
        "/v1/lists", "/v1/lists/{list_id}", "/v1/lists/{list_id}/file",
        "/v1/lists/{list_id}/results", "/v1/queries", "/v1/regions", "/v1/models",
        "/v1/models/{version}/card",
        "/v1/enterprises/{uscc}/risk/history", "/v1/enterprises/{uscc}/repairs",
        "/v1/alerts:stream", "/v1/changes:stream", "/v1/risk:batch", "/v1/risk:whatif",
        "/v1/records", "/v1/records/{receipt_id}", "/v1/enterprises/{uscc}/risk/replay",
        "/v1/risk:ready", "/v1/jobs", "/v1/jobs/{job_id}", "/v1/jobs/{job_id}/file", "/v1/runs",
    }  # fmt: skip
    for path in paths.values():
        responses = path.get("get", path.get("post"))["responses"]
        for code in ("404", "409", "422", "503"):
            content = responses[code]["content"]
            assert [*content] == ["application/problem+json"]
            assert content["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
    assert "RiskAnswer" in told["components"]["schemas"]


def test_nightly_runs_are_told_newest_first(client: TestClient, store: DecisionStore) -> None:
    run = store.current_run()
    (newest,) = client.get("/v1/runs", params={"limit": 1}).json()
    assert (newest["run_id"], newest["assessed"]) == (run.run_id, run.assessed)


def test_the_server_says_that_it_is_alive(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_tickets_and_the_quality_report_can_be_asked_for(client: TestClient) -> None:
    told = client.get("/v1/tickets", params={"everything": True}).json()
    assert told["total"] == len(told["tickets"])
    assert client.get("/v1/tickets/999").status_code == 404
    report = client.get("/v1/quality").json()
    assert sum(row["rows"] for row in report["departments"]) > 0
    table = client.get("/v1/quality.csv", params={"month": report["month"]})
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.lstrip("\ufeff").startswith("department,rows,accepted")
    assert client.get("/v1/quality", params={"month": "2024-13"}).status_code == 422


def test_a_confirmation_must_name_its_person(client: TestClient) -> None:
    answer = client.post("/v1/tickets/1/confirmations", json={"person": "", "department": "scj"})
    assert answer.status_code == 422
    assert set(answer.json()) == SHAPE


def test_the_catalogue_can_be_asked_for(client: TestClient) -> None:
    told = client.get("/v1/indicators").json()
    assert len(told["indicators"]) == 127
    assert len(told["version"]) == 12
    one = client.get("/v1/indicators/penalty_count").json()
    assert one["columns"] == ["penalty_count_90d", "penalty_count_365d", "penalty_count_1095d"]
    assert one["value"] == "count(procedure = 'ordinary')"
    assert (one["direction"], one["without_rows"]) == ("up", "0")
    lost = client.get("/v1/indicators/penalties_count")
    assert lost.status_code == 422
    assert "did you mean penalty_count" in lost.text


def test_the_check_tells_neither_score_nor_class(client: TestClient, store: DecisionStore) -> None:
    row = store.current_list().rows[0]
    told = client.get(f"/v1/checks/{row.uscc}").json()
    assert set(told) == {"uscc", "answer", "reason_codes"}
    assert (told["answer"] == "risk_review") == (row.risk_class in "CDE")


@pytest.mark.parametrize(
    ("risk_class", "rules", "answer", "codes"),
    [
        ("A", (), "no_manual_check", ()),
        ("B", (), "no_manual_check", ()),
        ("C", ("H4",), "risk_review", ("H4",)),
        ("D", (), "risk_review", ("RISK",)),
        ("E", ("H1", "H2"), "risk_review", ("H1", "H2")),
    ],
)
def test_a_review_is_asked_for_from_class_c_on(
    risk_class: str, rules: tuple[str, ...], answer: str, codes: tuple[str, ...]
) -> None:
    found = approval_check(UNKNOWN, risk_class, rules)
    assert (found.answer, found.reason_codes) == (answer, codes)


def test_every_class_has_measures_and_there_are_26() -> None:
    named = {one.id for letter in "ABCDE" for one in measures_of(letter)}
    assert named == {f"M{number:02d}" for number in range(1, 27)}
    assert [one.id for one in measures_of("E")] == ["M23", "M24", "M25", "M26"]


def test_alerts_are_read_and_stepped_through(client: TestClient, raised: int) -> None:
    page = client.get("/v1/alerts", params={"point": "W31"}).json()
    assert [one["alert_id"] for one in page["alerts"]] == [raised]
    assert page["next"] is None
    assert client.get("/v1/alerts", params={"level": "blue"}).json()["alerts"] == []
    step = {"step": "handled", "by": "王科长", "measure": "M18", "result": "已现场检查"}
    told = client.post(f"/v1/alerts/{raised}/steps", json=step).json()
    assert told["state"] == "handled"
    assert [one["step"] for one in told["steps"]] == ["created", "delivered", "handled"]
    again = client.post(f"/v1/alerts/{raised}/steps", json=step)
    assert again.status_code == 422
    assert "cannot follow" in again.json()["detail"]
    nameless = client.post(f"/v1/alerts/{raised}/steps", json=step | {"by": ""})
    assert nameless.status_code == 422
    assert client.get("/v1/alerts/999").status_code == 404
    for lang, word in (("zh", "列入严重失信"), ("en", "Put on a serious list")):
        text = client.get("/alerts", params={"lang": lang}).text
        assert word in text


def test_class_changes_are_read_on_from_a_number(client: TestClient, changed: str) -> None:
    page = client.get("/v1/changes").json()
    assert page["next"] is None
    (one,) = page["changes"]
    assert (one["uscc"], one["former"], one["present"]) == (changed, "A", "D")
    assert (one["cause"], one["rules"]) == ("facts", ["H1"])
    assert one["former_score"] + sum(share["points"] for share in one["shares"]) == one["score"]
    assert one["shares"][1]["record_ids"] == ["penalty:p/1"]
    history = client.get(f"/v1/enterprises/{changed}/risk/history").json()["history"]
    assert [past["change"] for past in history][-1] == one
    after = client.get("/v1/changes", params={"after": one["change_id"]}).json()
    assert after == {"changes": [], "next": None}
    of_one = client.get("/v1/changes", params={"uscc": UNKNOWN}).json()
    assert of_one["changes"] == []


def test_an_archive_is_read_table_by_table_and_page_by_page(
    client: TestClient, store: DecisionStore
) -> None:
    uscc = store.current_list().rows[0].uscc
    told = client.get(f"/v1/enterprises/{uscc}").json()
    count = told["tables"]["inspection"]
    assert (told["records"], told["next"]) == ([], None)
    found, offset = [], 0
    while offset is not None:
        params = {"table": "inspection", "offset": offset, "limit": 2}
        page = client.get(f"/v1/enterprises/{uscc}", params=params).json()
        found += page["records"]
        offset = page["next"]
    assert len(found) == count
    assert {one["uscc"] for one in found} == {uscc}
    wrong = client.get(f"/v1/enterprises/{uscc}", params={"table": "inspektion"})
    assert wrong.status_code == 422
    assert "did you mean inspection" in wrong.json()["hint"]
    assert client.get(f"/v1/enterprises/{UNKNOWN}").status_code == 404


def test_districts_tell_of_no_single_enterprise(client: TestClient, store: DecisionStore) -> None:
    for digits in (2, 4, 6):
        told = client.get("/v1/regions", params={"digits": digits}).json()
        assert told
        for region in told:
            assert len(region["region_code"]) == digits
            shown = [n for n in region["classes"].values() if n is not None]
            assert all(n == 0 or n >= FEWEST for n in shown)
            hidden = [letter for letter, n in region["classes"].items() if n is None]
            assert len(hidden) != 1  # it could be reckoned from the sum
    assert client.get("/v1/regions", params={"digits": 3}).status_code == 422


def test_models_tell_which_was_live_when(client: TestClient, store: DecisionStore) -> None:
    ledger = Promotions(store.engine)
    for version, day in (("food-1", 1), ("food-2", 3)):
        ledger.add("food", "promote", version, at=AT + timedelta(days=day), by="甲")
    told = client.get("/v1/models").json()
    assert told["live"]["food"] == "food-2"
    assert [e["version"] for e in told["decisions"] if e["task"] == "food"] == ["food-1", "food-2"]
    then = (AT + timedelta(days=2)).isoformat()
    assert client.get("/v1/models", params={"on": then}).json()["live"]["food"] == "food-1"
    assert client.get("/v1/models/none/card").status_code in {404, 409}


def test_a_list_is_drawn_read_and_taken_away(client: TestClient, store: DecisionStore) -> None:
    before = store.current_list()
    drawn = client.post("/v1/lists", json={"top": 5, "officer": "李科长"})
    assert drawn.status_code == 201
    told = drawn.json()
    assert [row["rank"] for row in told["rows"]] == [1, 2, 3, 4, 5]
    assert (told["officer"], told["is_draft"]) == ("李科长", False)
    path = f"/v1/lists/{told['list_id']}"
    assert client.get(path).json() == told == client.get("/v1/lists/current").json()
    assert client.get("/v1/lists").json()[0]["names"] == 5
    sheet = client.get(f"{path}/file")
    assert sheet.text.startswith("\ufeff序号,")
    assert told["rows"][0]["uscc"] in sheet.text
    book = client.get(f"{path}/file", params={"form": "xlsx"})
    assert book.content.startswith(b"PK")
    results = client.get(f"{path}/results").json()
    assert (results["names"], results["visited"]) == (5, 0)
    assert client.get("/v1/lists/L20200101-000000").status_code == 404
    assert client.post("/v1/lists", json={"top": 0}).status_code == 422
    store.keep_list(before)
