"""The reasons of a score: exact TreeSHAP in log-odds, windows of one indicator added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from xinheng.features.indicator import FeatureColumn
from xinheng.models.artifact import RiskModel
from xinheng.models.reasons.sentences import sentence, shown_value


@dataclass(frozen=True, slots=True)
class WindowValue:
    """One window's part of a reason."""

    window_days: int
    value: float | None
    contribution: float


@dataclass(frozen=True, slots=True)
class Reason:
    """One indicator's part of a score; value, unit and sentence are of its strongest window."""

    indicator: str
    name_zh: str
    name_en: str
    contribution: float
    """Log-odds; positive raises the risk. All reasons and the base value add up to the log-odds."""
    value: float | None
    unit: str
    sentence_zh: str
    sentence_en: str
    windows: tuple[WindowValue, ...]
    record_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """All reasons of one score, the strongest first, and the value with nothing known."""

    base_value: float
    reasons: tuple[Reason, ...]


def explain(model: RiskModel, features: pl.DataFrame) -> list[Explanation]:
    """Explanations in the order of the rows; indicators that did not push are left out."""
    contributions = model.contributions(features)
    values = features.select(model.names).rows()
    return [
        Explanation(float(row[-1]), _reasons(model.columns, known, row[:-1].tolist()))
        for known, row in zip(values, contributions, strict=True)
    ]


def _reasons(
    columns: Sequence[FeatureColumn], values: Sequence[float | None], pushes: Sequence[float]
) -> tuple[Reason, ...]:
    grouped: dict[str, list[tuple[FeatureColumn, WindowValue]]] = {}
    for column, value, push in zip(columns, values, pushes, strict=True):
        part = WindowValue(column.window_days, shown_value(column, value), push)
        grouped.setdefault(column.indicator.id, []).append((column, part))
    found = [_reason(parts) for parts in grouped.values()]
    pushed = [reason for reason in found if reason.contribution != 0.0]
    return tuple(sorted(pushed, key=lambda reason: -abs(reason.contribution)))


def _reason(parts: list[tuple[FeatureColumn, WindowValue]]) -> Reason:
    total = sum(part.contribution for _, part in parts)
    column, strongest = max(parts, key=lambda pair: abs(pair[1].contribution))
    return Reason(
        indicator=column.indicator.id,
        name_zh=column.indicator.name_zh,
        name_en=column.indicator.name_en,
        contribution=total,
        value=strongest.value,
        unit=column.indicator.unit,
        sentence_zh=sentence(column, strongest.value, total, "zh"),
        sentence_en=sentence(column, strongest.value, total, "en"),
        windows=tuple(part for _, part in parts),
    )
