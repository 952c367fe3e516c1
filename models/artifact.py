"""A live model is a plain folder: booster, calibration, score scale and what it was made from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import polars as pl

from xinheng.errors import NotReady
from xinheng.features.catalogue import feature_columns, version_of
from xinheng.features.declared import Inputs
from xinheng.features.indicator import GENERAL, FeatureColumn, Indicator
from xinheng.models.calibration import Calibration, Floats, ScoreScale, as_told, from_told
from xinheng.models.conformal import GradeSets
from xinheng.models.ordered import Ordered
from xinheng.models.reasons.shapley import Tables, contributions, tables_of

BOOSTER, DESCRIBED = "booster.txt", "model.json"
"""The files of a version."""
LIVE = "live"
"""Name of the file that says which version of a task is live."""
FEW = 100
"""Up to so many rows, threads that wait for each other cost more than they bring."""
RISK_CLASS = "risk_class"
"""The task whose score becomes the general class."""


@dataclass(frozen=True)
class RiskModel:
    """One version of a task's model with all that turns its output into a score."""

    version: str
    booster: lgb.Booster
    columns: tuple[FeatureColumn, ...]
    """Inputs in the booster's order."""
    calibration: Calibration
    scale: ScoreScale
    inputs: Inputs
    """What the columns come from: scopes of the catalogue and declared inputs."""
    ordered: Ordered | None = None
    """Of a model of grades; its first threshold is that of the calibration."""
    sets: GradeSets | None = None
    """Of a model of grades: which of them cannot be ruled out."""
    alert_at: float | None = None
    """Of a deadline model: probability from which on an alert fits the budget."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Catalogue version, data window, study, settings: written to the folder as they are."""

    @cached_property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @cached_property
    def indicators(self) -> tuple[Indicator, ...]:
        """What has to be computed to score, each once."""
        return tuple({c.indicator.id: c.indicator for c in self.columns}.values())

    def log_odds(self, features: pl.DataFrame) -> Floats:
        rows = matrix(features, self.names)
        threads = 1 if len(rows) <= FEW else 0  # 0: as many as there are
        raw = self.booster.predict(rows, raw_score=True, num_threads=threads)
        return np.asarray(raw, dtype=np.float64)

    def contributions(self, features: pl.DataFrame) -> Floats:
        """Exact path-dependent TreeSHAP, log-odds: `(rows, columns + 1)`, the base value last."""
        return contributions(self.tables, matrix(features, self.names))

    @cached_property
    def general_columns(self) -> Mapping[str, Sequence[int]]:
        """Places of the columns over each table, those of sectors left out."""
        found: dict[str, list[int]] = {}
        for place, column in enumerate(self.columns):
            if column.indicator.scope == GENERAL:
                found.setdefault(column.indicator.table, []).append(place)
        return found

    @cached_property
    def tables(self) -> Tables:
        """What its leaves push, made once; threads may share it."""
        return tables_of(self.booster)


def matrix(features: pl.DataFrame, names: list[str]) -> Floats:
    """Model input `(rows, columns)`; null becomes NaN, which the trees read as "not known"."""
    chosen = features[names]
    told = chosen.to_numpy()
    return told if told.dtype == np.float64 else chosen.cast(pl.Float64).to_numpy()


def save_model(model: RiskModel, folder: Path) -> Path:
    """Write a model version whole or not at all below the folder of its task; return its own.

    A version is named after its content: one that is there already is left as it is.
    """
    target, scratch = folder / model.version, folder / f".{model.version}.new"
    if (target / DESCRIBED).exists():
        return target
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    (scratch / BOOSTER).write_text(model.booster.model_to_string(), encoding="utf-8")
    described = {
        "version": model.version,
        "catalogue": version_of(model.inputs.indicators()),
        "columns": model.names,
        "calibration": as_told(model.calibration),
        "scale": asdict(model.scale),
        "inputs": model.inputs.model_dump(),
        "ordered": model.ordered and asdict(model.ordered),
        "sets": model.sets and asdict(model.sets),
        "alert_at": model.alert_at,
        "facts": model.facts,
    }
    text = json.dumps(described, ensure_ascii=False, indent=2, default=str)
    (scratch / DESCRIBED).write_text(text, encoding="utf-8")
    scratch.rename(target)
    return target


def make_live(folder: Path, version: str) -> None:
    """From now on scoring uses this version of the task; at once or not at all."""
    pointer = folder / f"{LIVE}.new"
    pointer.write_text(version, encoding="utf-8")
    pointer.replace(folder / LIVE)


def live_version(folder: Path) -> str:
    """Version of the task that scoring uses.

    Raises
    ------
    NotReady
        If no model has been made live.
    """
    pointer = folder / LIVE
    if not pointer.exists():
        raise NotReady(
            f"no model is live in {folder}",
            hint="run `xinheng models train` and `promote`, or `xinheng study run`",
        )
    return pointer.read_text(encoding="utf-8").strip()


def load_model(folder: Path) -> RiskModel:
    """Read one version's folder, as `save_model` returned it; the same bits as were saved.

    Raises
    ------
    NotReady
        If the folder is absent or the model was made for another catalogue of indicators.
    """
    if not (folder / DESCRIBED).exists():
        raise NotReady(f"there is no model in {folder}", hint="see `xinheng models list`")
    described = json.loads((folder / DESCRIBED).read_text(encoding="utf-8"))
    inputs = Inputs.model_validate(described["inputs"])
    columns = {column.name: column for column in feature_columns(inputs.indicators())}
    _check_catalogue(described, inputs, columns)
    scale = described["scale"]
    return RiskModel(
        version=described["version"],
        booster=lgb.Booster(model_str=(folder / BOOSTER).read_text(encoding="utf-8")),
        columns=tuple(columns[name] for name in described["columns"]),
        calibration=from_told(described["calibration"]),
        scale=ScoreScale(tuple(scale["probabilities"]), tuple(scale["scores"])),
        inputs=inputs,
        ordered=_ordered(described["ordered"]),
        sets=_sets(described["sets"]),
        alert_at=described["alert_at"],
        facts=described["facts"],
    )


def _check_catalogue(described: dict[str, Any], inputs: Inputs, columns: Collection[str]) -> None:
    """Refuse a model whose indicators mean something else now, or are gone."""
    version, wanted = described["version"], described["catalogue"]
    hint = "train again with the present catalogue"
    for name in described["columns"]:
        if name not in columns:
            raise NotReady(
                f"model {version} needs column {name}, which no indicator makes", hint=hint
            )
    present = version_of(inputs.indicators())
    if present != wanted:
        raise NotReady(
            f"model {version} needs catalogue {wanted}, the present one is {present}", hint=hint
        )


def _sets(told: dict[str, Any] | None) -> GradeSets | None:
    return None if told is None else GradeSets(told["coverage"], tuple(told["limits"]))


def _ordered(told: dict[str, Any] | None) -> Ordered | None:
    if told is None:
        return None
    return Ordered(told["slope"], *(tuple(told[name]) for name in ("thresholds", "cuts", "names")))
