"""The geometry of the waterfall: where each bar begins and ends, in SVG units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xinheng.serving.console.words import Language, words

LABEL_WIDTH, PLOT_WIDTH, VALUE_WIDTH = 330, 430, 90
ROW_HEIGHT = 30
LONGEST_LABEL = {"zh": 22, "en": 42}


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the picture."""

    label: str
    full_label: str
    kind: str
    """`total`, `up` or `down`; also a CSS class."""
    x: float
    width: float
    y: int
    told: str
    link_x: float
    """Where the next bar starts, for the connecting line."""


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The whole picture."""

    width: int
    height: int
    label_x: int
    value_x: int
    bars: tuple[Bar, ...]
    row_height: int = ROW_HEIGHT


def waterfall(answer: Mapping[str, Any], language: Language) -> Waterfall:
    """From the base value over the reasons to the log-odds of the score."""
    told = words(language)
    steps = [(reason[f"name_{language}"], reason["contribution"]) for reason in answer["reasons"]]
    if abs(answer["other_contributions"]) > 1e-12:
        steps.append((told["others"], answer["other_contributions"]))
    levels = [answer["base_value"]]
    for _, push in steps:
        levels.append(levels[-1] + push)
    place = _placed(levels)
    bars = [_total(told["base"], levels[0], place, 0, language)]
    bars += [
        _bar(label, push, (levels[i], levels[i + 1]), place, i + 1, language)
        for i, (label, push) in enumerate(steps)
    ]
    bars.append(_total(told["result"], levels[-1], place, len(bars), language))
    return Waterfall(
        width=LABEL_WIDTH + PLOT_WIDTH + VALUE_WIDTH,
        height=ROW_HEIGHT * len(bars),
        label_x=LABEL_WIDTH - 12,
        value_x=LABEL_WIDTH + PLOT_WIDTH + VALUE_WIDTH,
        bars=tuple(bars),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    span: float

    def x(self, level: float) -> float:
        return round(LABEL_WIDTH + PLOT_WIDTH * (level - self.low) / self.span, 1)


def _placed(levels: Sequence[float]) -> _Scale:
    low, high = min(levels), max(levels)
    margin = max(high - low, 0.2) * 0.08
    return _Scale(low - margin, (high - low) + 2 * margin)


def _bar(
    label: str, push: float, ends: tuple[float, float], scale: _Scale, row: int, language: Language
) -> Bar:
    left, right = sorted(scale.x(level) for level in ends)
    return Bar(
        label=_short(label, language),
        full_label=label,
        kind="up" if push > 0 else "down",
        x=left,
        width=max(1.0, round(right - left, 1)),
        y=row * ROW_HEIGHT,
        told=f"{push:+.3f}",
        link_x=scale.x(ends[1]),
    )


def _total(label: str, level: float, scale: _Scale, row: int, language: Language) -> Bar:
    x = scale.x(level)
    return Bar(
        label=_short(label, language),
        full_label=label,
        kind="total",
        x=x - 3,
        width=6.0,
        y=row * ROW_HEIGHT,
        told=f"{level:.3f}",
        link_x=x,
    )


def _short(label: str, language: Language) -> str:
    limit = LONGEST_LABEL[language]
    return label if len(label) <= limit else f"{label[: limit - 1]}…"
