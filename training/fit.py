"""Fit the booster, calibrate it on later days it has not seen, and fix its score scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from xinheng.errors import BadMapping
from xinheng.features.declared import Inputs
from xinheng.features.indicator import FeatureColumn
from xinheng.models.artifact import RiskModel, matrix
from xinheng.models.calibration import Calibration, Floats, ScoreScale, fit_calibration
from xinheng.models.ordered import Grades, Ordered, fit_ordered, objective
from xinheng.training.cohort import GRADE, LABEL
from xinheng.training.study import Settings, Study

Indices = NDArray[np.int64]
FIRST_ORIGIN = 0.5
"""Share of the training rows before the first rolling origin."""


def usable_columns(
    columns: Sequence[FeatureColumn], features: pl.DataFrame
) -> tuple[FeatureColumn, ...]:
    """Columns that take two values or more in the training rows; the others say nothing."""
    varied = features.select(pl.col(c.name).drop_nulls().n_unique() for c in columns).row(0)
    nulls = features.select(pl.col(c.name).null_count() for c in columns).row(0)
    some = [0 < missing < features.height for missing in nulls]
    return tuple(
        column
        for column, values, partly in zip(columns, varied, some, strict=True)
        if values + partly > 1
    )


def rolling_origins(days: pl.Series, folds: int) -> Iterator[tuple[Indices, Indices]]:
    """Rows before and after each origin: `(fit, check)`; a day is never split, time never mixed.

    The second half of the rows is cut into `folds` stretches of about equal size.
    """
    order = days.sort()
    edges = [
        order[int(len(order) * share)] for share in np.linspace(FIRST_ORIGIN, 1, folds + 1)[:-1]
    ]
    edges = sorted(set(edges))
    for number, edge in enumerate(edges):
        end = edges[number + 1] if number + 1 < len(edges) else None
        fit = (days < edge).to_numpy()
        check = (days >= edge).to_numpy() & (True if end is None else (days < end).to_numpy())
        if fit.any() and check.any():
            yield np.flatnonzero(fit), np.flatnonzero(check)


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be foretold: a problem or none, with grades also how grave."""

    label: Floats
    grade: Grades | None = None
    names: tuple[str, ...] = ()
    """Of the grades, the best first."""

    @classmethod
    def of(cls, visits: pl.DataFrame, study: Study) -> Target:
        """The labels of a cohort."""
        grade = visits[GRADE].to_numpy() if study.label.grades else None
        return cls(visits[LABEL].to_numpy(), grade, study.label.grades)

    def take(self, rows: Indices) -> Target:
        grade = None if self.grade is None else self.grade[rows]
        return Target(self.label[rows], grade, self.names)

    @property
    def is_whole(self) -> bool:
        """Whether every outcome occurs."""
        told = self.label if self.grade is None else self.grade
        return np.unique(told).size == max(2, len(self.names))

    @property
    def objective(self) -> object:
        """For LightGBM."""
        return "binary" if self.grade is None else objective(self.grade, len(self.names))


def fit_booster(
    inputs: Floats, target: Target, columns: Sequence[FeatureColumn], settings: Settings
) -> lgb.Booster:
    """LightGBM with the catalogue's directions as constraints; the same seed, the same bits.

    A category has no direction.
    """
    names = [column.name for column in columns]
    categories = [column.name for column in columns if column.indicator.categorical]
    data = lgb.Dataset(
        inputs,
        target.label,
        feature_name=names,
        categorical_feature=categories,
        params={"verbosity": -1},
    )
    told = parameters(columns, settings) | {"objective": target.objective}
    return lgb.train(told, data, num_boost_round=settings.trees)


def parameters(columns: Sequence[FeatureColumn], settings: Settings) -> dict[str, object]:
    """What LightGBM is told: settings, seed and the direction of each column."""
    directions = [0 if c.indicator.categorical else c.monotone for c in columns]
    return {
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "max_depth": settings.max_depth,
        "min_data_in_leaf": settings.min_rows_in_leaf,
        "feature_fraction": settings.feature_share,
        "bagging_fraction": settings.row_share,
        "bagging_freq": 1,
        "lambda_l2": settings.l2,
        "monotone_constraints": directions,
        "monotone_constraints_method": "advanced",
        "seed": settings.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def out_of_time(
    inputs: Floats,
    target: Target,
    days: pl.Series,
    columns: Sequence[FeatureColumn],
    settings: Settings,
    *,
    on_step: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[Indices, Floats]]:
    """Log-odds of each rolling-origin stretch, from a booster that saw only earlier days."""
    folds = list(rolling_origins(days, settings.folds))
    for number, (fit, check) in enumerate(folds, start=1):
        on_step(f"rolling origin {number} of {len(folds)}")
        if not target.take(fit).is_whole:
            continue
        booster = fit_booster(inputs[fit], target.take(fit), columns, settings)
        yield check, np.asarray(booster.predict(inputs[check], raw_score=True), dtype=np.float64)


def fit_model(  # noqa: PLR0913  (the edges of one training run)
    features: pl.DataFrame,
    target: Target,
    days: pl.Series,
    columns: Sequence[FeatureColumn],
    settings: Settings,
    *,
    scale: Callable[[Floats], ScoreScale],
    inputs: Inputs,
    facts: dict[str, object],
    on_step: Callable[[str], None] = lambda _: None,
) -> RiskModel:
    """A calibrated model of the training rows; its version is named when its scale is fixed."""
    used = usable_columns(columns, features)
    numbers = matrix(features, [column.name for column in used])
    unseen = list(out_of_time(numbers, target, days, used, settings, on_step=on_step))
    calibration, ordered = _calibrated(unseen, target)
    on_step("fitting on the whole training period")
    booster = fit_booster(numbers, target, used, settings)
    raw = np.asarray(booster.predict(numbers, raw_score=True), dtype=np.float64)
    return RiskModel(
        version="",
        booster=booster,
        columns=used,
        calibration=calibration,
        scale=scale(calibration.probability(raw)),
        inputs=inputs,
        ordered=ordered,
        facts=dict(facts),
    )


def _calibrated(
    unseen: Sequence[tuple[Indices, Floats]], target: Target
) -> tuple[Calibration, Ordered | None]:
    found = target.take(np.concatenate([np.empty(0, np.int64), *(rows for rows, _ in unseen)]))
    if not found.is_whole:
        raise BadMapping(
            "the training period is too short to calibrate: no later half with every outcome",
            hint="lengthen [split] train",
        )
    raw = np.concatenate([values for _, values in unseen])
    if found.grade is None:
        return fit_calibration(raw, found.label), None
    ordered = fit_ordered(raw, found.grade, found.names)
    return Calibration(ordered.slope, -ordered.thresholds[0]), ordered
