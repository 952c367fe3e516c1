"""A live model is a plain folder: booster, calibration, score scale and what it was made from."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import polars as pl

from xinheng.errors import NotReady
from xinheng.features.catalogue import feature_columns
from xinheng.features.declared import Inputs
from xinheng.features.indicator import FeatureColumn, Indicator
from xinheng.models.calibration import Calibration, Floats, ScoreScale
from xinheng.models.ordered import Ordered
from xinheng.models.reasons.shapley import Tables, contributions, tables_of

LIVE = "live"
"""Name of the file that says which version is live."""


@dataclass(frozen=True)
class RiskModel:
    """One version of the problem-found model with all that turns its output into a score."""

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
    facts: dict[str, Any] = field(default_factory=dict)
    """Catalogue version, data window, study, settings: written to the folder as they are."""

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def indicators(self) -> tuple[Indicator, ...]:
        """What has to be computed to score, each once."""
        return tuple({c.indicator.id: c.indicator for c in self.columns}.values())

    def log_odds(self, features: pl.DataFrame) -> Floats:
        raw = self.booster.predict(matrix(features, self.names), raw_score=True)
        return np.asarray(raw, dtype=np.float64)

    def contributions(self, features: pl.DataFrame) -> Floats:
        """Exact path-dependent TreeSHAP, log-odds: `(rows, columns + 1)`, the base value last."""
        return contributions(self.tables, matrix(features, self.names))

    @cached_property
    def tables(self) -> Tables:
        """What its leaves push, made once; threads may share it."""
        return tables_of(self.booster)


def matrix(features: pl.DataFrame, names: list[str]) -> Floats:
    """Model input `(rows, columns)`; null becomes NaN, which the trees read as "not known"."""
    return features.select(pl.col(names).cast(pl.Float64)).fill_null(float("nan")).to_numpy()


def save_model(model: RiskModel, folder: Path) -> Path:
    """Write a model version whole or not at all and make it live; return its folder."""
    target, scratch = folder / model.version, folder / f".{model.version}.new"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    (scratch / "booster.txt").write_text(model.booster.model_to_string(), encoding="utf-8")
    described = {
        "version": model.version,
        "columns": model.names,
        "calibration": asdict(model.calibration),
        "scale": asdict(model.scale),
        "inputs": model.inputs.model_dump(),
        "ordered": model.ordered and asdict(model.ordered),
        "facts": model.facts,
    }
    text = json.dumps(described, ensure_ascii=False, indent=2, default=str)
    (scratch / "model.json").write_text(text, encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    scratch.rename(target)
    pointer = folder / f"{LIVE}.new"
    pointer.write_text(model.version, encoding="utf-8")
    pointer.replace(folder / LIVE)
    return target


def live_version(folder: Path) -> str:
    """Version that scoring uses.

    Raises
    ------
    NotReady
        If no model has been made live.
    """
    pointer = folder / LIVE
    if not pointer.exists():
        raise NotReady(f"no model is live in {folder}", hint="run `xinheng study run` first")
    return pointer.read_text(encoding="utf-8").strip()


def load_model(folder: Path) -> RiskModel:
    """Read one version's folder, as `save_model` returned it; the same bits as were saved.

    Raises
    ------
    NotReady
        If the folder is absent or the model needs a column that no longer exists.
    """
    if not (folder / "model.json").exists():
        raise NotReady(f"there is no model in {folder}", hint="run `xinheng study run` first")
    described = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    inputs = Inputs.model_validate(described["inputs"])
    columns = {column.name: column for column in feature_columns(inputs.indicators())}
    gone = [name for name in described["columns"] if name not in columns]
    if gone:
        raise NotReady(
            f"model {described['version']} needs column {gone[0]}, which no indicator makes",
            hint="train again with the present catalogue",
        )
    scale = described["scale"]
    return RiskModel(
        version=described["version"],
        booster=lgb.Booster(model_str=(folder / "booster.txt").read_text(encoding="utf-8")),
        columns=tuple(columns[name] for name in described["columns"]),
        calibration=Calibration(**described["calibration"]),
        scale=ScoreScale(tuple(scale["probabilities"]), tuple(scale["scores"])),
        inputs=inputs,
        ordered=_ordered(described.get("ordered")),
        facts=described["facts"],
    )


def _ordered(told: dict[str, Any] | None) -> Ordered | None:
    if told is None:
        return None
    return Ordered(told["slope"], *(tuple(told[name]) for name in ("thresholds", "cuts", "names")))
