"""The watch: drift, silence, outcomes; and the drill before anything happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cities import CityHome
from xinheng.errors import BadRequest, NotReady, UnknownName
from xinheng.features.engine.compute import compute
from xinheng.features.population import population
from xinheng.records.asked import Asked
from xinheng.records.lake import Lake
from xinheng.training.control.versions import model_of
from xinheng.training.watching.drift import drifts, psi
from xinheng.training.watching.drill import drill, drill_text
from xinheng.training.watching.sources import Silent, spoken
from xinheng.training.watching.told import watch_page, watch_text, write_metrics
from xinheng.training.watching.watch import watch

END = datetime(2026, 1, 2, 12, tzinfo=UTC)


@given(st.integers(0, 10**6), st.integers(1, 400))
def test_the_index_is_none_for_the_same_and_never_negative(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=size)
    assert psi(values, values) == pytest.approx(0.0, abs=1e-12)
    assert psi(values, rng.normal(1.0, 2.0, 300)) >= 0


def test_the_index_sees_a_move_but_not_a_hair_s_breadth_of_a_shared_value() -> None:
    rng = np.random.default_rng(1)
    shared = np.where(rng.random(5_000) < 0.9, 0.852, rng.random(5_000))
    nearly = np.where(shared == 0.852, 0.851, shared)
    assert psi(shared, nearly) < 0.02
    assert psi(rng.normal(0, 1, 5_000), rng.normal(1, 1, 5_000)) > 0.5


def test_what_is_unknown_is_told_apart() -> None:
    then, now = pl.DataFrame({"a": [1.0, 2.0, None]}), pl.DataFrame({"a": [None, None, 1.0]})
    one = drifts(then, now, ["a"])[0]
    assert [one.unknown_then, one.unknown_now] == pytest.approx([1 / 3, 2 / 3])


def test_on_the_last_day_every_source_speaks(city: CityHome) -> None:
    seen = watch(city.home, "risk_class", END)
    assert not [alarm for alarm in seen.alarms if alarm.kind == "silent source"]
    assert sum(seen.classes_then.values()) == pytest.approx(1)
    assert seen.outcomes[0].version == city.classes
    assert seen.outcomes[0].cases > 100


def test_a_source_that_falls_silent_is_an_alarm_not_good_behaviour(
    city: CityHome, tmp_path: Path
) -> None:
    seen = watch(city.home, "risk_class", END + timedelta(days=90))
    silent = {alarm.told.split(":")[0] for alarm in seen.alarms if alarm.kind == "silent source"}
    assert {"utility_usage", "social_insurance"} <= silent
    text, page = watch_text(seen), watch_page(seen)
    assert "ALARM silent source: utility_usage" in text
    assert "silent source: utility_usage" in page
    write_metrics(seen, tmp_path / "x.prom")
    told = (tmp_path / "x.prom").read_text("utf-8")
    assert f'xinheng_watch_alarms{{task="risk_class"}} {float(len(seen.alarms))}' in told
    assert 'xinheng_source_records{table="utility_usage",task="risk_class"} 0.0' in told


def test_a_deadline_model_is_watched_on_the_duties_that_came_due(city: CityHome) -> None:
    seen = watch(city.home, "annual_report", END)
    assert seen.classes_now == {}
    assert seen.outcomes[0].cases == seen.asked
    with pytest.raises(NotReady, match="no version of unpaid_fine is live"):
        watch(city.home, "unpaid_fine", END)


def test_a_silent_table_is_as_if_nothing_had_become_known_since(city: CityHome) -> None:
    lake, since = Lake(city.home.lake), END - timedelta(days=300)
    silent = Silent(lake, "penalty", since)
    rows = silent.versions("penalty", Asked(("uscc", "known_at")))
    assert 0 < rows.height < lake.rows("penalty").collect().height
    assert (rows["known_at"] <= since).all()
    other = silent.versions("inspection", Asked(("uscc", "known_at")))
    assert other.height == lake.rows("inspection").collect().height
    assert spoken(silent, ["penalty"], END, 45)[0].recent == 0


def test_a_drill_tells_which_classes_would_move(city: CityHome) -> None:
    since = END - timedelta(days=700)
    found = drill(city.home, "risk_class", "penalty", END, since=since)
    lake, model = Lake(city.home.lake), model_of(city.home, city.classes)
    assert found.asked == sum(sum(row) for row in found.table) == population(lake, END).height
    assert found.improved <= found.moved
    everyone = population(lake, END)
    with_all = compute(model.indicators, everyone, lake)
    without = compute(model.indicators, everyone, Silent(lake, "penalty", since))
    assert not with_all["penalty_count_365d"].equals(without["penalty_count_365d"])
    assert without["penalty_count_365d"].sum() == 0
    assert f"{found.moved:,} of {found.asked:,} would be in another class" in drill_text(found)


def test_a_drill_wants_a_table_and_a_task_with_classes(city: CityHome) -> None:
    with pytest.raises(UnknownName, match="penalty"):
        drill(city.home, "risk_class", "penalties", END, since=END)
    with pytest.raises(BadRequest, match="no classes"):
        drill(city.home, "annual_report", "penalty", END, since=END)
