"""Leak probes, groups, the class contract and the baselines, each by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cities import NOW, CityHome
from xinheng.errors import BadMapping
from xinheng.features.catalogue import catalogue, feature_columns
from xinheng.records.lake import Lake
from xinheng.training.cohorts.cohort import DAY, HONEST, PERIOD, WEIGHT, need_both_outcomes
from xinheng.training.cohorts.material import Material, material_of
from xinheng.training.cohorts.task import Label, load_task, task_files
from xinheng.training.cohorts.unvisited import FOUND, unvisited
from xinheng.training.control.versions import evaluation_of, version
from xinheng.training.judging.baselines import scorecard, scorecard_points
from xinheng.training.judging.contract import broken_at, class_rates, missed_in_a, rate
from xinheng.training.judging.evaluate import (
    Visits,
    lift_at_capacity,
    precision_at_capacity,
    recall_at_capacity,
)
from xinheng.training.judging.groups import group_report
from xinheng.training.judging.probes import PRESENCE, VALUES, late_rows, shuffled, suspects

CUTS = (200.0, 500.0, 750.0)


@pytest.fixture(scope="module")
def reports(city: CityHome) -> Material:
    return material_of(city.home, load_task("annual_report"), None, lambda _: None)


def test_a_planted_column_that_leaks_is_named(reports: Material) -> None:
    rows, features = reports.of("train")
    label = rows["label"].to_numpy()
    names = {column.name: column.indicator.id for column in reports.columns}
    assert suspects(features, label, names) == []
    noise = np.random.default_rng(1).random(label.size)
    planted = features.with_columns(planted=pl.Series(label + 0.2 * noise))
    found = suspects(planted, label, names | {"planted": "planted"})
    assert [one.column for one in found] == ["planted"]
    assert found[0].auc == 1.0
    assert found[0].why == VALUES


def test_a_value_that_is_there_only_after_the_outcome_is_named(reports: Material) -> None:
    rows, features = reports.of("train")
    label = rows["label"].to_numpy()
    names = {column.name: column.indicator.id for column in reports.columns}
    told = features.with_columns(paid_on=pl.when(pl.Series(label) == 0).then(1.0))
    found = suspects(told, label, names | {"paid_on": "paid_on"})
    assert [(one.column, one.why) for one in found] == [("paid_on", PRESENCE)]


def test_a_row_asked_about_after_its_event_is_counted(reports: Material) -> None:
    assert late_rows(reports) == 0
    wrong = pl.when(pl.int_range(pl.len()) < 7).then(pl.col("event_at") + timedelta(hours=1))
    visits = reports.visits.with_columns(wrong.otherwise("as_of").alias("as_of"))
    assert late_rows(replace(reports, visits=visits)) == 7


def test_labels_dealt_anew_say_nothing(reports: Material) -> None:
    assert shuffled(reports).is_chance


@given(st.integers(1, 500), st.floats(0, 1))
def test_a_wilson_interval_holds_its_share(cases: int, share: float) -> None:
    found = rate(cases, round(share * cases))
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_the_contract_names_where_problems_fall() -> None:
    score = np.repeat([100.0, 300.0, 600.0, 900.0], 10)
    label = np.concatenate([np.arange(10) < n for n in (1, 4, 2, 8)]).astype(float)
    rates = class_rates(score, label, CUTS)
    assert [one.problems for one in rates.values()] == [1, 4, 2, 8]
    assert broken_at(rates) == ["B > C"]
    assert missed_in_a(rates) == pytest.approx(1 / 15)
    assert broken_at(class_rates(score, np.sort(label), CUTS)) == []


def test_a_group_with_more_false_alarms_is_over_only_beyond_chance() -> None:
    rng = np.random.default_rng(2)
    groups = pl.DataFrame({"district": np.repeat(["a", "b", "c"], [2_000, 400, 40])})
    told = groups["district"].to_numpy()
    label = (rng.random(2_440) < 0.2).astype(float)
    chance = np.select([told == "a", told == "b"], [0.1, 0.3], 0.9)
    found = group_report(label, rng.random(2_440) < chance, groups)
    assert {one.name: one.is_over for one in found} == {"a": False, "b": True, "c": False}
    times = {one.name: one.times_average for one in found}
    assert times["b"] is not None
    assert times["b"] > 1.5
    assert [one.name for one in found if one.is_small] == ["c"]


def test_a_share_of_nothing_is_not_told_and_small_groups_are_named() -> None:
    groups = pl.DataFrame(
        {"district": np.repeat(["both", "clean", "guilty", "few"], [80, 60, 55, 9])}
    )
    label = np.r_[np.arange(80) % 2, np.zeros(60), np.ones(55), np.arange(9) % 2].astype(float)
    flagged = np.arange(204) % 3 == 0
    found = {one.name: one for one in group_report(label, flagged, groups)}
    assert found["clean"].missed is None
    assert found["clean"].false_alarms == pytest.approx(1 / 3)
    assert (found["guilty"].false_alarms, found["guilty"].times_average) == (None, None)
    assert found["guilty"].missed == pytest.approx(2 / 3, abs=0.02)
    assert not found["guilty"].is_over
    few = found["few"]
    assert (few.cases, few.is_small, few.missed, few.false_alarms) == (9, True, None, None)
    assert None not in (found["both"].missed, found["both"].false_alarms)


def test_figures_at_capacity_are_counts_among_the_riskiest() -> None:
    rng = np.random.default_rng(0)
    label = np.array([1.0, 0, 1, 0, 0, 0, 0, 0, 0, 1])
    visits = Visits(label, np.zeros(10, int), np.arange(10)[::-1].astype(float), capacity=0.3)
    assert precision_at_capacity(visits, rng) == pytest.approx(2 / 3)
    assert recall_at_capacity(visits, rng) == pytest.approx(2 / 3)
    assert lift_at_capacity(visits, rng) == pytest.approx((2 / 3) / 0.3)


def test_the_scorecard_names_columns_that_exist_and_adds_its_points() -> None:
    names = {column.name for column in feature_columns(catalogue().values())}
    for item in scorecard():
        assert item.column in names
        assert len(item.at) == len(item.points)
        assert list(item.at) == sorted(item.at)
    told = pl.DataFrame({"penalty_count_365d": [0.0, 1.0, 3.0, 9.0, None]})
    assert scorecard_points(told).tolist() == [0.0, 40.0, 70.0, 100.0, 0.0]


def test_weights_are_the_inverse_of_the_selection_clipped(city: CityHome) -> None:
    task = load_task("risk_class")
    material = material_of(
        city.home, load_task("risk_class", city.home.tasks), None, lambda _: None
    )
    chance = pl.col("selection_prob").cast(pl.Float64)
    wanted = material.visits.select((1 / chance).clip(1, 10).fill_null(1.0)).to_series()
    assert material.visits[WEIGHT].to_list() == pytest.approx(wanted.to_list())
    assert task.honest == "selection_reason = 'random_draw'"


def test_periods_do_not_overlap_and_outcomes_have_matured(city: CityHome) -> None:
    task = load_task("risk_class", city.home.tasks)
    material = material_of(city.home, task, NOW - timedelta(days=30), lambda _: None)
    train, test = (material.of(name)[0][DAY] for name in ("train", "test"))
    assert train.max() < test.min()  # type: ignore[operator]
    matured = NOW - timedelta(days=30 + task.cohort.maturation_days)
    assert material.visits["event_at"].max() <= matured  # type: ignore[operator]
    assert (material.visits["as_of"] <= material.visits["event_at"]).all()
    assert set(material.visits[PERIOD]) == {"train", "test"}
    assert material.visits[HONEST].all()


def test_the_second_time_features_are_read_not_computed(city: CityHome) -> None:
    steps: list[str] = []
    task = load_task("annual_report")
    material_of(city.home, task, None, steps.append)
    assert any("read from" in step for step in steps)


@pytest.mark.parametrize("name", sorted(task_files()))
def test_every_delivered_task_can_be_read_and_uses_no_forbidden_input(name: str) -> None:
    task = load_task(name)
    columns = {column.name for column in feature_columns(task.inputs.indicators())}
    assert columns
    clocks = {"ar_open_flag", "penalty_days_to_due"}
    assert bool(columns & clocks) == (not task.classified)


FORBIDDEN = (
    "sex", "gender", "ethnic", "religio", "native", "household_reg", "political", "health",
    "family", "ownership", "domicile", "selection_reason", "selection_prob", "risk_class",
    "score_last", "alerts_sent", "region", "district",
)  # fmt: skip
"""Domain README, sections 2 and 13."""


def test_no_model_has_a_forbidden_input(city: CityHome) -> None:
    columns = [
        column
        for name in task_files()
        for column in feature_columns(load_task(name).inputs.indicators())
    ]
    for column in columns:
        said = f"{column.name} {column.indicator.value.text}".lower()
        if column.indicator.id == "industry_problem_rate":  # counts random draws of others
            said = said.replace("selection_reason = 'random_draw'", "")
        for word in FORBIDDEN:
            assert word not in said, (column.name, word)
    assert city.classes


def test_a_table_of_grades_is_read_from_the_gravest_down() -> None:
    label = Label(grades=("none", "minor", "grave"), graded={"grave": "a > 9", "minor": "a > 1"})
    rows = pl.DataFrame({"a": [0, 5, 20]})
    assert rows.select(pl.sql_expr(label.number)).to_series().to_list() == [0, 1, 2]
    assert rows.select(pl.sql_expr(label.problem)).to_series().to_list() == [False, True, True]
    with pytest.raises(ValueError, match="the gravest first"):
        Label(grades=("none", "minor", "grave"), graded={"minor": "a > 1", "grave": "a > 9"})


def test_firms_without_a_visit_are_judged_by_what_others_found(city: CityHome) -> None:
    lake, until = Lake(city.home.lake), NOW - timedelta(days=60)
    rows = unvisited(lake, until)
    assert 0 < rows["label"].sum() < rows.height
    visited = lake.rows("inspection").filter(pl.col("known_at") <= until).collect()
    withdrawn = visited.filter(pl.col("operation") == "withdraw")["source_record_no"]
    seen = visited.filter(~pl.col("source_record_no").is_in(withdrawn.implode()))
    assert not {*rows["uscc"]} & {*seen["uscc"]}
    assert (rows["as_of"] == until - timedelta(days=365)).all()
    bad = rows.filter(pl.col("label") == 1)["uscc"]
    events = pl.concat(
        [
            lake.rows(name).filter(pl.col("event_at") > until - timedelta(days=365)).select("uscc")
            for name in FOUND
        ]
    ).collect()
    assert {*bad} <= {*events["uscc"]}
    told = evaluation_of(version(city.home, city.classes))
    assert told["unvisited_cases"][0] > told["unvisited_cases"][1] > 0
    assert 0 < told["unvisited"]["auc"]["value"] < 1


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        pytest.param([], "0 rows and 0 problems", id="nothing"),
        pytest.param([0, 0, 0], "3 rows and 0 problems", id="no problem"),
        pytest.param([1, 1], "2 rows and 2 problems", id="nothing else"),
    ],
)
def test_a_period_of_one_outcome_ends_in_a_line(labels: list[int], told: str) -> None:
    rows = pl.DataFrame({"label": labels}, schema={"label": pl.Int64})
    with pytest.raises(BadMapping, match=f"the test period has {told}"):
        need_both_outcomes(rows, "the test period")
    need_both_outcomes(pl.DataFrame({"label": [0, 1]}), "the test period")
