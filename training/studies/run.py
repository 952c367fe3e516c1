"""One study from delivery to figures: ingest, cohort, indicators, model, test, record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from xinheng.config import Home
from xinheng.errors import UnknownName
from xinheng.features.catalogue import feature_columns
from xinheng.features.engine.compute import compute
from xinheng.models.artifact import RISK_CLASS, RiskModel, make_live, matrix, save_model
from xinheng.models.calibration import Floats, sigmoid
from xinheng.models.ordered import balanced_thresholds, even_cuts, shares_at_least
from xinheng.models.score import score
from xinheng.records.intake import Report, ingest, was_taken
from xinheng.records.lake import Lake
from xinheng.records.sources.mapping import Mapping as SourceMapping
from xinheng.records.sources.mapping import load_mapping
from xinheng.training.cohorts.cohort import DAY, LABEL, cohort, days_of
from xinheng.training.cohorts.material import Material
from xinheng.training.control.tracking import record_run
from xinheng.training.fitting.fit import (
    Indices,
    Target,
    folds_of,
    out_of_time,
    usable_columns,
)
from xinheng.training.fitting.train import train
from xinheng.training.judging.baselines import simple_rankers
from xinheng.training.judging.contract import rate
from xinheng.training.judging.evaluate import Days, Figure, Visits, figures
from xinheng.training.judging.judge import OURS, visits_of
from xinheng.training.judging.probes import late_rows, looked_for, suspects
from xinheng.training.studies.study import Study, load_study
from xinheng.training.watching.drift import drifts, pushed
from xinheng.training.watching.watch import Alarm, moved_alarms, told_alarms

SPLIT = "split"
"""Kind of the alarm of a test that says nothing of the future."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared(Material):
    """A study with its records in the lake, its visits and the numbers known at each."""

    mapping: SourceMapping
    report: Report
    options: tuple[str, ...]

    @property
    def study(self) -> Study:
        assert isinstance(self.asked, Study)
        return self.asked


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a study run found on its test period."""

    study: Study
    options: tuple[str, ...]
    model: RiskModel
    run_id: str
    n_train: int
    n_test: int
    n_positive: int
    rankers: Mapping[str, Mapping[str, Figure]]
    """Figures by ranker; `OURS` first."""
    unused: tuple[str, ...]
    """Columns that said nothing in the training period."""
    alarms: tuple[Alarm, ...]
    """What the watch would say of the test period, held against the training period."""


def prepare(
    folder: Path,
    data: Path,
    home: Home,
    *,
    at: datetime,
    options: tuple[str, ...] = (),
    on_step: Callable[[str], None] = lambda _: None,
) -> Prepared:
    """Take the delivery into the home's lake and compute what was known at each visit."""
    study = load_study(folder)
    inputs = study.inputs_with(options)
    indicators = inputs.indicators()
    mapping = load_mapping(folder / study.mapping)
    lake = _own_lake(data, mapping, home, on_step=on_step)
    report = ingest(data, mapping, lake, at=at, on_step=on_step)
    visits = cohort(study, mapping, lake, data)
    features = compute(
        indicators, visits, lake, on_step=lambda step: on_step(f"indicators: {step}")
    )
    return Prepared(
        asked=study,
        lake=lake,
        visits=visits,
        features=features,
        columns=feature_columns(indicators),
        inputs=inputs,
        zone=mapping.time_zone,
        until=lake.known_until(),
        mapping=mapping,
        report=report,
        options=options,
    )


def _own_lake(
    data: Path, mapping: SourceMapping, home: Home, *, on_step: Callable[[str], None]
) -> Lake:
    """The home's lake; one made from another delivery or mapping is set aside, not mixed in."""
    lake = Lake.at(home.lake)
    if lake.batches().height and not was_taken(data, mapping, lake):
        on_step(f"delivery or mapping changed: the former lake is kept as {lake.set_aside()}")
        lake = Lake.at(home.lake)
    return lake


def run_study(
    prepared: Prepared,
    home: Home,
    *,
    on_step: Callable[[str], None] = lambda _: None,
    resamples: int = 1_000,
) -> Outcome:
    """Fit on the training period, read the test period once, keep the model and the run."""
    study = prepared.study
    told = {"options": list(prepared.options)}
    model = train(prepared, home.classes, facts=told, on_step=on_step).model
    on_step("reading the test period")
    test, _ = prepared.of("test", honest=True)
    rankers = _rankers(prepared, model, test, resamples=resamples)
    folder = save_model(model, home.model(RISK_CLASS))
    make_live(home.model(RISK_CLASS), model.version)
    on_step("recording the run")
    run_id = record_run(
        home.mlruns,
        experiment=study.name,
        model=model,
        model_folder=folder,
        parameters=study.settings.model_dump() | {"options": ",".join(prepared.options)},
        figures={name: figure.value for name, figure in rankers[OURS].items()},
    )
    used = {column.name for column in model.columns}
    return Outcome(
        study=study,
        options=prepared.options,
        model=model,
        run_id=run_id,
        n_train=prepared.of("train")[0].height,
        n_test=test.height,
        n_positive=int(test[LABEL].sum()),
        rankers=rankers,
        unused=tuple(c.name for c in prepared.columns if c.name not in used),
        alarms=tuple(_alarms(prepared, model, home)),
    )


def validate(
    prepared: Prepared, *, on_step: Callable[[str], None] = lambda _: None
) -> list[dict[str, Figure]]:
    """Figures of each rolling origin inside the training period; the test is not read."""
    train, features = prepared.of("train")
    used = usable_columns(prepared.columns, features)
    inputs = matrix(features, [column.name for column in used])
    target, day = Target.of(train, prepared.study), days_of(train)
    settings, names = prepared.study.settings, prepared.study.metrics
    folds = folds_of(prepared.study, train, settings)
    stretches = out_of_time(inputs, target, folds, used, settings, on_step=on_step)
    return [
        figures(
            _foretold(target, day, rows, raw, grouped=bool(prepared.study.groups)),
            seed=settings.seed,
            resamples=200,
            names=names,
        )
        for rows, raw in stretches
    ]


def _foretold(target: Target, day: Days, rows: Indices, raw: Floats, *, grouped: bool) -> Visits:
    """One stretch as its booster told it, before any calibration.

    Each grade is told, and expected, as often as it occurred before the stretch, or outside of it.
    """
    outside = np.setdiff1d(np.arange(day.size), rows)
    fit = outside if grouped else np.flatnonzero(day < day[rows].min())
    own, before = target.take(rows), target.take(fit)
    if before.grade is None:
        return Visits(own.label, day[rows], raw, sigmoid(raw))
    shares = shares_at_least(before.grade, len(before.names))
    told = np.searchsorted(even_cuts(raw, shares), raw, side="right")
    probability = sigmoid(raw - balanced_thresholds(raw, shares)[0])
    return Visits(own.label, day[rows], raw, probability, own.grade, told)


def _alarms(prepared: Prepared, model: RiskModel, home: Home) -> list[Alarm]:
    """Leaks of the training period; drift and calibration of the test, as the watch tells them."""
    (trained, reference), (rows, live) = prepared.of("train"), prepared.of("test")
    then, now = (score(model, features) for features in (reference, live))
    limits = home.settings.watch
    index = drifts(then, now, ["probability"])[0].psi
    found = rate(rows.height, int(rows[LABEL].sum()))
    told = now["probability"].to_numpy()
    moved = moved_alarms(index, pushed(model, reference, live), limits)
    named = looked_for(prepared)
    leaks = [
        Alarm("leak", f"{one.column}: AUC {one.auc:.3f}, {one.why}")
        for one in suspects(reference, trained[LABEL].to_numpy(), named)
    ]
    late = late_rows(prepared)
    leaks += [Alarm("leak", f"{late:,} rows are asked about after their event")] if late else []
    broken = split_fault(trained[DAY], rows[DAY]) if not prepared.study.groups else ""
    split = [Alarm(SPLIT, broken)] if broken else []
    return [*split, *leaks, *moved, *told_alarms(float(told.mean()), found)]


def split_fault(train: pl.Series, test: pl.Series) -> str:
    """Why a test says nothing of the future: training reaches into it or lies after it."""
    first, last = test.min(), test.max()
    spans = f"training {train.min()!s} to {train.max()!s}, test {first!s} to {last!s}"
    late = int((train >= first).sum())
    if late == 0:
        return ""
    if train.min() > last:  # type: ignore[operator]  # both are days
        return f"training lies after the test ({spans})"
    return f"training reaches into the test with {late:,} of {train.len():,} rows ({spans})"


def _rankers(
    prepared: Prepared,
    model: RiskModel,
    test: pl.DataFrame,
    *,
    resamples: int,
) -> dict[str, dict[str, Figure]]:
    seed, names = prepared.study.settings.seed, prepared.study.metrics
    ours = visits_of(prepared, model)
    found = {OURS: figures(ours, seed=seed, resamples=resamples, names=names)}
    simple = simple_rankers(prepared.study, test, prepared.lake)
    for name, ranking in {**_compared(prepared, test), **simple}.items():
        visits = replace(ours, score=ranking, probability=None, told=None)
        found[name] = figures(visits, seed=seed, resamples=resamples, names=names)
    return found


def _compared(prepared: Prepared, test: pl.DataFrame) -> dict[str, Floats]:
    found = {}
    for other in prepared.study.compare:
        if other.column not in test.columns:
            raise UnknownName("column of the listing", other.column, test.columns, where="compare")
        found[other.name] = test[other.column].cast(pl.Float64).to_numpy()
    return found
