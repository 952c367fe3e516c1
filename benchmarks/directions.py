"""Ways to hold directions, and weights: `python benchmarks/directions.py HOME [TASK]`.

Each of LightGBM's ways of monotone constraints fits the training period of a task of the home's
lake; columns with a direction are worsened one by one in the random visits of the test period,
whose labels are not read. AUC is of the random visits in the last quarter of the training period,
by a booster of the rows before, with inverse-propensity weights and without.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np
from sklearn.metrics import roc_auc_score

from xinheng.config import Home
from xinheng.models.artifact import matrix
from xinheng.training.cohorts.material import material_of
from xinheng.training.cohorts.task import load_task
from xinheng.training.fitting.fit import Target, parameters, usable_columns

WAYS = ("basic", "intermediate", "advanced")
STEPS, ROWS = (0.5, 3.0), 300


def main() -> None:
    home = Home.at(Path(sys.argv[1]))
    task = load_task((sys.argv[2:] or ["risk_class"])[0], home.tasks)
    material = material_of(home, task, None, lambda _: None)
    rows, features = material.of("train")
    used = usable_columns(material.columns, features)
    names = [column.name for column in used]
    numbers, target = matrix(features, names), Target.of(rows, task)
    asked = matrix(material.of("test", honest=True)[1], names)[:ROWS]
    earlier = np.arange(int(0.75 * rows.height))
    later = np.arange(earlier.size, rows.height)
    assert target.honest is not None
    later = later[target.honest[later]]

    def fit(way: str, part: np.ndarray, own: Target) -> lgb.Booster:
        told = parameters(used, task.settings) | {"monotone_constraints_method": way}
        taken = own.take(part)
        data = lgb.Dataset(numbers[part], taken.label, weight=taken.weight)
        data.params = {"verbosity": -1}
        told |= {"objective": taken.objective}
        return lgb.train(told, data, num_boost_round=task.settings.trees)

    def auc(way: str, own: Target) -> float:
        foretold = fit(way, earlier, own).predict(numbers[later], raw_score=True)
        return float(roc_auc_score(target.label[later], foretold))

    print(f"{'':<14}{'seconds':>9}{'columns that fall':>19}{'by at most':>12}{'AUC':>8}{'bare':>8}")
    for way in WAYS:
        begun = time.perf_counter()
        booster = fit(way, np.arange(rows.height), target)
        spent = time.perf_counter() - begun
        falls = [_fall(booster, asked, place, one.monotone) for place, one in enumerate(used)]
        bad = [fall for fall in falls if fall > 1e-9]
        aucs = auc(way, target), auc(way, replace(target, weight=None))
        print(
            f"{way:<14}{spent:>9.1f}{len(bad):>19}{max(bad, default=0.0):>12.3f}"
            f"{aucs[0]:>8.3f}{aucs[1]:>8.3f}"
        )


def _fall(booster: lgb.Booster, asked: np.ndarray, place: int, direction: int) -> float:
    """By how much worsening a column lowers the log-odds of a row at most."""
    if direction == 0:
        return 0.0
    before, known = booster.predict(asked, raw_score=True), ~np.isnan(asked[:, place])
    worst = 0.0
    for step in STEPS:
        worse = asked.copy()
        worse[:, place] += step * direction
        fall = (before - booster.predict(worse, raw_score=True))[known]
        worst = max(worst, float(fall.max(initial=0.0)))
    return worst


if __name__ == "__main__":
    main()
