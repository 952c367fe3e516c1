from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shap
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import TownRun
from xinheng.errors import NotReady
from xinheng.models.artifact import live_version, load_model, make_live, matrix, save_model
from xinheng.models.calibration import Platt, fit_platt, fit_scale
from xinheng.models.reasons.reason import explain
from xinheng.models.score import score

SHARES, CUTS = (0.60, 0.27, 0.09), (200.0, 500.0, 750.0)


@pytest.fixture(scope="module")
def rows(town: TownRun) -> pl.DataFrame:
    return town.prepared.of("test")[1].head(60)


def test_reasons_are_exact_treeshap_and_add_up(town: TownRun, rows: pl.DataFrame) -> None:
    model = town.outcome.model
    ours = model.contributions(rows)
    explainer = shap.TreeExplainer(model.booster, feature_perturbation="tree_path_dependent")
    with pytest.warns(UserWarning, match="output has changed"):
        theirs = np.asarray(explainer.shap_values(matrix(rows, model.names)))
    assert np.abs(ours[:, :-1] - theirs).max() < 1e-6
    assert np.abs(ours.sum(axis=1) - model.log_odds(rows)).max() < 1e-9


def test_windows_of_one_indicator_are_added_up(town: TownRun, rows: pl.DataFrame) -> None:
    model = town.outcome.model
    log_odds = model.log_odds(rows)
    for explanation, expected in zip(explain(model, rows), log_odds, strict=True):
        pushes = [reason.contribution for reason in explanation.reasons]
        assert explanation.base_value + sum(pushes) == pytest.approx(expected, abs=1e-9)
        assert pushes == sorted(pushes, key=abs, reverse=True)
        ids = [reason.indicator for reason in explanation.reasons]
        assert len(ids) == len(set(ids))
        for reason in explanation.reasons:
            parts = [window.contribution for window in reason.windows]
            assert reason.contribution == pytest.approx(sum(parts))
            assert ("推高" in reason.sentence_zh) == (reason.contribution > 0)
            assert ("raises" in reason.sentence_en) == (reason.contribution > 0)


def test_worsening_an_indicator_never_lowers_the_score(town: TownRun, rows: pl.DataFrame) -> None:
    model = town.outcome.model
    before = score(model, rows)["score"].to_numpy()
    directed = [column for column in model.columns if column.monotone]
    assert directed
    for column in directed:
        worse = rows.with_columns(pl.col(column.name) + 3.0 * column.monotone)
        after = score(model, worse)["score"].to_numpy()
        known = rows[column.name].is_not_null().to_numpy()
        assert (after[known] >= before[known]).all(), column.name


def test_a_saved_model_gives_the_same_bits(
    town: TownRun, rows: pl.DataFrame, tmp_path: Path
) -> None:
    model = town.outcome.model
    again = load_model(save_model(model, tmp_path))
    make_live(tmp_path, model.version)
    assert live_version(tmp_path) == model.version
    assert again.names == model.names
    assert again.facts == model.facts
    assert score(again, rows).equals(score(model, rows))
    assert (again.contributions(rows) == model.contributions(rows)).all()


def test_a_model_whose_indicator_is_gone_says_so(town: TownRun, tmp_path: Path) -> None:
    folder = save_model(town.outcome.model, tmp_path)
    text = (folder / "model.json").read_text(encoding="utf-8")
    (folder / "model.json").write_text(
        text.replace('"age_days"', '"age_dayz"', 1), encoding="utf-8"
    )
    with pytest.raises(NotReady, match="needs column age_dayz"):
        load_model(folder)


def test_without_a_live_model_the_next_step_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="xinheng study run"):
        live_version(tmp_path)


def test_calibration_recovers_a_known_distortion() -> None:
    rng = np.random.default_rng(5)
    true = rng.normal(-1.5, 1.0, 40_000)
    label = (rng.random(true.size) < 1 / (1 + np.exp(-true))).astype(float)
    found = fit_platt(2.0 * true + 1.0, label)
    assert found.slope == pytest.approx(0.5, abs=0.02)
    assert found.intercept == pytest.approx(-0.5, abs=0.05)


def test_a_model_no_better_than_chance_keeps_a_rising_scale_and_the_base_rate() -> None:
    rng = np.random.default_rng(6)
    noise = rng.normal(size=5_000)
    label = (noise < -1).astype(float)
    found = fit_platt(noise, label)
    assert found.slope > 0
    assert found.probability(noise).mean() == pytest.approx(label.mean(), abs=0.01)


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.floats(0.1, 3.0))
def test_the_scale_gives_the_shares_and_keeps_the_order(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    raw = rng.normal(-2, spread, 2_000)
    probability = Platt(1.0, 0.0).probability(raw)
    scale = fit_scale(probability, CUTS, SHARES)
    told = scale.score(probability)
    order = np.argsort(probability)
    assert (np.diff(told[order]) >= 0).all()
    assert told.min() >= 0
    assert told.max() <= 1000
    assert np.mean(told < 200) == pytest.approx(0.60, abs=0.005)
    assert np.mean(told >= 750) == pytest.approx(0.04, abs=0.005)


def test_a_model_with_one_probability_still_has_a_scale() -> None:
    scale = fit_scale(np.full(100, 0.2), CUTS, SHARES)
    assert scale.score(np.array([0.0, 0.2, 1.0])).tolist() == [0.0, 200.0, 1000.0]


def test_missing_values_are_not_zero(rows: pl.DataFrame) -> None:
    numbers = matrix(rows.with_columns(age_days=pl.lit(None)), ["age_days"])
    assert np.isnan(numbers).all()
