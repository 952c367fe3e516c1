"""What is not well is told with what to do about it, and nothing is made by looking."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from tests.cities import NOW, CityHome
from tests.serving.broken import broken_app
from tests.serving.live import BEGINS, LiveHome
from xinheng.commands import cli
from xinheng.config import Home, ScoreSettings, Settings
from xinheng.models.artifact import make_live
from xinheng.records.duties.workdays import workdays
from xinheng.serving.doctor import Check, examine, missing


@pytest.fixture
def own(city: CityHome, tmp_path: Path) -> Home:
    """The city's home with models and a database of its own."""
    home = Home(tmp_path / "home", Settings(officer="王科长"))
    home.root.mkdir()
    home.lake.symlink_to(city.home.lake, target_is_directory=True)
    shutil.copytree(city.home.models, home.models)
    shutil.copy(city.home.root / "operations.db", home.root / "operations.db")
    return home


def ill(home: Home) -> dict[str, Check]:
    found = {one.name: one for one in examine(home, at=NOW) if not one.is_well}
    assert all(one.remedy for one in found.values())
    return found


def test_what_was_not_done_yet_is_told_with_the_command_that_does_it(own: Home) -> None:
    found = ill(own)
    assert set(found) == {"scores", "alerts"}
    assert "xinheng scores run" in found["scores"].remedy
    assert "xinheng alerts run" in found["alerts"].remedy


def test_looking_makes_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "nowhere")
    (check,) = examine(home, at=NOW)
    assert (check.name, check.is_missing) == ("home", True)
    assert not home.root.exists()


def test_a_live_model_that_is_gone_is_told(own: Home, city: CityHome) -> None:
    shutil.rmtree(own.model("risk_class") / city.classes)
    assert "there is no model" in ill(own)["model risk_class"].told


def test_a_promotion_that_was_broken_off_is_told(own: Home) -> None:
    folder = own.model("annual_report")
    other = folder / "annual_report-0badcafe"
    live = next(path for path in folder.iterdir() if path.is_dir())
    shutil.copytree(live, other)
    make_live(folder, other.name)
    check = ill(own)["model annual_report"]
    assert "the ledger says" in check.told
    assert "promote" in check.remedy


def test_without_a_class_model_or_an_officer_that_is_told(own: Home) -> None:
    shutil.rmtree(own.model("risk_class"))
    found = ill(replace(own, settings=Settings()))
    assert found["models"].told == "no version of risk_class is live"
    assert "officer" in found["officer"].remedy


def test_rules_that_cannot_be_meant_are_told(own: Home) -> None:
    own.hard_rules.write_text("[[rule]]\nid = 'H1'\n", encoding="utf-8")
    assert "hard_rules.toml" in ill(own)["rules"].told


def test_records_of_the_future_are_a_wrong_clock(own: Home) -> None:
    found = {one.name: one for one in examine(own, at=NOW - timedelta(days=30))}
    assert not found["clock"].is_well


def test_a_full_disk_is_told(own: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr("xinheng.serving.doctor.shutil.disk_usage", lambda _: Usage(1024**2))
    assert "make room" in ill(own)["disk"].remedy


def test_a_server_is_not_ready_without_scores(own: Home) -> None:
    gone = missing(own, at=NOW)
    assert [one.name for one in gone] == ["scores"]
    app, _ = broken_app(own.root, missing=lambda: gone)
    with TestClient(app) as client:
        answer = client.get("/readyz")
        assert client.get("/healthz").status_code == 200
    assert answer.status_code == 503
    assert "no enterprise has been scored" in answer.json()["detail"]
    with TestClient(broken_app(own.root, missing=list)[0]) as client:
        assert client.get("/readyz").json() == {"status": "ready"}


def test_a_server_with_stale_scores_is_degraded_and_still_answers(live: LiveHome) -> None:
    home = live.home
    fresh, stale = BEGINS + timedelta(days=2), BEGINS + timedelta(days=2, seconds=1)
    assert "scores" not in {one.name for one in missing(home, at=fresh)}
    notes = missing(home, at=stale)
    (check,) = (one for one in notes if one.name == "scores")
    assert (check.is_stale, check.is_missing) == (True, False)
    assert "2.0 days ago, more than 2" in check.told
    app, _ = broken_app(home.root, missing=lambda: [check])
    with TestClient(app) as client:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["notes"]["scores"] == check.told
    patient = Settings(database_url=home.database_url, scores=ScoreSettings(stale_days=30))
    assert "scores" not in {one.name for one in missing(replace(home, settings=patient), at=stale)}


def test_the_command_exits_with_one_where_something_is_not_well(own: Home) -> None:
    found = CliRunner().invoke(cli, ["doctor", "--home", str(own.root)])
    assert found.exit_code == 1
    assert "NOT WELL  scores" in found.stdout
    assert "well      database" in found.stdout


def test_from_november_on_the_calendar_of_the_next_year_is_asked_for(own: Home) -> None:
    october, november = NOW.replace(month=10, day=31), NOW.replace(month=11, day=1)
    year = workdays().certain_until.year
    before, after = (moment.replace(year=year) for moment in (october, november))
    names = [{one.name for one in missing(own, at=moment)} for moment in (before, after)]
    assert ["calendar" in found for found in names] == [False, True]
    (check,) = (one for one in examine(own, at=after) if one.name == "calendar")
    assert f"{year + 1} is missing" in check.told
    assert not check.is_missing
    app, _ = broken_app(own.root, missing=lambda: [check])
    with TestClient(app) as client:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["notes"]["calendar"]) == (200, check.told)
    (own.root / "calendar").mkdir()
    (own.root / f"calendar/{year + 1}.toml").write_text("holidays = []", encoding="utf-8")
    assert "calendar" not in {one.name for one in missing(own, at=after)}
