"""Moments in questions to the API: read in one way, refused with the form to write."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel

from xinheng.moments import FORM
from xinheng.serving.moments import Moment
from xinheng.serving.problems import tell_problems


class _Asked(BaseModel):
    as_of: Moment = None


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    tell_problems(app, {})

    @app.get("/v1/then")
    def read_then(as_of: Moment = None) -> str:
        return str(as_of and as_of.isoformat())

    @app.post("/v1/then")
    def ask_then(wanted: _Asked) -> str:
        return str(wanted.as_of and wanted.as_of.isoformat())

    return TestClient(app, raise_server_exceptions=False)


END = "2025-06-30T23:59:59.999999+08:00"
BEGIN = "2025-06-30T00:00:00+08:00"


@pytest.mark.parametrize(
    ("written", "read"),
    [("20250630", END), ("2025-06-30", END), (BEGIN, BEGIN), (BEGIN.replace("+", "%2B"), BEGIN)],
)  # fmt: skip
def test_days_and_moments_are_read(client: TestClient, written: str, read: str) -> None:
    assert client.get(f"/v1/then?as_of={written}").json() == read


@pytest.mark.parametrize(
    "written", ["1751241600", "2025-06-30T00:00:00", "yesterday", "2025-02-30"]
)
def test_what_is_no_moment_is_refused_with_the_form(client: TestClient, written: str) -> None:
    for answer in (
        client.get(f"/v1/then?as_of={written}"), client.post("/v1/then", json={"as_of": written})
    ):  # fmt: skip
        assert answer.status_code == 422
        assert answer.json()["hint"] == f"write {FORM}"
    assert client.post("/v1/then", json={"as_of": 1751241600}).status_code == 422


def test_a_problem_does_not_repeat_a_number_of_a_person(client: TestClient) -> None:
    number = "11010519491231002X"
    answer = client.get(f"/v1/enterprises/{number}/risk")
    assert answer.status_code == 404
    assert number not in answer.text
