"""The nightly run: in parts, gone on with wherever it stopped, the same as all at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter

import polars as pl
import pytest
from sqlalchemy import text

from tests.cities import CityHome
from tests.serving.live import BEGINS, LiveHome
from xinheng.decisions.kept import everyone
from xinheng.decisions.night import part, run
from xinheng.decisions.night.run import NightReport, Wish, run_night
from xinheng.decisions.office import office_of
from xinheng.decisions.whole import assess_whole
from xinheng.domain import bucket_of
from xinheng.errors import Busy, NotReady
from xinheng.features.store.work import Where
from xinheng.records.asked import BUCKET
from xinheng.records.lake import Lake
from xinheng.records.manifest import Batch
from xinheng.records.tables import tables

NIGHT = BEGINS + timedelta(days=1)
WEEKS_LATER = BEGINS + timedelta(days=20)
"""Time enough for some classes of so small a city to change."""


@pytest.fixture(scope="module")
def lake_in_parts(city: CityHome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The city's lake in three buckets."""
    whole, root = Lake(city.home.lake), tmp_path_factory.mktemp("parts") / "lake"
    made = Lake.at(root, buckets=3)
    with made.writing():
        versions = {
            name: made.append(name, in_buckets(whole.rows(name).collect(), 3))
            for name in whole.snapshot.delta_versions
            if name in tables()
        }
        versions |= {
            name: made.append(name, whole.told(name).collect())
            for name in whole.snapshot.delta_versions
            if name not in tables()
        }
        made.publish(batches_of(whole), versions, at=BEGINS)
    return root


def in_buckets(rows: pl.DataFrame, buckets: int) -> pl.DataFrame:
    own = [bucket_of(uscc, buckets) for uscc in rows["uscc"]]
    return rows.with_columns(pl.Series(BUCKET, own, dtype=pl.Int32))


def batches_of(lake: Lake) -> list[Batch]:
    names = [one.name for one in fields(Batch) if one.name != "table_rows"]
    return [Batch(**row) for row in lake.batches(names).iter_rows(named=True)]


@pytest.fixture
def night(city: CityHome, lake_in_parts: Path, tmp_path: Path) -> Iterator[LiveHome]:
    yield from opened(city, lake_in_parts, tmp_path, f"sqlite:///{tmp_path / 'own.db'}")


@pytest.fixture
def anywhere(city: CityHome, lake_in_parts: Path, tmp_path: Path, url: str) -> Iterator[LiveHome]:
    """On SQLite and on PostgreSQL."""
    yield from opened(city, lake_in_parts, tmp_path, url)


def opened(city: CityHome, lake: Path, folder: Path, url: str) -> Iterator[LiveHome]:
    made = LiveHome.copied(city, folder, url)
    shutil.rmtree(made.home.lake)
    shutil.copytree(lake, made.home.lake)
    yield made
    made.engine.dispose()


def of(made: LiveHome, wish: Wish | None = None, at: datetime = NIGHT) -> NightReport:
    wanted = wish or Wish(as_of=NIGHT, alerts=False)
    return run_night(made.home, wanted, at=at, stopwatch=perf_counter)


def answers(made: LiveHome) -> dict[str, str]:
    usccs = [one.uscc for one in made.decisions.riskiest(10_000)]
    return {uscc: told.body for uscc, told in made.decisions.many(usccs).items()}


@pytest.mark.parametrize("engine", ["local", "dask"])
def test_the_parts_say_what_everyone_at_once_says(night: LiveHome, engine: Where) -> None:
    before = night.decisions.standings(WEEKS_LATER)
    lake = Lake(night.home.lake)
    assert lake.buckets > 1, "else there is one part"
    whole = assess_whole(office_of(night.home), lake, WEEKS_LATER, before=before)
    wish = Wish(as_of=WEEKS_LATER, processes=2, engine=engine, alerts=False)
    report = of(night, wish, WEEKS_LATER)
    assert report.parts == lake.buckets
    assert night.decisions.riskiest(10_000) == whole
    assert report.classes == night.decisions.class_counts() | report.classes
    assert sum(report.classes.values()) == report.assessed == len(whole)
    assert report.duties == sum(len(one.obligations) for one in whole)
    assert sum(report.moves.values()) == sum(report.causes.values()) > 0
    assert len(night.decisions.changes()) == sum(report.moves.values())
    assert not (night.home.root / "night").exists(), "nothing is left behind"


def test_a_night_raises_alerts_and_is_on_record(night: LiveHome) -> None:
    report = of(night, Wish(as_of=NIGHT))
    assert report.alerts is not None
    assert report.alerts.enterprises == report.assessed
    kept = night.decisions.runs(1)[0]
    assert kept.run_id == report.run_id
    assert kept.report["alerts"]["raised"] == dict(report.alerts.raised)
    assert {*kept.report["seconds"]} == {"others", "assessments", "keeping", "alerts"}
    again = of(night, Wish(as_of=NIGHT))
    assert again.alerts is None
    assert "already" in again.no_alerts


def test_a_broken_night_is_gone_on_with(night: LiveHome, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    whole = part.assess_bucket

    def breaking(task: part.PartTask) -> int:
        if done:
            raise KeyboardInterrupt
        done.append(task.bucket)
        return whole(task)

    monkeypatch.setattr(run, "assess_bucket", breaking)
    first, before = night.decisions.current_run(), night.decisions.standings(NIGHT)
    with pytest.raises(KeyboardInterrupt):
        of(night, Wish(alerts=False), NIGHT)
    assert night.decisions.current_run() == first, "nothing of it shows"
    monkeypatch.setattr(run, "assess_bucket", whole)
    later = NIGHT + timedelta(minutes=7)
    report = of(night, Wish(alerts=False), later)
    assert report.gone_on_with == 1
    assert report.as_of == NIGHT, "the moment is that of its begin"
    lake, office = Lake(night.home.lake), office_of(night.home)
    assert night.decisions.riskiest(10_000) == assess_whole(office, lake, NIGHT, before=before)
    fresh = of(night, Wish(as_of=NIGHT, fresh=True, alerts=False))
    assert fresh.gone_on_with == 0


@pytest.mark.parametrize("place", ["insert_assessed", "_make_current"])
def test_a_run_that_breaks_while_it_is_kept_shows_nothing(
    anywhere: LiveHome, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    before, first = answers(anywhere), anywhere.decisions.current_run()

    def breaking(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(everyone, place, breaking)
        with pytest.raises(KeyboardInterrupt):
            of(anywhere)
    assert (answers(anywhere), anywhere.decisions.current_run()) == (before, first)
    uscc = next(iter(before))
    assert [one.run_id for one in anywhere.decisions.history(uscc)] == [first.run_id]
    report = of(anywhere)
    assert report.gone_on_with == report.parts
    with anywhere.engine.connect() as connection:
        kinds = connection.execute(text("SELECT kind FROM assessment_run ORDER BY run_id"))
        assert [*kinds.scalars()] == ["all", "all"], "what the broken try wrote is gone"


def test_a_run_that_was_kept_is_not_kept_again(
    night: LiveHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(run, "run_alerts", breaking)
        with pytest.raises(KeyboardInterrupt):
            of(night, Wish(as_of=NIGHT))
    kept = night.decisions.current_run()
    report = of(night, Wish(as_of=NIGHT))
    assert report.run_id == kept.run_id
    assert report.alerts is not None
    assert len(night.decisions.runs(10)) == 2


def test_another_day_another_moment_or_another_model_begins_anew(
    night: LiveHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    def broken(wish: Wish) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(run, "keep_everyone", breaking)
            with pytest.raises(KeyboardInterrupt):
                of(night, wish, NIGHT)

    broken(Wish(alerts=False))
    tomorrow = NIGHT + timedelta(days=1)
    assert of(night, Wish(alerts=False), tomorrow).gone_on_with == 0
    broken(Wish(as_of=NIGHT, alerts=False))
    assert of(night, Wish(as_of=NIGHT - timedelta(hours=1), alerts=False)).gone_on_with == 0
    broken(Wish(alerts=False))
    (night.home.root / "hard_rules.toml").write_text(night_rules(), encoding="utf-8")
    assert of(night, Wish(alerts=False), NIGHT).gone_on_with == 0


def night_rules() -> str:
    """One rule, of one's own."""
    return """[[rule]]
id = "OWN"
name_zh = "甲"
name_en = "own"
indicator = "complaint_count"
at_least = "C"
basis_zh = "甲"
basis_en = "own"
remedy_zh = "甲"
remedy_en = "own"
"""


def test_two_nights_at_once_are_refused(night: LiveHome, monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[str] = []

    def second(*_: object, **__: object) -> int:
        with pytest.raises(Busy, match="another run"):
            of(night)
        met.append("refused")
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "keep_everyone", second)
    with pytest.raises(KeyboardInterrupt):
        of(night)
    assert met == ["refused"]


def test_a_night_before_anybody_was_registered_is_refused(night: LiveHome) -> None:
    with pytest.raises(NotReady, match="was on the register"):
        of(night, Wish(as_of=NIGHT.replace(year=1990), alerts=False))
