"""A score from indicator values that are at hand, without a record and without reading anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from xinheng.config import ClassSettings
from xinheng.errors import UnknownName
from xinheng.models.artifact import RiskModel
from xinheng.models.reasons.reason import explain
from xinheng.models.score import LETTERS, class_of, score

REASONS_TOLD = 10


@dataclass(frozen=True, slots=True)
class ReadyScore:
    """What a model says of one row of values; neither hard rules nor thin data are looked at."""

    model_version: str
    model_class: str
    """By the score alone."""
    score: float
    probability: float
    log_odds: float
    base_value: float
    reasons: tuple[dict[str, Any], ...]


def ready_scores(
    model: RiskModel, rows: Sequence[Mapping[str, float | None]], classes: ClassSettings
) -> list[ReadyScore]:
    """Score rows of indicator values; a column that a row lacks is not known.

    Raises
    ------
    UnknownName
        If a row names a column that the model does not read.
    """
    known = frozenset(model.names)
    for place, row in enumerate(rows):
        for name in row.keys() - known:
            where = f"rows.{place}"
            raise UnknownName(f"column of {model.version}", name, model.names, where=where)
    told = [[row.get(name) for name in model.names] for row in rows]
    values = np.array(told, dtype=np.float64)  # None is NaN
    features = pl.DataFrame(values, schema=model.names, orient="row", nan_to_null=True)
    features.insert_column(0, pl.Series("uscc", [""]).new_from_index(0, len(rows)))
    features.insert_column(1, pl.Series("as_of", [None]).new_from_index(0, len(rows)))
    scored = score(model, features)
    letters = class_of(scored["score"].to_numpy(), classes.cuts)
    explained = explain(model, features, most=REASONS_TOLD)
    return [
        ReadyScore(
            model.version, LETTERS[letter], round(points, 1), probability, log_odds,
            one.base_value, tuple(reason.as_json() for reason in one.reasons),
        )
        for letter, points, probability, log_odds, one in zip(
            letters, scored["score"], scored["probability"], scored["log_odds"], explained,
            strict=True,
        )
    ]  # fmt: skip
