"""A town that has been scored and has a list, for the API and the pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from tests.cities import CityHome
from tests.conftest import AS_OF, AT, TownRun
from tests.decisions.handmade import changed_class
from tests.serving.live import LiveHome
from xinheng.config import ClassSettings
from xinheng.decisions.age import Age
from xinheng.decisions.alerts.alert import Raised, Taken
from xinheng.decisions.alerts.finding import Finding
from xinheng.decisions.alerts.points import load_points
from xinheng.decisions.alerts.store import AlertStore
from xinheng.decisions.assess import assess
from xinheng.decisions.kept.store import DecisionStore
from xinheng.decisions.lists import draw
from xinheng.records.tickets.store import TicketStore
from xinheng.serving.access.access import Access
from xinheng.serving.access.clients import SCOPES
from xinheng.serving.app import create_app
from xinheng.serving.desk import Desk
from xinheng.serving.inbox import Inbox

LISTED = "91440300192317458F"


@pytest.fixture
def live(city: CityHome, tmp_path: Path, url: str) -> Iterator[LiveHome]:
    made = LiveHome.copied(city, tmp_path, url)
    yield made
    made.engine.dispose()


@pytest.fixture(scope="session")
def store(town: TownRun) -> Iterator[DecisionStore]:
    opened = DecisionStore.at(town.home.database_url)
    assessed = assess(town.outcome.model, town.prepared.lake, AS_OF, ClassSettings())
    worse = changed_class(assessed[0].uscc, rules=("H1",))
    opened.keep_run(assessed, lake_batch=1, at=AT, changes=[worse])
    opened.keep_list(draw(assessed, top=30, officer="王某", age=Age(AS_OF, AT, 2)))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def changed(store: DecisionStore) -> str:
    """The enterprise whose class changed."""
    return store.changes()[0].uscc


@pytest.fixture(scope="session")
def raised(store: DecisionStore) -> int:
    """The number of one alert about a serious listing."""
    points = {point.id: point for point in load_points()}
    found = Finding(point=points["W31"], level="red", uscc=LISTED, subject="serious_list:s/1")
    steps = (Taken("created", AT, "xinheng"), Taken("delivered", AT, "xinheng"))
    one = Raised(found, "王科长", False, steps)
    alerts = AlertStore(store.engine)
    alerts.keep_run(AS_OF, [one], [], {}, {}, at=AT)
    return alerts.alerts()[0].alert_id


@pytest.fixture(scope="session")
def client(store: DecisionStore, town: TownRun) -> Iterator[TestClient]:
    desk = Desk(town.home.lake, TicketStore(store.engine), lambda: AT)
    access = Access.of(store.engine, lambda: AT)
    app = create_app(store, access, desk=desk, inbox=Inbox(AlertStore(store.engine), lambda: AT))
    _, key = access.guard.store.add("测试系统", SCOPES, by="王科长", at=AT, rate="100000/second")
    with TestClient(app, raise_server_exceptions=False, headers=headers_of(key)) as opened:
        yield opened


@pytest.fixture
def ten_days_later(store: DecisionStore, town: TownRun) -> Iterator[TestClient]:
    """The same town, of which nobody was scored since."""
    later = AT + timedelta(days=10)
    desk = Desk(town.home.lake, TicketStore(store.engine), lambda: later)
    access = Access.of(store.engine, lambda: later)
    alerts = Inbox(AlertStore(store.engine), lambda: later)
    app = create_app(store, access, desk=desk, inbox=alerts)
    _, key = access.guard.store.add("测试系统", SCOPES, by="王科长", at=later)
    with TestClient(app, raise_server_exceptions=False, headers=headers_of(key)) as opened:
        yield opened


def headers_of(key: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {key}",
        "X-Purpose": quote("行政审批核查"),
        "X-Legal-Basis": quote("企业信息公示暂行条例"),
    }
