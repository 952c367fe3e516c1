"""A small made-up city with a lake, and versions of its models, made once a session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from xinheng.city.make import make_city
from xinheng.city.oracle import true_chances
from xinheng.config import Home
from xinheng.records.intake import find_deliveries, ingest_all
from xinheng.records.lake import Lake
from xinheng.training.cohorts.task import task_files
from xinheng.training.control.evaluating import evaluated
from xinheng.training.control.promote import promote
from xinheng.training.control.runs import Wish, train_task

NOW = datetime(2026, 1, 3, tzinfo=UTC)


@dataclass(frozen=True)
class CityHome:
    """A city's folder, the home of its lake, and the version of each task that was trained."""

    city: Path
    home: Home
    versions: dict[str, str]

    @property
    def reports(self) -> str:
        return self.versions["annual_report"]

    @property
    def classes(self) -> str:
        return self.versions["risk_class"]


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> CityHome:
    """600 firms over four years; classes and reports are trained, evaluated and live."""
    root = tmp_path_factory.mktemp("city")
    make_city(root / "city", enterprises=600, years=4, seed=7, clean=True)
    home = Home(root / "home")
    _all_visits_are_honest(home)
    lake = Lake.at(home.lake)
    ingest_all(find_deliveries(root / "city/deliveries", None, at=NOW), lake, at=NOW)
    versions = {}
    for task, truth in (("annual_report", "annual_report"), ("risk_class", "inspection")):
        done = train_task(home, task, Wish(), at=NOW)
        name = done.trained.model.version
        evaluated(
            home, name, at=NOW, resamples=20,
            chances=lambda rows, truth=truth: true_chances(root / "city", rows, truth),
        )  # fmt: skip
        promote(
            home, name, at=NOW, by="甲", second="乙", reason="the first of a small city",
            override=True,
        )  # fmt: skip
        versions[task] = name
    return CityHome(root / "city", home, versions)


def _all_visits_are_honest(home: Home) -> None:
    """The random part of so small a city is a dozen visits; here figures are told of all."""
    home.tasks.mkdir(parents=True)
    text = task_files()["risk_class"].read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("honest")]
    (home.tasks / "risk_class.toml").write_text("\n".join(lines) + "\n", "utf-8")
