"""A small city in a lake of four buckets, for what needs real tables."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from xinheng.city.make import make_city
from xinheng.config import Home
from xinheng.records.intake import find_deliveries, ingest_all
from xinheng.records.lake import Lake

AT = datetime(2026, 1, 20, tzinfo=UTC)


@pytest.fixture(scope="session")
def city_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    root = tmp_path_factory.mktemp("features")
    city = make_city(root / "city", enterprises=320, years=2, seed=11)
    home = Home(root / "home")
    lake = Lake.at(home.lake, buckets=4)
    ingest_all(find_deliveries(Path(city.folder) / "deliveries", None, at=AT), lake, at=AT)
    return home


@pytest.fixture(scope="session")
def city_lake(city_home: Home) -> Lake:
    return Lake(city_home.lake)
