"""Who may ask what: keys, scopes, districts, purposes, rates, and the log of it all."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from tests.conftest import AT, TownRun
from tests.databases import url
from tests.serving.conftest import headers_of
from xinheng.commands import cli
from xinheng.commands.serving import clients as offered
from xinheng.commands.serving import webhooks as told
from xinheng.database import DatabaseUnavailable, open_database
from xinheng.decisions.kept.store import DecisionStore
from xinheng.errors import BadRequest, NotKnown, UnknownName
from xinheng.serving.access.access import Access
from xinheng.serving.access.clients import SCOPES, ClientStore
from xinheng.serving.access.log import QueryLog
from xinheng.serving.app import create_app
from xinheng.serving.delivery.store import KINDS

__all__ = ["url"]


@pytest.fixture
def guarded(store: DecisionStore) -> Iterator[TestClient]:
    """An application that nobody has a key of yet."""
    access = Access.of(store.engine, lambda: AT)
    with TestClient(create_app(store, access), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def clients(store: DecisionStore) -> ClientStore:
    return ClientStore(store.engine)


@pytest.fixture
def code(store: DecisionStore) -> str:
    return store.current_list().rows[0].uscc


def key_of(clients: ClientStore, *scopes: str, **more: str) -> str:
    return clients.add("某系统", scopes, by="王科长", at=AT, **more)[1]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer xh_guess"}, {"Authorization": "Basic eA=="}]
)
def test_without_a_valid_key_nothing_is_told(
    guarded: TestClient, code: str, headers: dict[str, str]
) -> None:
    answer = guarded.get(f"/v1/enterprises/{code}/risk", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["title"] == "NotKnown"


def test_a_key_opens_what_its_scopes_name_and_nothing_else(
    guarded: TestClient, clients: ClientStore, code: str
) -> None:
    headers = headers_of(key_of(clients, "check"))
    assert guarded.get(f"/v1/checks/{code}", headers=headers).status_code == 200
    refused = guarded.get(f"/v1/enterprises/{code}/risk", headers=headers)
    assert refused.status_code == 403
    assert "lacks the scope read" in refused.json()["detail"]


def test_every_route_of_the_api_wants_a_key(guarded: TestClient) -> None:
    for path, operations in guarded.get("/openapi.json").json()["paths"].items():
        for method in operations:
            answer = guarded.request(method, path.replace("{", "").replace("}", ""))
            assert answer.status_code == 401, (method, path)


def test_a_district_sees_its_own_enterprises_alone(
    guarded: TestClient, clients: ClientStore, store: DecisionStore, code: str
) -> None:
    own = store.regions([code])[code]
    other = "11" if not own.startswith("11") else "31"
    far, near = (headers_of(key_of(clients, *SCOPES, region=r)) for r in (other, own[:4]))
    for path in (f"/v1/enterprises/{code}/risk", f"/v1/checks/{code}",
                 f"/v1/enterprises/{code}/risk/history"):  # fmt: skip
        assert guarded.get(path, headers=near).status_code == 200
        refused = guarded.get(path, headers=far)
        assert refused.status_code == 403, path
        assert "risk_class" not in refused.text
    assert guarded.get("/v1/lists/current", headers=far).json()["rows"] == []
    assert guarded.get("/v1/lists/current", headers=near).json()["rows"]
    assert guarded.get("/v1/changes", headers=far).json()["changes"] == []


def test_a_query_wants_a_purpose_and_a_legal_basis(
    guarded: TestClient, clients: ClientStore, code: str
) -> None:
    key = {"Authorization": f"Bearer {key_of(clients, 'read')}"}
    path = f"/v1/enterprises/{code}/risk"
    assert guarded.get(path, headers=key).status_code == 422
    assert guarded.get(path, headers=key | {"X-Purpose": quote("核查")}).status_code == 422
    both = {"X-Purpose": quote("核查"), "X-Legal-Basis": quote("条例第九条")}
    assert guarded.get(path, headers=key | both).status_code == 200
    long = {"X-Purpose": "x" * 201, "X-Legal-Basis": "y"}
    assert guarded.get(path, headers=key | long).status_code == 422
    registered = headers_of(key_of(clients, "read", purpose="许可", legal_basis="许可法"))
    only_key = {"Authorization": registered["Authorization"]}
    assert guarded.get(path, headers=only_key).status_code == 200


@pytest.mark.parametrize(
    "path", ["/v1/enterprises/{}/risk", "/v1/checks/{}", "/v1/enterprises/{}/risk/history"]
)
def test_an_answer_that_cannot_be_logged_does_not_leave(
    store: DecisionStore, code: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access.of(store.engine, lambda: AT)
    headers = headers_of(key_of(access.guard.store, "read", "check"))

    async def failing(_: object) -> None:
        raise DatabaseUnavailable("the operational database does not answer")

    with TestClient(create_app(store, access)) as client:
        assert client.get(path.format(code), headers=headers).status_code == 200
        monkeypatch.setattr(access.log, "note", failing)
        answer = client.get(path.format(code), headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (503, "DatabaseUnavailable")
    assert "risk_class" not in answer.text
    assert answer.headers["x-request-id"]


def test_every_query_is_logged_with_who_why_and_about_whom(
    guarded: TestClient, clients: ClientStore, store: DecisionStore, code: str
) -> None:
    log = QueryLog.beside(store.engine)
    last = max((one.number for one in log.queries(limit=100_000)), default=0)
    headers = headers_of(key_of(clients, "read"))
    guarded.get(f"/v1/enterprises/{code}/risk", headers=headers | {"X-Request-ID": "abc-1"})
    guarded.get("/v1/nothing", headers=headers)
    guarded.get(f"/v1/checks/{code}", headers=headers)
    first, second, third = log.queries(after=last)
    assert (first.uscc, first.enterprises, first.status) == (code, 1, 200)
    assert (first.purpose, first.legal_basis) == ("行政审批核查", "企业信息公示暂行条例")
    assert (first.client, first.request_id) == ("某系统", "abc-1")
    assert first.route == "/v1/enterprises/{uscc}/risk"
    assert (second.status, second.route, second.client_id) == (404, "(no route)", 0)
    assert (third.status, third.client) == (403, "某系统")
    assert [one.number for one in log.queries(uscc=code, after=last)] == [first.number]


def test_who_asks_too_often_is_told_when_to_come_back(
    guarded: TestClient, clients: ClientStore, code: str
) -> None:
    slow = headers_of(key_of(clients, "check", rate="2/minute"))
    answers = [guarded.get(f"/v1/checks/{code}", headers=slow) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert guarded.get(
        f"/v1/checks/{code}", headers=headers_of(key_of(clients, "check"))
    ).is_success


def test_an_ended_key_opens_nothing(clients: ClientStore) -> None:
    made, key = clients.add("某系统", ["read"], by="王科长", at=AT)
    assert clients.holder(key) == made
    clients.end(made.client_id, by="李科长", at=AT)
    with pytest.raises(NotKnown):
        clients.holder(key)
    with pytest.raises(BadRequest, match="already"):
        clients.end(made.client_id, by="李科长", at=AT)


def test_of_a_key_only_its_hash_is_kept(clients: ClientStore, store: DecisionStore) -> None:
    key = key_of(clients, "read")
    with store.engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM api_client")).all()
    assert key not in str(rows)


def test_the_log_refuses_to_forget(url: str) -> None:
    engine = open_database(url)
    row = (
        "INSERT INTO query_log (at, request_id, client_id, method, route, uscc, enterprises, "
        "purpose, legal_basis, status) VALUES ('', '', 1, 'GET', '/', '', 0, '', '', 200)"
    )
    with engine.begin() as connection:
        connection.execute(text(row))
    for statement in ("DELETE FROM query_log", "UPDATE query_log SET purpose = 'x'"):
        with pytest.raises(DatabaseError, match="only grows"), engine.begin() as connection:
            connection.execute(text(statement))
    engine.dispose()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"scopes": []}, "wants a scope"),
        ({"by": " "}, "who answers"),
        ({"region": "4403x"}, "no district"),
        ({"rate": "often"}, "no rate"),
    ],
)
def test_a_client_that_cannot_be_is_refused(
    clients: ClientStore, more: dict[str, object], words: str
) -> None:
    given = {"scopes": ["read"], "by": "王科长"} | more
    scopes = given.pop("scopes")
    with pytest.raises(BadRequest, match=words):
        clients.add("某系统", scopes, at=AT, **given)  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="scope"):
        clients.add("某系统", ["everything"], by="王科长", at=AT)


def test_the_commands_make_list_and_end_clients(town: TownRun) -> None:
    home = ["--home", str(town.home.root)]
    run = CliRunner()
    made = run.invoke(cli, ["clients", "add", "审批系统", "--scope", "check", "--region", "4403",
                            "--by", "王科长", *home])  # fmt: skip
    assert made.exit_code == 0
    key = made.stdout.strip()
    assert key.startswith("xh_")
    listed = run.invoke(cli, ["clients", "list", *home]).stdout
    (line,) = [line for line in listed.splitlines() if "审批系统" in line]
    assert key not in listed
    number = line.split("\t")[0]
    assert run.invoke(cli, ["clients", "end", number, "--by", "王科长", *home]).exit_code == 0
    assert run.invoke(cli, ["clients", "log", *home]).stdout.startswith("query\tat\tclient")


def test_a_request_that_is_too_large_is_refused_unread(
    guarded: TestClient, clients: ClientStore
) -> None:
    headers = headers_of(key_of(clients, "lists"))
    answer = guarded.post("/v1/alerts/1/steps", headers=headers, content=b"x" * (33 * 1024**2))
    assert answer.status_code == 413
    assert answer.json()["title"] == "TooLarge"


def test_the_metrics_count_answers_by_route(
    guarded: TestClient, clients: ClientStore, code: str
) -> None:
    guarded.get(f"/v1/checks/{code}", headers=headers_of(key_of(clients, "check")))
    page = guarded.get("/metrics").text
    assert 'xinheng_requests_total{method="GET",route="/v1/checks/{uscc}",status="200"}' in page
    assert "xinheng_enterprises" in page


def test_the_commands_offer_what_there_is() -> None:
    """They name it again, so that help does not wait for the libraries behind it."""
    assert offered.SCOPES == SCOPES
    assert told.KINDS == KINDS
