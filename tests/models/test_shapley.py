"""The tables give LightGBM's own TreeSHAP: numbers, zeros, categories, gaps, all trees."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinheng.errors import NotReady
from xinheng.models.reasons.shapley import contributions, tables_of
from xinheng.models.reasons.trees import Floats

ROWS, INPUTS = 400, 5
CATEGORY = 4
"""The input that is a category."""


def inputs_of(seed: int, rows: int = ROWS) -> Floats:
    """Numbers, zeros, gaps and categories beyond the ones that were trained."""
    rng = np.random.default_rng(seed)
    found = np.round(rng.normal(size=(rows, INPUTS)), 1)
    found[rng.random(found.shape) < 0.2] = 0.0
    found[rng.random(found.shape) < 0.15] = np.nan
    found[:, CATEGORY] = np.where(rng.random(rows) < 0.1, np.nan, rng.integers(-1, 90, rows))
    return found


def booster_of(inputs: Floats, seed: int, **told: object) -> lgb.Booster:
    rng = np.random.default_rng(seed)
    filled = np.nan_to_num(inputs)
    score = filled[:, 0] * filled[:, 1] + (filled[:, CATEGORY] % 3) + rng.normal(size=len(inputs))
    parameters = {
        "objective": "binary", "num_leaves": 31, "max_depth": 6, "min_data_in_leaf": 3,
        "min_data_per_group": 2, "cat_smooth": 1, "bagging_fraction": 0.7, "bagging_freq": 1,
        "seed": seed, "verbosity": -1, "deterministic": True, "force_row_wise": True,
    } | told  # fmt: skip
    shown = inputs.copy()
    shown[shown[:, CATEGORY] < 0, CATEGORY] = np.nan
    data = lgb.Dataset(
        shown, (score > score.mean()).astype(float), categorical_feature=[CATEGORY],
        params={"verbosity": -1, **{k: v for k, v in told.items() if "missing" in k}},
    )  # fmt: skip
    return lgb.train(parameters, data, num_boost_round=12)


@settings(deadline=None)
@given(
    seed=st.integers(0, 10**6),
    depth=st.integers(1, 6),
    leaves=st.integers(2, 64),
    missing=st.sampled_from([{}, {"use_missing": False}, {"zero_as_missing": True}]),
)
def test_the_tables_agree_with_lightgbm(
    seed: int, depth: int, leaves: int, missing: dict[str, object]
) -> None:
    inputs = inputs_of(seed)
    booster = booster_of(inputs, seed, max_depth=depth, num_leaves=leaves, **missing)
    others = inputs_of(seed + 1, rows=300)
    ours = contributions(tables_of(booster), others)
    assert np.abs(ours - booster.predict(others, pred_contrib=True)).max() < 1e-6
    raw = np.asarray(booster.predict(others, raw_score=True))
    assert np.abs(ours.sum(axis=1) - raw).max() < 1e-6


def test_a_model_that_learned_nothing_has_a_base_value_alone() -> None:
    inputs = inputs_of(1)
    booster = booster_of(inputs, 1, min_data_in_leaf=ROWS)
    told = contributions(tables_of(booster), inputs)
    assert (told[:, :-1] == 0).all()
    assert told[0, -1] == pytest.approx(np.asarray(booster.predict(inputs, raw_score=True))[0])


def test_a_row_has_the_same_reasons_alone_and_among_others_and_in_any_thread() -> None:
    inputs = inputs_of(2, rows=1000)
    tables = tables_of(booster_of(inputs, 2))
    whole = contributions(tables, inputs)
    with ThreadPoolExecutor(4) as threads:
        alone = list(threads.map(lambda i: contributions(tables, inputs[i : i + 1]), range(1000)))
    assert (np.concatenate(alone) == whole).all()


def test_trees_too_large_for_tables_say_how_to_train() -> None:
    inputs = inputs_of(3)
    booster = booster_of(inputs, 3, num_leaves=200, max_depth=-1, min_data_in_leaf=1)
    with pytest.raises(NotReady, match="max_depth 6"):
        tables_of(booster)


def test_leaves_that_one_pattern_tells_share_a_table_and_lose_nothing() -> None:
    """With many inputs a way hardly asks twice for one, so most leaves are guests."""
    rng = np.random.default_rng(11)
    inputs = rng.exponential(size=(2_000, 60))
    inputs[rng.random(inputs.shape) < 0.2] = np.nan
    score = np.nan_to_num(inputs)[:, :20].sum(axis=1) + rng.normal(size=2_000)
    told = {"objective": "binary", "num_leaves": 31, "max_depth": 6, "seed": 1, "verbosity": -1}
    data = lgb.Dataset(inputs, (score > np.median(score)).astype(float))
    booster = lgb.train(told, data, num_boost_round=40)
    tables = tables_of(booster)
    leaves = sum(tree["num_leaves"] for tree in booster.dump_model()["tree_info"])
    assert len(tables.trees.value) < 0.7 * leaves
    theirs = booster.predict(inputs, pred_contrib=True)
    assert np.abs(contributions(tables, inputs) - theirs).max() < 1e-9
    one_by_one = np.vstack([contributions(tables, inputs[i : i + 1]) for i in range(50)])
    assert np.abs(one_by_one - theirs[:50]).max() < 1e-9
