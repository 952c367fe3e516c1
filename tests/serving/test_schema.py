"""Whatever is asked within the description, no answer is a fault of the server or undescribed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.cities import CityHome
from tests.serving.conftest import headers_of
from tests.serving.live import BEGINS, LiveHome
from xinheng.decisions.alerts.store import AlertStore
from xinheng.records.inbox.store import InboxStore
from xinheng.records.tickets.store import TicketStore
from xinheng.serving.access.access import Access
from xinheng.serving.access.clients import SCOPES
from xinheng.serving.app import create_app
from xinheng.serving.desk import Desk
from xinheng.serving.inbox import Inbox
from xinheng.serving.jobs.store import JobStore
from xinheng.serving.scoring import Scoring

CHECKS = (
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
)  # fmt: skip


EXAMPLES = 15
"""Requests of each operation."""


@pytest.fixture(scope="module")
def live(city: CityHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHome]:
    folder = tmp_path_factory.mktemp("schema")
    made = LiveHome.copied(city, folder, f"sqlite:///{folder / 'operations.db'}")
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def key(live: LiveHome) -> str:
    access = Access.of(live.engine, lambda: BEGINS)
    return access.guard.store.add("某系统", SCOPES, by="王科长", at=BEGINS, rate="1000000/second")[
        1
    ]


@pytest.fixture(scope="module")
def described(live: LiveHome) -> schemathesis.BaseSchema:
    app = create_app(
        live.decisions,
        Access.of(live.engine, lambda: BEGINS),
        desk=Desk(live.home.lake, TicketStore(live.engine), lambda: BEGINS),
        inbox=Inbox(AlertStore(live.engine), lambda: BEGINS),
        sent=InboxStore(live.engine),
        scoring=Scoring(live.home, lambda: BEGINS),
        jobs=JobStore(live.engine, live.home.jobs),
    )
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.parametrize("mode", GenerationMode)
def test_no_answer_is_a_fault_or_undescribed(
    described: schemathesis.BaseSchema, key: str, live: LiveHome, mode: GenerationMode
) -> None:
    """With values as described, of enterprises that are there, and with values that must not be."""
    codes = [one.uscc for one in live.decisions.riskiest(3)]
    asked = 0
    for result in described.get_all_operations():
        operation = result.ok()
        if operation.path.endswith(":stream"):
            continue  # it never ends

        @given(case=operation.as_strategy(generation_mode=mode), code=st.sampled_from(codes))
        @settings(
            max_examples=EXAMPLES, deadline=None, phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck), derandomize=True,
        )  # fmt: skip
        def answered(case: schemathesis.Case, code: str) -> None:
            if mode is GenerationMode.POSITIVE:
                _about(case, code)
            case.call_and_validate(checks=CHECKS, headers=headers_of(key))

        answered()
        asked += 1
    assert asked >= 23


def _about(case: schemathesis.Case, code: str) -> None:
    """Ask about an enterprise that is there: a made-up code is nearly always none."""
    if "uscc" in (case.path_parameters or {}):
        case.path_parameters["uscc"] = code
    if isinstance(case.body, dict) and "uscc" in case.body:
        case.body["uscc"] = code
    if isinstance(case.body, dict) and "usccs" in case.body:
        case.body["usccs"] = [code, *case.body["usccs"][:3]]


def test_every_number_that_is_asked_for_has_an_end(described: schemathesis.BaseSchema) -> None:
    """A larger one than the database can hold would be a fault of the server."""
    found = [
        (path, one["name"], one["schema"].get("maximum"))
        for path, ways in described.raw_schema["paths"].items()
        for way in ways.values()
        for one in way.get("parameters", ())
        if one["schema"].get("type") in {"integer", "number"}
    ]
    assert len(found) > 15
    assert [one for one in found if one[2] is None or one[2] > 2**31 - 1] == []
