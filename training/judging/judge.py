"""The evaluation of one version on its test period: figures, baselines, classes, groups, probes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xinheng.config import ClassSettings
from xinheng.features.engine.compute import compute
from xinheng.models.artifact import RiskModel, matrix
from xinheng.models.calibration import Floats
from xinheng.models.score import class_of, score
from xinheng.training.cohorts.cohort import DAY, LABEL, days_of, need_both_outcomes
from xinheng.training.cohorts.material import Material
from xinheng.training.cohorts.task import Task
from xinheng.training.cohorts.unvisited import unvisited
from xinheng.training.fitting.fit import Target, usable_columns
from xinheng.training.judging.baselines import fit_logistic, scorecard_points, simple_rankers
from xinheng.training.judging.contract import (
    Rate,
    broken_at,
    class_rates,
    missed_in_a,
    rate,
)
from xinheng.training.judging.evaluate import BINS, Figure, Visits, figures
from xinheng.training.judging.groups import Group, group_report, strata
from xinheng.training.judging.probes import (
    Shuffled,
    Suspect,
    late_rows,
    looked_for,
    shuffled,
    suspects,
)

OURS, LOGISTIC, SCORECARD, ORACLE = "Xinheng", "logistic regression", "expert scorecard", "oracle"
NAMES = (
    "auc", "average_precision", "precision_at_capacity", "recall_at_capacity", "lift_at_capacity",
    "brier", "ece", "kappa",
)  # fmt: skip
RESAMPLES = 500
WATCHED_CLASS = 2
"""From class C on a firm is flagged in the report on groups."""


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of the calibration: a tenth of the cases by probability."""

    told: float
    found: Rate


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the duties of the test period that were open then."""

    cases: int
    problems: int
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the test period said of one version."""

    version: str
    period: str
    cases: int
    problems: int
    capacity: float
    rankers: Mapping[str, Mapping[str, Figure]]
    looks: Mapping[str, Look]
    """By hours before the deadline, what the earlier looks of a deadline model were worth."""
    bins: tuple[Bin, ...]
    classes: Mapping[str, Rate]
    """Empty for a model whose score becomes no class."""
    contract_broken_at: tuple[str, ...]
    missed_in_a: float
    set_coverage: Mapping[str, Rate]
    """Of each grade, how often it was in the set; empty without grades."""
    set_size: float
    groups: tuple[Group, ...]
    unvisited: Mapping[str, Figure]
    """Figures of firms that nobody visited, by the second label; empty without classes."""
    unvisited_cases: tuple[int, int]
    """How many such firms, and of how many something was found."""
    suspects: tuple[Suspect, ...]
    rows_after_event: int
    shuffled: Shuffled

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def ours(self) -> Mapping[str, Figure]:
        return self.rankers[OURS]


def judge(
    material: Material,
    model: RiskModel,
    classes: ClassSettings,
    *,
    chances: Callable[[pl.DataFrame], Floats] | None = None,
    resamples: int = RESAMPLES,
    on_step: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Read the test period of a task.

    Parameters
    ----------
    chances
        Of a made-up city: the true chance of each row, for the ceiling.
    """
    task = material.asked
    assert isinstance(task, Task)
    rows, features = _honest(material)
    scored = score(model, features)
    target = Target.of(rows, task)
    on_step(f"figures of {rows.height:,} cases")
    rankers = _rankers(material, model, chances, on_step)
    names = NAMES if task.cohort.of_duties else (*NAMES, "days_earlier")
    told = {
        name: figures(visits, seed=task.settings.seed, resamples=resamples, names=names)
        for name, visits in rankers.items()
    }
    on_step("classes, groups and probes")
    points, chance = scored["score"].to_numpy(), scored["probability"].to_numpy()
    rates = class_rates(points, target.label, classes.cuts) if task.classified else {}
    flagged = _flagged(model, points, chance, classes, classified=task.classified)
    groups = strata(material.lake, rows, material.until)
    coverage, size = _sets(model, scored, target)
    others, count = _unvisited(material, task, model, resamples)
    return Evaluation(
        version=model.version,
        period="..".join(map(str, (rows[DAY].min(), rows[DAY].max()))),
        cases=rows.height,
        problems=int(target.label.sum()),
        capacity=task.capacity,
        rankers=told,
        looks=_looks(material, model, resamples),
        bins=bins_of(target.label, chance),
        classes=rates,
        contract_broken_at=tuple(broken_at(rates)) if rates else (),
        missed_in_a=missed_in_a(rates) if rates else float("nan"),
        set_coverage=coverage,
        set_size=size,
        groups=tuple(group_report(target.label, flagged, groups)),
        unvisited=others,
        unvisited_cases=count,
        suspects=_suspects(material),
        rows_after_event=late_rows(material),
        shuffled=shuffled(material),
    )


def visits_of(material: Material, model: RiskModel) -> Visits:
    """The honest test rows as a version tells them."""
    return _told_by(material, model, *_honest(material))


def _honest(material: Material) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows and features of the test period of which figures are told."""
    rows, features = material.of("test", honest=True)
    need_both_outcomes(rows, "the part of the test period of which figures are told")
    return rows, features


def _told_by(
    material: Material, model: RiskModel, rows: pl.DataFrame, features: pl.DataFrame
) -> Visits:
    scored, target = score(model, features), Target.of(rows, material.asked)
    raw = scored["log_odds"].to_numpy()
    told = model.ordered.grade(raw) if model.ordered else None
    found = Visits(
        target.label, days_of(rows), raw, scored["probability"].to_numpy(), target.grade, told
    )
    asked = material.asked
    return replace(found, capacity=asked.capacity) if isinstance(asked, Task) else found


def _looks(material: Material, model: RiskModel, resamples: int) -> dict[str, Look]:
    """Figures of every look but the last, whose cases are those of the evaluation."""
    rows, features = material.of("test")
    names = ("auc", "average_precision", "precision_at_capacity", "recall_at_capacity", "ece")
    found = {}
    for hours in material.asked.cohort.earlier_hours:
        chosen = rows["look"] == hours
        visits = _told_by(material, model, rows.filter(chosen), features.filter(chosen))
        count = visits.label.size, int(visits.label.sum())
        if 0 < count[1] < count[0]:
            seed = material.asked.settings.seed
            found[str(hours)] = Look(
                *count, figures(visits, seed=seed, resamples=resamples, names=names)
            )
    return found


def _unvisited(
    material: Material, task: Task, model: RiskModel, resamples: int
) -> tuple[dict[str, Figure], tuple[int, int]]:
    """How the classes rank firms without a visit, by what became of them in the last year."""
    if not task.classified:
        return {}, (0, 0)
    until = material.until - timedelta(days=task.cohort.maturation_days)
    rows = unvisited(material.lake, until, sector=task.sector)
    label = rows["label"].to_numpy()
    count = rows.height, int(label.sum())
    if not 0 < label.sum() < label.size:
        return {}, count
    scored = score(model, compute(model.indicators, rows, material.lake))
    visits = Visits(
        label, np.zeros(label.size, np.int64), scored["log_odds"].to_numpy(),
        capacity=task.capacity,
    )  # fmt: skip
    names = ("auc", "average_precision", "precision_at_capacity", "lift_at_capacity")
    return figures(visits, seed=task.settings.seed, resamples=resamples, names=names), count


def _suspects(material: Material) -> tuple[Suspect, ...]:
    rows, features = material.of("train")
    return tuple(suspects(features, rows[LABEL].to_numpy(), looked_for(material)))


def _rankers(
    material: Material,
    model: RiskModel,
    chances: Callable[[pl.DataFrame], Floats] | None,
    on_step: Callable[[str], None],
) -> dict[str, Visits]:
    """Ours, what a city has today, plain statistics, simple orders and the ceiling."""
    task = material.asked
    assert isinstance(task, Task)
    rows, features = _honest(material)
    ours = visits_of(material, model)
    bare = replace(ours, probability=None, told=None)
    found = {OURS: ours, SCORECARD: replace(bare, score=scorecard_points(features))}
    on_step("logistic regression")
    chance = _logistic(material, features)
    found[LOGISTIC] = replace(bare, score=chance, probability=chance)
    on_step("simple rankers")
    if not task.cohort.of_duties:
        for name, ranking in simple_rankers(task, rows, material.lake).items():
            found[name] = replace(bare, score=ranking)
    if chances is not None:
        true = chances(rows)
        found[ORACLE] = replace(bare, score=true, probability=true)
    return found


def _logistic(material: Material, features: pl.DataFrame) -> Floats:
    rows, known = material.of("train")
    target = Target.of(rows, material.asked)
    names = [column.name for column in usable_columns(material.columns, known)]
    seed = material.asked.settings.seed
    fitted = fit_logistic(matrix(known, names), target.label, target.weights, seed=seed)
    return np.asarray(fitted.predict_proba(matrix(features, names))[:, 1], dtype=np.float64)


def _flagged(
    model: RiskModel, points: Floats, chance: Floats, classes: ClassSettings, *, classified: bool
) -> NDArray[np.bool_]:
    """Who would be looked at: classes C and D, or probabilities within the alert budget."""
    if classified:
        return class_of(points, classes.cuts) >= WATCHED_CLASS
    return np.asarray(chance >= (model.alert_at or 1.0))


def bins_of(label: Floats, chance: Floats) -> tuple[Bin, ...]:
    """Told and found in ten bins of equal size."""
    parts = np.array_split(np.argsort(chance, kind="stable"), BINS)
    return tuple(
        Bin(float(chance[part].mean()), rate(part.size, int(label[part].sum())))
        for part in parts
        if part.size
    )


def _sets(model: RiskModel, scored: pl.DataFrame, target: Target) -> tuple[dict[str, Rate], float]:
    """How often the set held the true grade, by grade, and how many grades it names."""
    if model.sets is None or model.ordered is None or target.grade is None:
        return {}, float("nan")
    holds = model.sets.holds(model.ordered.at_least(scored["log_odds"].to_numpy()))
    held = holds[np.arange(len(holds)), target.grade]
    coverage = {
        name: rate(int((target.grade == n).sum()), int(held[target.grade == n].sum()))
        for n, name in enumerate(target.names)
    }
    return coverage, float(holds.sum(axis=1).mean())
