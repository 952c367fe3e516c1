"""Boosters fitted on a Dask cluster by LightGBM's own estimators."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

from xinheng.features.indicator import FeatureColumn
from xinheng.models.calibration import Floats
from xinheng.models.ordered import balanced_thresholds, shares_at_least, slopes
from xinheng.training.cohorts.task import Settings
from xinheng.training.fitting.fit import Boost, Target, parameters

if TYPE_CHECKING:
    from distributed import Client

RENAMED = {
    "num_boost_round": "n_estimators",
    "num_leaves": "num_leaves",
    "min_data_in_leaf": "min_child_samples",
    "feature_fraction": "colsample_bytree",
    "bagging_fraction": "subsample",
    "bagging_freq": "subsample_freq",
    "lambda_l2": "reg_lambda",
    "seed": "random_state",
}
"""LightGBM's names by those of its estimators."""
DISTRIBUTED = {"tree_learner": "data", "monotone_constraints_method": "basic"}
"""Trees grow over the parts of all workers; the finer ways of holding directions do not."""


@dataclass(frozen=True, slots=True)
class FixedThresholds:
    """The cumulative-logit objective with thresholds that stay where they are.

    A worker sees its own rows only, so thresholds that follow the booster would differ between
    workers; slope and thresholds of the model are fitted afterwards as always.
    """

    thresholds: tuple[float, ...]

    def __call__(self, grade: Floats, log_odds: Floats, weight: Floats) -> tuple[Floats, Floats]:
        first, second = slopes(log_odds, grade.astype(np.int64), np.array(self.thresholds))
        return first * weight, second * weight


def on_cluster(client: Client) -> Boost:
    """Fit boosters on the workers of a client; the rows are dealt out among them."""

    def boost(
        inputs: Floats, target: Target, columns: Sequence[FeatureColumn], settings: Settings
    ) -> lgb.Booster:
        target = target.faded(settings.half_life_days)
        numbers, label, weight = (
            _dealt(client, one) for one in (inputs, _told(target), target.weights)
        )
        estimator = _estimator(target, client, columns, settings)
        names = [column.name for column in columns]
        categories = [column.name for column in columns if column.indicator.categorical]
        with warnings.catch_warnings():
            # each worker takes its own threads, and LightGBM says so every time
            warnings.filterwarnings("ignore", "Parameter n_jobs will be ignored")
            estimator.fit(
                numbers,
                label,
                sample_weight=weight,
                feature_name=names,
                categorical_feature=categories or "auto",
            )
        # ends as the booster of one machine does: without what belongs to the cluster
        return lgb.Booster(model_str=estimator.booster_.model_to_string())

    return boost


def _dealt(client: Client, values: Floats) -> Any:
    """An array in as many parts as there are workers, each of which already holds its own."""
    from dask import array  # noqa: PLC0415  (the extra `cluster`)
    from dask.delayed import delayed  # noqa: PLC0415

    workers = list(client.scheduler_info()["workers"])
    parts = [
        client.scatter(part, workers=[worker], hash=False)
        for part, worker in zip(np.array_split(values, len(workers)), workers, strict=True)
    ]
    sizes = [len(part) for part in np.array_split(np.arange(len(values)), len(workers))]
    return array.concatenate(
        [
            array.from_delayed(delayed(part), (size, *values.shape[1:]), values.dtype)
            for part, size in zip(parts, sizes, strict=True)
        ]
    )


def _told(target: Target) -> Floats:
    return target.label if target.grade is None else target.grade.astype(np.float64)


def _estimator(
    target: Target, client: Client, columns: Sequence[FeatureColumn], settings: Settings
) -> Any:
    named = parameters(columns, settings) | {"num_boost_round": settings.trees} | DISTRIBUTED
    told: dict[str, Any] = {RENAMED.get(name, name): value for name, value in named.items()}
    if target.grade is None:
        return lgb.DaskLGBMClassifier(client=client, **told)
    shares = shares_at_least(target.grade, len(target.names), target.weight)
    thresholds = balanced_thresholds(np.zeros(1), shares)
    objective: Any = FixedThresholds(tuple(thresholds.tolist()))
    return lgb.DaskLGBMRegressor(client=client, objective=objective, **told)
