"""A sentence for an indicator's value and the way it pushed; the words are in `phrases.toml`."""

from __future__ import annotations

import math
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from xinheng.features.indicator import STATE, FeatureColumn

Language = Literal["zh", "en"]


def shown_value(column: FeatureColumn, value: float | None) -> float | None:
    """The value in the indicator's unit: amounts enter the model as log1p and are told plainly."""
    if value is None or math.isnan(value):
        return None
    return round(math.expm1(value), 2) if column.indicator.logarithmic else value


def sentence(
    column: FeatureColumn, value: float | None, contribution: float, language: Language
) -> str:
    """What was seen, in which window, and whether it raised or lowered the risk."""
    words = _phrases()[language]
    effect = words["raises" if contribution > 0 else "lowers"]
    name = column.indicator.name_zh if language == "zh" else column.indicator.name_en
    if column.window_days != STATE:
        name = words["windowed"].format(name=name, days=column.window_days)
    if value is None:
        return str(words["unknown"].format(name=name, effect=effect))
    unit = column.indicator.unit
    pattern = words["answer" if unit == "flag" else "number"]
    return str(pattern.format(name=name, value=told(value, unit, language), effect=effect))


def told(value: float, unit: str, language: Language) -> str:
    """A value with its unit, as people read it."""
    words = _phrases()[language]
    if unit == "flag":
        return str(words["yes" if value else "no"])
    return f"{told_number(value, unit)}{words['units'][unit]}"


def told_number(value: float, unit: str) -> str:
    """A value without its unit: shares to three digits, large numbers without decimals."""
    if unit == "ratio":
        return f"{value:.3g}"
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.2f}"


def units() -> dict[Language, set[str]]:
    """The units that have a word, by language."""
    return {"zh": set(_phrases()["zh"]["units"]), "en": set(_phrases()["en"]["units"])}


@cache
def _phrases() -> dict[str, Any]:
    text = files("xinheng.models.reasons").joinpath("phrases.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
