"""The watch over a live version: population, coverage, scores, classes, sources and outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl

from xinheng.config import Home, WatchSettings
from xinheng.errors import NotReady
from xinheng.features.engine.compute import compute
from xinheng.features.population import sector_population
from xinheng.models.artifact import RiskModel, load_model
from xinheng.models.calibration import Floats
from xinheng.models.promotions import Promotions
from xinheng.models.score import LETTERS, class_of, score
from xinheng.records.lake import Lake
from xinheng.records.tables import tables
from xinheng.training.cohorts.cohort import DAY, HONEST
from xinheng.training.cohorts.material import Material, Step, material_of
from xinheng.training.cohorts.task import Task, load_task
from xinheng.training.control.versions import Version, reference_of, version
from xinheng.training.fitting.fit import Target
from xinheng.training.judging.contract import (
    Rate,
    broken_at,
    class_rates,
    rate,
)
from xinheng.training.judging.evaluate import Visits, precision_at_capacity
from xinheng.training.watching.drift import Drift, drifts, pushed
from xinheng.training.watching.sources import Spoken, spoken

LEAST_OUTCOMES = 30


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that somebody has to look at."""

    kind: str
    told: str


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of the cases since the training period, as a version told them."""

    version: str
    cases: int
    problems: Rate
    told: float
    """Mean probability; a calibrated version tells what is found."""
    precision: float
    """At the capacity of the task."""
    classes: Mapping[str, Rate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What the watch saw at a moment."""

    task: str
    version: str
    as_of: datetime
    asked: int
    score_psi: float
    inputs: tuple[Drift, ...]
    """Those first whose push on the scores has changed most."""
    classes_then: Mapping[str, float]
    classes_now: Mapping[str, float]
    sources: tuple[Spoken, ...]
    outcomes: tuple[Outcomes, ...]
    """Of the live version, then of the challenger."""
    challenger_moves: float
    """Share of the population in another class by the challenger; NaN without one."""
    alarms: tuple[Alarm, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"as_of": self.as_of.isoformat()}


def watch(home: Home, name: str, as_of: datetime, *, on_step: Step = lambda _: None) -> Watch:
    """Look at the live version of a task at a moment.

    Raises
    ------
    NotReady
        If no version is live, or nobody is asked about at the moment.
    """
    task, lake = load_task(name, home.tasks), Lake(home.lake)
    live, challenger = _live(home, name)
    model, reference = load_model(live.folder), reference_of(live)
    on_step("what has matured since the training period")
    material = material_of(home, task, as_of, on_step)
    on_step("the population now")
    features = _population(task, material, model, challenger, lake, as_of)
    scored = score(model, features)
    told = scored["score"].to_numpy()
    others = [load_model(challenger.folder)] if challenger else []
    cuts = home.classes.cuts
    seen = Watch(
        task=name,
        version=live.name,
        as_of=as_of,
        asked=features.height,
        score_psi=drifts(reference, scored, ["score"])[0].psi,
        inputs=tuple(pushed(model, reference, features)),
        classes_then=_shares(reference["score"].to_numpy(), cuts) if task.classified else {},
        classes_now=_shares(told, cuts) if task.classified else {},
        sources=tuple(spoken(lake, _read_by(model), as_of, home.settings.watch.silent_days)),
        outcomes=tuple(_outcomes(material, live, one, cuts) for one in (model, *others)),
        challenger_moves=_moves(told, others, features, cuts),
        alarms=(),
    )
    return _with_alarms(seen, home)


def _live(home: Home, task: str) -> tuple[Version, Version | None]:
    with Promotions.at(home.database_url) as ledger:
        live, challenger = ledger.champion(task), ledger.challenger(task)
    if live is None:
        raise NotReady(f"no version of {task} is live", hint="xinheng models promote VERSION")
    return version(home, live), version(home, challenger) if challenger else None


def _population(
    task: Task,
    material: Material,
    model: RiskModel,
    challenger: Version | None,
    lake: Lake,
    as_of: datetime,
) -> pl.DataFrame:
    """What is known of everyone at the moment; for duties, of those that came due last."""
    if not task.classified:
        return material.of("test", honest=True)[1]
    everyone = sector_population(lake, as_of, task.sector)
    if everyone.height == 0:
        raise NotReady(f"nobody is on the register at {as_of:%Y-%m-%d}")
    others = load_model(challenger.folder).indicators if challenger else ()
    named = {one.id: one for one in (*model.indicators, *others)}
    return compute(named.values(), everyone, lake)


def _outcomes(
    material: Material, live: Version, model: RiskModel, cuts: Sequence[float]
) -> Outcomes:
    """Matured honest cases after the training period of the live version."""
    task = material.asked
    assert isinstance(task, Task)
    trained_to = date.fromisoformat(str(live.facts["data_window"]).split("..")[1])
    chosen = (material.visits[DAY] > trained_to) & material.visits[HONEST]
    rows, features = material.visits.filter(chosen), material.features.filter(chosen)
    label = Target.of(rows, task).label
    scored = score(model, features)
    probability = scored["probability"].to_numpy()
    visits = Visits(
        label, np.zeros(label.size, np.int64), probability, probability, capacity=task.capacity
    )
    rng = np.random.default_rng(0)
    rates = class_rates(scored["score"].to_numpy(), label, cuts) if task.classified else {}
    return Outcomes(
        version=model.version,
        cases=rows.height,
        problems=rate(rows.height, int(label.sum())),
        told=float(probability.mean()) if rows.height else float("nan"),
        precision=precision_at_capacity(visits, rng) if rows.height else float("nan"),
        classes=rates,
    )


def _read_by(model: RiskModel) -> list[str]:
    """Delivered tables that the inputs of a model come from."""
    read = {table for column in model.columns for table in column.sources}
    return [name for name in tables() if name in read]


def _shares(scores: Floats, cuts: Sequence[float]) -> dict[str, float]:
    counts = np.bincount(class_of(scores, cuts), minlength=len(LETTERS))
    return {
        letter: float(n / max(1, scores.size)) for letter, n in zip(LETTERS, counts, strict=True)
    }


def _moves(
    told: Floats, others: Sequence[RiskModel], features: pl.DataFrame, cuts: Sequence[float]
) -> float:
    if not others:
        return float("nan")
    shadow = score(others[0], features)["score"].to_numpy()
    return float(np.mean(class_of(told, cuts) != class_of(shadow, cuts)))


def _with_alarms(seen: Watch, home: Home) -> Watch:
    """The same with what has to be looked at."""
    limits = home.settings.watch
    found = [
        Alarm(
            "silent source",
            f"{one.table}: no record in {limits.silent_days} days, {one.expected:,.0f} expected; "
            f"the last came {one.last:%Y-%m-%d}"
            if one.last
            else f"{one.table}: no record",
        )
        for one in seen.sources
        if one.is_silent
    ]
    own = seen.outcomes[0]
    found += moved_alarms(seen.score_psi, seen.inputs, limits)
    found += [
        Alarm(
            "coverage",
            f"{one.column}: unknown {one.unknown_then:.0%} then, {one.unknown_now:.0%} now",
        )
        for one in seen.inputs
        if one.unknown_now - one.unknown_then > limits.most_unknown
    ]
    found += told_alarms(own.told, own.problems)
    broken = broken_at(dict(own.classes)) if own.classes else []
    if broken:
        found.append(Alarm("class contract", f"problems fall at {', '.join(broken)}"))
    return replace(seen, alarms=tuple(found))


def moved_alarms(score_psi: float, inputs: Sequence[Drift], limits: WatchSettings) -> list[Alarm]:
    """Alarms of a population that is no longer that of the training."""
    found = []
    if score_psi > limits.most_psi:
        found.append(Alarm("score drift", f"stability index of the scores {score_psi:.2f}"))
    return found + [
        Alarm(
            "input drift",
            f"{one.column}: pushes {one.push:+.2f} more than then, stability index {one.psi:.2f}",
        )
        for one in inputs
        if abs(one.push) > limits.most_push and one.psi > limits.most_psi
    ]


def told_alarms(told: float, found: Rate) -> list[Alarm]:
    """An alarm where the probabilities told are not those found, beyond chance."""
    if found.cases < LEAST_OUTCOMES or found.low <= told <= found.high:
        return []
    return [
        Alarm(
            "calibration",
            f"{told:.1%} told, {found.value:.1%} found ({found.low:.1%} to {found.high:.1%})",
        )
    ]
