"""One training run: fit, calibrate, fix the score scale and name the version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from xinheng.config import ClassSettings
from xinheng.features.catalogue import version_of
from xinheng.features.engine.compute import compute
from xinheng.features.population import sector_population
from xinheng.models.artifact import RiskModel
from xinheng.models.calibration import Floats, ScoreScale, fit_scale
from xinheng.models.score import score
from xinheng.training.cohorts.cohort import DAY, LABEL
from xinheng.training.cohorts.material import Material
from xinheng.training.cohorts.task import Settings, Task
from xinheng.training.fitting.fit import (
    Boost,
    Fitted,
    Target,
    Unseen,
    fit_booster,
    fit_model,
    folds_of,
)

PLAIN_SCALE = ScoreScale((0.0, 1.0), (0.0, 1000.0))
"""Of deadline models, whose score becomes no class: the probability in thousandths."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A named version, what it foretold for later stretches, and the reference population."""

    model: RiskModel
    unseen: tuple[Unseen, ...]
    reference: pl.DataFrame
    """Scores and features of everyone on the register on the reference date."""


def train(
    material: Material,
    classes: ClassSettings,
    *,
    facts: Mapping[str, object],
    settings: Settings | None = None,
    boost: Boost = fit_booster,
    on_step: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Fit on the training period alone.

    Parameters
    ----------
    facts
        What is told of the version beside what follows from the material.
    settings
        Of the booster; by default those of the task.
    """
    asked = material.asked
    rows, features = material.of("train")
    chosen = settings or asked.settings
    told, reference = _facts(material, rows, chosen)
    fitted = fit_model(
        features,
        Target.of(rows, asked),
        folds_of(asked, rows, chosen),
        material.columns,
        chosen,
        scale=lambda probability: _scale(probability, classes),
        inputs=material.inputs,
        facts={**told, **facts},
        boost=boost,
        on_step=on_step,
    )
    if isinstance(asked, Task) and not asked.classified:
        return _without_classes(fitted, features, asked)
    on_step("fixing the score scale on the reference date")
    return _scaled(fitted, material, reference, classes)


def named(model: RiskModel) -> RiskModel:
    """Named after all that decides its scores, so the same model has the same name."""
    said = "".join(
        str(part)
        for part in (
            model.booster.model_to_string(), model.calibration, model.scale, model.ordered or "",
            model.sets or "", model.alert_at or "",
        )
    )  # fmt: skip
    digest = blake2b(said.encode(), digest_size=4).hexdigest()
    return replace(model, version=f"{model.facts['task']}-{digest}")


def _facts(
    material: Material, rows: pl.DataFrame, settings: Settings
) -> tuple[dict[str, object], datetime]:
    first, last = rows[DAY].min(), rows[DAY].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    reference = datetime.combine(last, time.max, ZoneInfo(material.zone))
    asked = material.asked
    told = {
        "task": asked.name,
        "sector": asked.sector if isinstance(asked, Task) else "",
        "title_zh": asked.title_zh,
        "title_en": asked.title_en,
        "catalogue_version": version_of(material.inputs.indicators()),
        "data_window": f"{first}..{last}",
        "reference": reference.isoformat(),
        "lake_batch": material.lake.snapshot.number,
        "settings": settings.model_dump(),
        "label": asked.label.number or asked.label.condition,
        "base_rate": float(rows[LABEL].to_numpy().mean()),
        "rows": rows.height,
        "problems": int(rows[LABEL].sum()),
    }
    return told, reference


def _scale(probability: Floats, classes: ClassSettings) -> ScoreScale:
    return fit_scale(probability, classes.cuts, classes.shares)


def _scaled(
    fitted: Fitted, material: Material, reference: datetime, classes: ClassSettings
) -> Trained:
    """Fix the scale so that everyone on the register at the reference date has the class shares."""
    sector = material.asked.sector if isinstance(material.asked, Task) else ""
    everyone = sector_population(material.lake, reference, sector)
    model = fitted.model
    if everyone.height == 0:
        version = named(model)
        return Trained(version, fitted.unseen, _scored(version, material.of("train")[1]))
    known = compute(model.indicators, everyone, material.lake)
    probability = score(model, known)["probability"].to_numpy()
    version = named(replace(model, scale=_scale(probability, classes)))
    return Trained(version, fitted.unseen, _scored(version, known))


def _without_classes(fitted: Fitted, features: pl.DataFrame, task: Task) -> Trained:
    """The threshold of its alerts: as many as the budget allows among cases like the unseen."""
    raw = np.concatenate([one.log_odds[_told(one)] for one in fitted.unseen])
    probability = fitted.model.calibration.probability(raw)
    alert_at = float(np.quantile(probability, 1.0 - task.capacity))
    version = named(replace(fitted.model, scale=PLAIN_SCALE, alert_at=alert_at))
    return Trained(version, fitted.unseen, _scored(version, features))


def _told(stretch: Unseen) -> Any:
    honest = stretch.target.honest
    return slice(None) if honest is None else honest


def _scored(model: RiskModel, features: pl.DataFrame) -> pl.DataFrame:
    """Scores beside the model's features."""
    return score(model, features).hstack(features.select(model.names))
