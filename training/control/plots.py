"""Pictures of a version as SVG text: calibration and problems by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

INK, GRID = "#1f3a5f", "#d9d9d9"
COLOURS = ("#1f3a5f", "#c2571a", "#4a7c59")
CLASS_COLOURS = {"A": "#4a7c59", "B": "#b8a13a", "C": "#c2571a", "D": "#a32222"}


def calibration_plot(bins: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Told against found, tenths of the cases, with Wilson intervals; a line a version."""
    figure, axes = _axes("told probability", "share with a problem")
    top = 0.05
    for colour, (name, own) in zip(COLOURS, bins.items(), strict=False):
        told = [one["told"] for one in own]
        found = [one["found"]["problems"] / one["found"]["cases"] for one in own]
        low = [f - one["found"]["low"] for f, one in zip(found, own, strict=True)]
        high = [one["found"]["high"] - f for f, one in zip(found, own, strict=True)]
        axes.errorbar(told, found, yerr=[low, high], fmt="o-", color=colour, label=name, capsize=2)
        top = max(top, *told, *(one["found"]["high"] for one in own))
    axes.plot([0, top], [0, top], color=GRID, linestyle="--", zorder=0)
    axes.set_ylim(0, 1.05 * top)
    axes.legend(frameon=False, fontsize=8)
    return _svg(figure)


def class_plot(classes: Mapping[str, Mapping[str, Any]]) -> str:
    """Problems by class with Wilson intervals."""
    figure, axes = _axes("class", "share with a problem")
    for letter, one in classes.items():
        if one["cases"]:
            value = one["problems"] / one["cases"]
            axes.bar(letter, value, color=CLASS_COLOURS.get(letter, INK), width=0.6)
            axes.errorbar(
                letter, value, yerr=[[value - one["low"]], [one["high"] - value]],
                color="black", capsize=3,
            )  # fmt: skip
    return _svg(figure)


def _axes(x: str, y: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=(4.6, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylim(bottom=0)
    return figure, axes


def _svg(figure: Figure) -> str:
    """The same picture gives the same text."""
    with mpl.rc_context({"svg.hashsalt": "xinheng", "svg.fonttype": "path"}):
        file = StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
