"""Ordered outcomes: one booster with thresholds beside the ways it could be done otherwise.

python benchmarks/ordered.py studies/toronto_dinesafe --data PATH [--trees 300]

The rolling origins of a study's training period; its test period is not read. Every way tells each
grade as often as it occurred before, by its expected grade.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import lightgbm as lgb
import numpy as np
from sklearn.metrics import log_loss

from xinheng.config import Home
from xinheng.models.artifact import matrix
from xinheng.models.ordered import (
    Floats,
    Grades,
    balanced_thresholds,
    even_cuts,
    grade_probabilities,
    objective,
    shares_at_least,
    sigmoid,
)
from xinheng.training.cohorts.cohort import DAY, GRADE
from xinheng.training.fitting.fit import parameters, rolling_origins, usable_columns
from xinheng.training.judging.evaluate import quadratic_kappa
from xinheng.training.studies.run import prepare
from xinheng.training.studies.study import load_study

TAKEN_IN = datetime(2026, 1, 1, tzinfo=UTC)
Way = Callable[[dict[str, object], Floats, Grades, Floats, int], tuple[Floats, int]]
"""Grade probabilities of rows not seen, and the number of trees."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--trees", type=int, default=0, help="by default those of the study")
    chosen = parser.parse_args()
    study = load_study(chosen.study)
    grades = len(study.label.grades)
    with tempfile.TemporaryDirectory() as home:
        prepared = prepare(chosen.study, chosen.data, Home(Path(home)), at=TAKEN_IN)
    train, features = prepared.of("train")
    used = usable_columns(prepared.columns, features)
    inputs, grade = matrix(features, [c.name for c in used]), train[GRADE].to_numpy()
    settings = parameters(used, study.settings) | {"num_threads": 2}
    trees = chosen.trees or study.settings.trees
    print(f"{study.name}: {len(grade):,} rows, grades {np.bincount(grade).tolist()}")
    print(f"{'':<34}{'kappa':>8}{'log loss':>10}{'trees':>8}{'seconds':>9}")
    for name, way in WAYS.items():
        kappas, losses, begun, size = [], [], time.perf_counter(), 0
        for fit, check in rolling_origins(train[DAY], study.settings.folds):
            told, size = way(settings | {"num_iterations": trees}, inputs[fit], grade[fit],
                             inputs[check], grades)  # fmt: skip
            expected = told @ np.arange(grades)
            cuts = even_cuts(expected, shares_at_least(grade[fit], grades))
            found = np.searchsorted(cuts, expected, side="right")
            kappas.append(quadratic_kappa(grade[check], found))
            losses.append(log_loss(grade[check], told, labels=range(grades)))
        spent = time.perf_counter() - begun
        print(f"{name:<34}{np.mean(kappas):8.3f}{np.mean(losses):10.4f}{size:8d}{spent:9.1f}")


def ordered(
    settings: dict[str, object], inputs: Floats, grade: Grades, unseen: Floats, grades: int
) -> tuple[Floats, int]:
    own = settings | {"objective": objective(grade, grades)}
    booster = lgb.train(own, lgb.Dataset(inputs, grade))
    raw = np.asarray(booster.predict(inputs, raw_score=True))
    thresholds = balanced_thresholds(raw, shares_at_least(grade, grades))
    told = sigmoid(np.asarray(booster.predict(unseen, raw_score=True))[:, None] - thresholds)
    return grade_probabilities(told), booster.num_trees()


def multiclass(
    settings: dict[str, object], inputs: Floats, grade: Grades, unseen: Floats, grades: int
) -> tuple[Floats, int]:
    own = settings | {"objective": "multiclass", "num_class": grades}
    own |= {"monotone_constraints_method": "basic"}
    booster = lgb.train(own, lgb.Dataset(inputs, grade))
    return np.asarray(booster.predict(unseen)), booster.num_trees()


def binaries(
    settings: dict[str, object], inputs: Floats, grade: Grades, unseen: Floats, grades: int
) -> tuple[Floats, int]:
    """One booster for each "at least grade k"; made to fall where they cross."""
    own, told, trees = settings | {"objective": "binary"}, [], 0
    for k in range(1, grades):
        booster = lgb.train(own, lgb.Dataset(inputs, (grade >= k).astype(np.float64)))
        told.append(np.asarray(booster.predict(unseen)))
        trees += booster.num_trees()
    falling = np.minimum.accumulate(np.stack(told, axis=1), axis=1)
    return grade_probabilities(falling), trees


def regression(
    settings: dict[str, object], inputs: Floats, grade: Grades, unseen: Floats, grades: int
) -> tuple[Floats, int]:
    """Least squares on the number of the grade; thresholds around its value afterwards."""
    own = settings | {"objective": "regression"}
    booster = lgb.train(own, lgb.Dataset(inputs, grade.astype(np.float64)))
    seen, value = (np.asarray(booster.predict(rows)) for rows in (inputs, unseen))
    spread = max(float(seen.std()), 1e-6)
    thresholds = balanced_thresholds(seen / spread, shares_at_least(grade, grades))
    return grade_probabilities(sigmoid(value[:, None] / spread - thresholds)), booster.num_trees()


WAYS: Mapping[str, Way] = {
    "one booster, cumulative logit": ordered,
    "multiclass": multiclass,
    "a binary booster a threshold": binaries,
    "regression with thresholds": regression,
}


if __name__ == "__main__":
    main()
