"""Fit the booster, calibrate it on later days it has not seen, and fix its score scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np
import polars as pl
from lightgbm.callback import CallbackEnv
from numpy.typing import NDArray

from xinheng.errors import BadMapping
from xinheng.features.declared import Inputs
from xinheng.features.indicator import FeatureColumn
from xinheng.models.artifact import RiskModel, matrix
from xinheng.models.calibration import (
    Calibration,
    Floats,
    Platt,
    ScoreScale,
    choose_calibration,
    fit_platt,
)
from xinheng.models.conformal import GradeSets, fit_sets
from xinheng.models.ordered import Grades, Ordered, fit_ordered, objective
from xinheng.training.cohorts.cohort import DAY, GRADE, HONEST, LABEL, WEIGHT, days_of
from xinheng.training.cohorts.task import Asked, Settings

Indices = NDArray[np.int64]
TOLD_TREES = 50
"""After so many trees the progress is told."""
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


def group_folds(groups: pl.Series, folds: int) -> Iterator[tuple[Indices, Indices]]:
    """Rows outside and inside each fold: a group is never parted, sizes are about equal.

    For outcomes that time does not part, such as registers that keep the latest rating only.
    """
    sizes = groups.value_counts().sort("count", groups.name, descending=[True, False])
    place, load = {}, np.zeros(folds, dtype=np.int64)
    for name, size in sizes.iter_rows():
        place[name] = int(load.argmin())
        load[place[name]] += size
    own = groups.replace_strict(place, return_dtype=pl.Int64).to_numpy()
    for fold in range(folds):
        yield np.flatnonzero(own != fold), np.flatnonzero(own == fold)


def folds_of(asked: Asked, rows: pl.DataFrame, settings: Settings) -> list[tuple[Indices, Indices]]:
    """Rolling origins in time, or folds of whole groups where the task names a column."""
    if asked.groups:
        return list(group_folds(rows[asked.groups], settings.folds))
    return list(rolling_origins(rows[DAY], settings.folds))


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be foretold: a problem or none, with grades also how grave; all `(n,)`."""

    label: Floats
    grade: Grades | None = None
    names: tuple[str, ...] = ()
    """Of the grades, the best first."""
    weight: Floats | None = None
    """Inverse-propensity weights; None: all alike."""
    honest: NDArray[np.bool_] | None = None
    """Rows of which figures are told; None: all."""
    day: Indices | None = None
    """Whole days of the rows; None: of the same day."""

    @classmethod
    def of(cls, rows: pl.DataFrame, asked: Asked) -> Target:
        """The labels of a cohort."""
        grade = rows[GRADE].to_numpy() if asked.label.grades else None
        weight = rows[WEIGHT].to_numpy() if asked.weights else None
        return cls(
            rows[LABEL].to_numpy(),
            grade,
            asked.label.grades,
            weight,
            rows[HONEST].to_numpy(),
            days_of(rows),
        )

    def take(self, rows: Indices | NDArray[np.bool_]) -> Target:
        return Target(
            self.label[rows],
            None if self.grade is None else self.grade[rows],
            self.names,
            None if self.weight is None else self.weight[rows],
            None if self.honest is None else self.honest[rows],
            None if self.day is None else self.day[rows],
        )

    def faded(self, half_life_days: int) -> Target:
        """The same with older rows counting less, 1 on average; 0 days: as it is."""
        if half_life_days == 0 or self.day is None:
            return self
        weight = self.weights * 0.5 ** ((self.day.max() - self.day) / half_life_days)
        return replace(self, weight=weight / weight.mean() * self.weights.mean())

    @property
    def is_whole(self) -> bool:
        """Whether every outcome occurs."""
        told = self.label if self.grade is None else self.grade
        return np.unique(told).size == max(2, len(self.names))

    @property
    def weights(self) -> Floats:
        """The weights, ones where all are alike."""
        return np.ones_like(self.label) if self.weight is None else self.weight

    @property
    def objective(self) -> object:
        """For LightGBM."""
        if self.grade is None:
            return "binary"
        return objective(self.grade, len(self.names), self.weight)


def fit_booster(
    inputs: Floats,
    target: Target,
    columns: Sequence[FeatureColumn],
    settings: Settings,
    *,
    on_step: Callable[[str], None] = lambda _: None,
) -> lgb.Booster:
    """LightGBM with the catalogue's directions as constraints; the same seed, the same bits.

    A category has no direction.
    """

    def after_tree(told: CallbackEnv) -> None:
        done = told.iteration + 1
        if done % TOLD_TREES == 0:
            on_step(f"tree {done} of {told.end_iteration}")

    target = target.faded(settings.half_life_days)
    names = [column.name for column in columns]
    categories = [column.name for column in columns if column.indicator.categorical]
    data = lgb.Dataset(
        inputs,
        target.label,
        weight=target.weight,
        feature_name=names,
        categorical_feature=categories,
        params={"verbosity": -1},
    )
    told = parameters(columns, settings) | {"objective": target.objective}
    return lgb.train(told, data, num_boost_round=settings.trees, callbacks=[after_tree])


Boost = Callable[[Floats, Target, Sequence[FeatureColumn], Settings], lgb.Booster]
"""How a booster is fitted: on this machine, or on a cluster."""


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
        "monotone_constraints_method": "basic",  # the others break some directions
        "seed": settings.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def out_of_time(  # noqa: PLR0913  (as `fit_model`)
    inputs: Floats,
    target: Target,
    folds: Sequence[tuple[Indices, Indices]],
    columns: Sequence[FeatureColumn],
    settings: Settings,
    *,
    boost: Boost = fit_booster,
    on_step: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[Indices, Floats]]:
    """Log-odds of each fold's later rows, from a booster that saw only the earlier ones."""
    for number, (fit, check) in enumerate(folds, start=1):
        on_step(f"rolling origin {number} of {len(folds)}")
        if not target.take(fit).is_whole:
            continue
        booster = boost(inputs[fit], target.take(fit), columns, settings)
        yield check, np.asarray(booster.predict(inputs[check], raw_score=True), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Unseen:
    """One rolling-origin stretch: rows, their outcomes and the log-odds foretold for them."""

    rows: Indices
    target: Target
    log_odds: Floats


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model of the training rows, and what it foretold for later stretches of them."""

    model: RiskModel
    unseen: tuple[Unseen, ...]


def fit_model(  # noqa: PLR0913  (the edges of one training run)
    features: pl.DataFrame,
    target: Target,
    folds: Sequence[tuple[Indices, Indices]],
    columns: Sequence[FeatureColumn],
    settings: Settings,
    *,
    scale: Callable[[Floats], ScoreScale],
    inputs: Inputs,
    facts: dict[str, object],
    boost: Boost = fit_booster,
    on_step: Callable[[str], None] = lambda _: None,
) -> Fitted:
    """A calibrated model of the training rows; its version is named when its scale is fixed."""
    used = usable_columns(columns, features)
    numbers = matrix(features, [column.name for column in used])
    stretches = out_of_time(numbers, target, folds, used, settings, boost=boost, on_step=on_step)
    unseen = tuple(Unseen(rows, target.take(rows), raw) for rows, raw in stretches)
    calibrated = _calibrated(unseen)
    on_step("fitting on the whole training period")
    booster = boost(numbers, target, used, settings)
    raw = np.asarray(booster.predict(numbers, raw_score=True), dtype=np.float64)
    model = RiskModel(
        version="",
        booster=booster,
        columns=used,
        calibration=calibrated.calibration,
        scale=scale(calibrated.calibration.probability(raw)),
        inputs=inputs,
        ordered=calibrated.ordered,
        sets=calibrated.sets,
        facts={**facts, "calibration_log_loss": calibrated.losses},
    )
    return Fitted(model, unseen)


@dataclass(frozen=True, slots=True)
class _Calibrated:
    calibration: Calibration
    ordered: Ordered | None
    sets: GradeSets | None
    losses: dict[str, float]
    """Of each kind of calibration on the last stretch, where there was a choice."""


def _calibrated(unseen: Sequence[Unseen]) -> _Calibrated:
    """Calibration, thresholds and sets from the stretches, those of honest rows where there are."""
    chosen = [_honest(stretch) for stretch in unseen]
    found = _joined(chosen)
    if found is None or not found.target.is_whole:
        raise BadMapping(
            "the training period is too short to calibrate: no later half with every outcome",
            hint="lengthen [split] train",
        )
    target, raw = found.target, found.log_odds
    if target.grade is None:
        calibration, losses = _best(chosen, found)
        return _Calibrated(calibration, None, None, losses)
    ordered = fit_ordered(raw, target.grade, target.names, target.weight)
    sets = fit_sets(ordered.at_least(raw), target.grade)
    platt = Platt(ordered.slope, -ordered.thresholds[0])
    return _Calibrated(platt, ordered, sets, {})


def _honest(stretch: Unseen) -> Unseen:
    """Only the rows of which figures are told, without weights; all if an outcome is missing."""
    if stretch.target.honest is None or stretch.target.honest.all():
        return stretch
    told = stretch.target.honest
    target = stretch.target.take(told)
    own = Target(target.label, target.grade, target.names)
    return Unseen(stretch.rows[told], own, stretch.log_odds[told]) if own.is_whole else stretch


def _joined(stretches: Sequence[Unseen]) -> Unseen | None:
    if not stretches:
        return None
    targets = [stretch.target for stretch in stretches]
    is_weighed = any(target.weight is not None for target in targets)
    return Unseen(
        np.concatenate([stretch.rows for stretch in stretches]),
        Target(
            np.concatenate([target.label for target in targets]),
            None
            if targets[0].grade is None
            else np.concatenate([target.grade for target in targets if target.grade is not None]),
            targets[0].names,
            np.concatenate([target.weights for target in targets]) if is_weighed else None,
        ),
        np.concatenate([stretch.log_odds for stretch in stretches]),
    )


def _best(stretches: Sequence[Unseen], all_of: Unseen) -> tuple[Calibration, dict[str, float]]:
    """Of several kinds the one that told the last stretch best; Platt where there is one only."""
    earlier, later = _joined(stretches[:-1]), stretches[-1]
    if earlier is None or not (earlier.target.is_whole and later.target.is_whole):
        return fit_platt(all_of.log_odds, all_of.target.label, all_of.target.weight), {}
    first, second = (
        (one.log_odds, one.target.label, one.target.weights) for one in (earlier, later)
    )
    return choose_calibration(first, second)
