"""One study from delivery to figures: ingest, cohort, indicators, model, test, record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from hashlib import blake2b
from pathlib import Path

import numpy as np
import polars as pl

from xinheng.config import Home
from xinheng.errors import UnknownName
from xinheng.features.catalogue import feature_columns, version_of
from xinheng.features.declared import Inputs
from xinheng.features.engine.compute import compute
from xinheng.features.indicator import FeatureColumn
from xinheng.features.population import population
from xinheng.models.artifact import RiskModel, matrix, save_model
from xinheng.models.calibration import Floats, ScoreScale, fit_scale
from xinheng.models.ordered import balanced_thresholds, even_cuts, shares_at_least, sigmoid
from xinheng.models.score import score
from xinheng.records.intake import Report, ingest, was_taken
from xinheng.records.lake import Lake
from xinheng.records.sources.mapping import Mapping as SourceMapping
from xinheng.records.sources.mapping import load_mapping
from xinheng.training.baselines import simple_rankers
from xinheng.training.cohort import DAY, LABEL, PERIOD, cohort
from xinheng.training.evaluate import Days, Figure, Visits, figures
from xinheng.training.fit import Indices, Target, fit_model, out_of_time, usable_columns
from xinheng.training.study import Study, load_study
from xinheng.training.tracking import record_run

OURS = "Xinheng"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A study with its records in the lake, its visits and the numbers known at each."""

    study: Study
    mapping: SourceMapping
    lake: Lake
    report: Report
    visits: pl.DataFrame
    features: pl.DataFrame
    columns: tuple[FeatureColumn, ...]
    options: tuple[str, ...]
    inputs: Inputs

    def of(self, period: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Visits and features of one period."""
        chosen = (self.visits[PERIOD] == period).fill_null(value=False)
        return self.visits.filter(chosen), self.features.filter(chosen)


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
    columns = feature_columns(indicators)
    return Prepared(study, mapping, lake, report, visits, features, columns, options, inputs)


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
    model = _fitted(prepared, home, on_step=on_step)
    on_step("reading the test period")
    test, features = prepared.of("test")
    rankers = _rankers(prepared, model, test, features, resamples=resamples)
    folder = save_model(model, home.models)
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
    )


def validate(
    prepared: Prepared, *, on_step: Callable[[str], None] = lambda _: None
) -> list[dict[str, Figure]]:
    """Figures of each rolling origin inside the training period; the test is not read."""
    train, features = prepared.of("train")
    used = usable_columns(prepared.columns, features)
    inputs = matrix(features, [column.name for column in used])
    target, day = Target.of(train, prepared.study), _days(train)
    settings = prepared.study.settings
    stretches = out_of_time(inputs, target, train[DAY], used, settings, on_step=on_step)
    return [
        figures(_foretold(target, day, rows, raw), seed=settings.seed, resamples=200)
        for rows, raw in stretches
    ]


def _foretold(target: Target, day: Days, rows: Indices, raw: Floats) -> Visits:
    """One stretch as its booster told it, before any calibration.

    Each grade is told, and expected, as often as it occurred before the stretch.
    """
    own, before = target.take(rows), target.take(np.flatnonzero(day < day[rows].min()))
    if before.grade is None:
        return Visits(own.label, day[rows], raw, sigmoid(raw))
    shares = shares_at_least(before.grade, len(before.names))
    told = np.searchsorted(even_cuts(raw, shares), raw, side="right")
    probability = sigmoid(raw - balanced_thresholds(raw, shares)[0])
    return Visits(own.label, day[rows], raw, probability, own.grade, told)


def _fitted(prepared: Prepared, home: Home, *, on_step: Callable[[str], None]) -> RiskModel:
    study = prepared.study
    train, features = prepared.of("train")
    first, last = train[DAY].min(), train[DAY].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    reference = datetime.combine(last, time.max, prepared.mapping.zone)
    facts = {
        "study": study.name,
        "title_zh": study.title_zh,
        "title_en": study.title_en,
        "options": list(prepared.options),
        "catalogue_version": version_of(prepared.inputs.indicators()),
        "data_window": f"{first}..{last}",
        "reference": reference.isoformat(),
        "lake_batch": prepared.lake.snapshot.number,
        "settings": study.settings.model_dump(),
        "label": study.label.grade or study.label.condition,
        "base_rate": float(train[LABEL].to_numpy().mean()),
    }
    model = fit_model(
        features,
        Target.of(train, study),
        train[DAY],
        prepared.columns,
        study.settings,
        scale=lambda probability: fit_scale(probability, home.classes.cuts, home.classes.shares),
        inputs=prepared.inputs,
        facts=facts,
        on_step=on_step,
    )
    on_step("fixing the score scale on the reference date")
    scaled = _scaled(model, prepared, reference, home)
    return replace(scaled, version=_version(scaled))


def _scaled(model: RiskModel, prepared: Prepared, reference: datetime, home: Home) -> RiskModel:
    """Fix the scale so that everyone on the register at the reference date has the class shares."""
    everyone = population(prepared.lake, reference)
    if everyone.height == 0:
        return model
    known = compute(model.indicators, everyone, prepared.lake)
    probability = score(model, known)["probability"].to_numpy()
    scale: ScoreScale = fit_scale(probability, home.classes.cuts, home.classes.shares)
    return replace(model, scale=scale)


def _version(model: RiskModel) -> str:
    """Named after all that decides its scores, so the same model has the same name."""
    said = f"{model.booster.model_to_string()}{model.calibration}{model.scale}{model.ordered or ''}"
    return f"{model.facts['study']}-{blake2b(said.encode(), digest_size=4).hexdigest()}"


def _rankers(
    prepared: Prepared,
    model: RiskModel,
    test: pl.DataFrame,
    features: pl.DataFrame,
    *,
    resamples: int,
) -> dict[str, dict[str, Figure]]:
    seed = prepared.study.settings.seed
    scored = score(model, features)
    target, day = Target.of(test, prepared.study), _days(test)
    label, log_odds = target.label, scored["log_odds"].to_numpy()
    told = model.ordered.grade(log_odds) if model.ordered else None
    probability = scored["probability"].to_numpy()
    ours = Visits(label, day, log_odds, probability, target.grade, told)
    found = {OURS: figures(ours, seed=seed, resamples=resamples)}
    simple = simple_rankers(prepared.study, test, prepared.lake)
    for name, ranking in {**_compared(prepared, test), **simple}.items():
        visits = Visits(label, day, ranking, grade=target.grade)
        found[name] = figures(visits, seed=seed, resamples=resamples)
    return found


def _compared(prepared: Prepared, test: pl.DataFrame) -> dict[str, Floats]:
    found = {}
    for other in prepared.study.compare:
        if other.column not in test.columns:
            raise UnknownName("column of the listing", other.column, test.columns, where="compare")
        found[other.name] = test[other.column].cast(pl.Float64).to_numpy()
    return found


def _days(visits: pl.DataFrame) -> Days:
    return visits[DAY].to_physical().cast(pl.Int64).to_numpy()
