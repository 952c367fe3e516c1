"""What several tests stand on: a small made-up town, taken the whole way once a session."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.cities import city
from tests.databases import url
from xinheng.city.town import make_town, write_town
from xinheng.config import Home
from xinheng.training.studies.run import Outcome, Prepared, prepare, run_study

__all__ = ["city", "url"]

settings.register_profile(
    "xinheng", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile(
    "quick", settings.get_profile("xinheng"), phases=(Phase.explicit, Phase.reuse, Phase.generate)
)
settings.load_profile(os.environ.get("XINHENG_HYPOTHESIS", "xinheng"))

AT = datetime(2026, 1, 1, tzinfo=UTC)
ODD_NAME = "家 目录 #1 100% [2]"
AS_OF = datetime(2025, 12, 31, 16, tzinfo=UTC)


@dataclass(frozen=True)
class TownRun:
    """A town of 400 firms: its folder, its home, what the study prepared and found.

    The home has a name with all that a glob, a URI and a format string read as something else, so
    every test of the town shows that a path is a literal name.
    """

    folder: Path
    home: Home
    prepared: Prepared
    outcome: Outcome


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> TownRun:
    root = tmp_path_factory.mktemp("town")
    folder = write_town(make_town(enterprises=400, years=3, seed=7), root / "made-up")
    home = Home.at(root / ODD_NAME)
    prepared = prepare(folder, folder / "delivery", home, at=AT)
    outcome = run_study(prepared, home, resamples=20)
    return TownRun(folder, home, prepared, outcome)
