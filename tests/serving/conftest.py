"""A town that has been scored and has a list, for the API and the pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests.conftest import AS_OF, AT, TownRun
from xinheng.config import ClassSettings
from xinheng.decisions.assess import assess
from xinheng.decisions.lists import draw
from xinheng.decisions.store import DecisionStore
from xinheng.records.tickets.store import TicketStore
from xinheng.serving.app import create_app
from xinheng.serving.desk import Desk


@pytest.fixture(scope="session")
def store(town: TownRun) -> Iterator[DecisionStore]:
    opened = DecisionStore.at(town.home.database_url)
    assessed = assess(town.outcome.model, town.prepared.lake, AS_OF, ClassSettings())
    opened.keep_run(assessed, lake_batch=1, at=AT)
    opened.keep_list(draw(assessed, top=30, officer="王某", at=AT))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def client(store: DecisionStore, town: TownRun) -> Iterator[TestClient]:
    desk = Desk(town.home.lake, TicketStore(store.engine), lambda: AT)
    app = create_app(store, desk=desk)
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened
