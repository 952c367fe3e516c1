"""A sentence in Chinese and English for an indicator's value and the way it pushed."""

from __future__ import annotations

import math

from xinheng.features.indicator import STATE, FeatureColumn

UNITS_ZH = {
    "day": "天", "flag": "", "ratio": "", "count": "次", "yuan": "元", "point": "分",
    "grade": "档", "m2": "平方米", "item": "项", "percent": "%", "month": "个月", "year": "年",
    "minute": "分钟", "score": "分", "code": "",
}  # fmt: skip
UNITS_EN = {
    "day": "days", "flag": "", "ratio": "", "count": "", "yuan": "yuan", "point": "points",
    "grade": "", "m2": "m²", "item": "items", "percent": "%", "month": "months", "year": "years",
    "minute": "minutes", "score": "points", "code": "",
}  # fmt: skip


def shown_value(column: FeatureColumn, value: float | None) -> float | None:
    """The value in the indicator's unit: amounts enter the model as log1p and are told plainly."""
    if value is None or math.isnan(value):
        return None
    return round(math.expm1(value), 2) if column.indicator.logarithmic else value


def sentence_zh(column: FeatureColumn, value: float | None, contribution: float) -> str:
    effect = "推高风险" if contribution > 0 else "降低风险"
    name = column.indicator.name_zh
    if column.window_days != STATE:
        name = f"近{column.window_days}天{name}"
    if value is None:
        return f"{name}无数据(来源未覆盖或不适用),{effect}"
    unit = column.indicator.unit
    if unit == "flag":
        return f"{name}:{'是' if value else '否'},{effect}"
    return f"{name}为{told_number(value, unit)}{UNITS_ZH.get(unit, unit)},{effect}"


def sentence_en(column: FeatureColumn, value: float | None, contribution: float) -> str:
    effect = "raises the risk" if contribution > 0 else "lowers the risk"
    name = column.indicator.name_en
    if column.window_days != STATE:
        name = f"{name}, last {column.window_days} days"
    if value is None:
        return f"{name}: no data (source not covered, or not applicable); {effect}"
    unit = column.indicator.unit
    if unit == "flag":
        return f"{name}: {'yes' if value else 'no'}; {effect}"
    return f"{name}: {told_number(value, unit)} {UNITS_EN.get(unit, unit)}".rstrip() + f"; {effect}"


def told_number(value: float, unit: str) -> str:
    """A value as people read it, without its unit."""
    if unit == "ratio":
        return f"{value:.3g}"
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.2f}"
