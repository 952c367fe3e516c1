"""Records by the API: what cannot be kept is refused whole, what is kept has a receipt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.conftest import AT
from tests.serving.conftest import headers_of
from xinheng.decisions.kept.store import DecisionStore
from xinheng.records.inbox.store import InboxStore
from xinheng.serving.access.access import Access
from xinheng.serving.access.clients import SCOPES, ClientStore
from xinheng.serving.app import create_app

PLAIN = {
    "table": "complaint",
    "values": {"uscc": "91440300192317458f", "region_code": "440300", "source_record_no": "1"},
}


@pytest.fixture
def inbox(store: DecisionStore) -> InboxStore:
    return InboxStore(store.engine)


@pytest.fixture
def sender(store: DecisionStore, inbox: InboxStore) -> Iterator[TestClient]:
    access = Access.of(store.engine, lambda: AT)
    _, key = access.guard.store.add("送数系统", SCOPES, by="王科长", at=AT)
    app = create_app(store, access, sent=inbox)
    with TestClient(app, raise_server_exceptions=False, headers=headers_of(key)) as opened:
        yield opened


def post(client: TestClient, key: str, *records: Any, **more: Any) -> Any:
    return client.post(
        "/v1/records", json={"records": [*records]}, headers={"Idempotency-Key": key}, **more
    )


def test_what_is_kept_has_a_receipt(sender: TestClient, inbox: InboxStore) -> None:
    answer = post(sender, "kept-1", PLAIN, PLAIN)
    assert answer.status_code == 202
    told = answer.json()
    assert (told["state"], told["is_repeated"], len(told["records"])) == ("received", False, 2)
    assert told["records"][0]["uscc"] == "91440300192317458F"
    assert len(inbox.sent(told["receipt_id"])) == 2
    assert sender.get(f"/v1/records/{told['receipt_id']}").json()["records"] == told["records"]
    again = post(sender, "kept-1", PLAIN, PLAIN)
    assert (again.json()["receipt_id"], again.json()["is_repeated"]) == (told["receipt_id"], True)
    assert post(sender, "kept-1", PLAIN).status_code == 409


def test_who_waits_is_answered_when_the_time_is_over(sender: TestClient) -> None:
    answer = post(sender, "wait-1", PLAIN, params={"wait": 0.2})
    assert answer.json()["state"] == "received"


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"table": "wishes", "values": {}}, "records.1: no record table is named 'wishes'"),
        ({"table": "complaint", "values": {"colour": "red"}}, "'colour'"),
        ({"table": "complaint", "values": {"known_at": "2020-01-01"}}, "'known_at'"),
        ({"table": "complaint", "values": {"version": 7}}, "'version'"),
        ({"table": "complaint", "values": {"uscc": {"deep": {}}}}, "value of uscc is no text"),
        ({"table": "complaint", "values": {"uscc": "x" * 20_000}}, "value of uscc"),
        ({"table": "complaint", "values": [1]}, "values"),
        ({"values": {}}, "table"),
    ],
)
def test_one_record_that_cannot_be_keeps_all_out(
    sender: TestClient, inbox: InboxStore, record: dict[str, Any], words: str
) -> None:
    before = inbox.counts()
    answer = post(sender, "bad", PLAIN, record)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert inbox.counts() == before


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"records": [{"table": "complaint", "values": {"uscc": NaN}}]}', "value of uscc"),
        (b'{"records": [{"table": "complaint", "values": {"uscc": 1e999}}]}', "value of uscc"),
        (b"[" * 100_000, "not JSON: recursion limit"),
        (b"\xff\xfe not json", "not JSON: expected value at line 1 column 1"),
        ('{"records": "许可"}'.encode("gbk"), "not JSON: invalid unicode"),
        (b'{"records": [],}', "not JSON: trailing comma at line 1 column 16"),
        (b"", "body"),
        (b'{"records": []}', "records"),
    ],
    ids=["NaN", "infinity", "deep", "bytes", "encoding", "comma", "empty", "no record"],
)
def test_a_body_that_is_none_gets_a_clear_problem(
    sender: TestClient, body: bytes, words: str
) -> None:
    headers = {"Idempotency-Key": "none", "Content-Type": "application/json"}
    answer = sender.post("/v1/records", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


def test_records_want_an_idempotency_key(sender: TestClient) -> None:
    answer = sender.post("/v1/records", json={"records": [PLAIN]})
    assert answer.status_code == 422
    assert "idempotency-key" in answer.json()["detail"].lower()


def test_a_district_sends_its_own_and_reads_its_own_receipts(
    sender: TestClient, store: DecisionStore
) -> None:
    number = post(sender, "district-1", PLAIN).json()["receipt_id"]
    clients = ClientStore(store.engine)
    _, key = clients.add("别区", ["records"], by="王科长", at=AT, region="1101")
    far = headers_of(key)
    refused = sender.post(
        "/v1/records", json={"records": [PLAIN]}, headers=far | {"Idempotency-Key": "x"}
    )
    assert refused.status_code == 403
    assert "region_code is not in 1101" in refused.json()["detail"]
    assert sender.get(f"/v1/records/{number}", headers=far).status_code == 403
