"""Boosters of a real Dask cluster are as good as those of one machine."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.cities import NOW, CityHome
from xinheng.features.store.work import dask_client
from xinheng.models.artifact import matrix
from xinheng.models.ordered import slopes
from xinheng.training.cohorts.material import material_of
from xinheng.training.cohorts.task import load_task
from xinheng.training.control.runs import Wish, train_task
from xinheng.training.fitting.cluster import FixedThresholds, on_cluster
from xinheng.training.fitting.fit import Target, fit_booster, usable_columns


def test_a_cluster_of_two_workers_ranks_as_one_machine(city: CityHome) -> None:
    task = load_task("annual_report")
    material = material_of(city.home, task, None, lambda _: None)
    rows, features = material.of("train")
    used = usable_columns(material.columns, features)
    names = [column.name for column in used]
    numbers, target = matrix(features, names), Target.of(rows, task)
    late, known = material.of("test")
    label, asked = late["label"].to_numpy(), matrix(known, names)
    here = fit_booster(numbers, target, used, task.settings)
    with dask_client() as client:
        there = on_cluster(client)(numbers, target, used, task.settings)
    aucs = [roc_auc_score(label, one.predict(asked, raw_score=True)) for one in (here, there)]
    assert aucs[1] == pytest.approx(aucs[0], abs=0.03), "600 firms; on a town it is within 0.005"
    assert there.feature_name() == here.feature_name()


def test_training_on_a_cluster_keeps_a_version_like_any_other(city: CityHome) -> None:
    done = train_task(city.home, "annual_report", Wish(engine="dask"), at=NOW)
    assert done.trained.model.facts["engine"] == "dask"
    assert (done.folder / "booster.txt").exists()


def test_fixed_thresholds_have_the_slopes_of_the_objective() -> None:
    rng = np.random.default_rng(1)
    grade, raw = rng.integers(0, 3, 200), rng.normal(size=200)
    weight = rng.random(200) + 0.5
    fixed = FixedThresholds((0.2, 1.1))
    first, second = fixed(grade.astype(float), raw, weight)
    wanted = slopes(raw, grade, np.array([0.2, 1.1]))
    assert first == pytest.approx(wanted[0] * weight)
    assert second == pytest.approx(wanted[1] * weight)
