"""A former code leads to its firm; a code outside the check rule once it is confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.records.test_identity import AT, NEW, OLD, Town, end_and_begin, record
from tests.serving.conftest import headers_of
from xinheng.database import open_database
from xinheng.decisions.kept.store import DecisionStore
from xinheng.records.tickets.desk import confirm, keep_step
from xinheng.records.tickets.store import TicketStore
from xinheng.serving.access.access import Access
from xinheng.serving.access.clients import SCOPES
from xinheng.serving.app import create_app
from xinheng.serving.desk import Desk

OLD_RULE = "91640302M0001QKT1B"
NOW = AT + timedelta(days=30)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    town = Town(tmp_path)
    town.take(record("entity", "E1"))
    end_and_begin(town)
    town.take(record("entity", "E8", OLD_RULE, address_text="旧码路1号"))
    engine = open_database(f"sqlite:///{tmp_path / 'operations.db'}")
    tickets = TicketStore(engine)
    keep_step(tickets, town.lake, at=NOW)
    (ticket,) = [one for one in tickets.tickets() if one.checks == "QC01"]
    for person in ("甲", "乙"):
        confirm(tickets, town.lake, ticket.ticket_id, person=person, department="scj", at=NOW)
    access = Access.of(engine, lambda: NOW)
    _, key = access.guard.store.add("某系统", SCOPES, by="王科长", at=NOW)
    desk = Desk(town.folder / "lake", tickets, lambda: NOW)
    app = create_app(DecisionStore(engine), access, desk=desk)
    with TestClient(app, raise_server_exceptions=False, headers=headers_of(key)) as opened:
        yield opened
    engine.dispose()


def test_the_archive_of_a_former_code_is_that_of_its_firm(client: TestClient) -> None:
    one, other = (client.get(f"/v1/enterprises/{code}") for code in (OLD, NEW))
    assert one.status_code == 200
    assert one.json() == other.json()
    assert one.json()["uscc"] == NEW
    assert [former["uscc"] for former in one.json()["former"]] == [OLD]


def test_the_page_of_a_former_code_moves_to_that_of_its_firm(client: TestClient) -> None:
    answer = client.get(f"/enterprises/{OLD}", follow_redirects=False)
    assert answer.status_code == 301
    assert answer.headers["location"].startswith(f"/enterprises/{NEW}")


def test_a_code_outside_the_check_rule_is_answered_once_it_is_confirmed(
    client: TestClient,
) -> None:
    assert client.get(f"/v1/enterprises/{OLD_RULE}").status_code == 200
    refused = client.get(f"/v1/enterprises/{OLD_RULE[:-1]}C")
    assert refused.status_code == 422
    assert "check character" in refused.json()["detail"]
