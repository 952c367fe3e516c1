"""An evaluation as people read it on a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

TITLES = {
    "auc": "AUC",
    "average_precision": "avg. prec.",
    "precision_at_capacity": "precision",
    "recall_at_capacity": "recall",
    "lift_at_capacity": "lift",
    "brier": "Brier",
    "ece": "ECE",
    "kappa": "kappa",
    "days_earlier": "days earlier",
}
NAME, CELL = 28, 14
DASH = "—"


def evaluation_text(told: Mapping[str, Any]) -> str:
    """Tables of figures, classes and groups, from what `evaluation.json` holds."""
    lines = [
        (
            f"{told['version']}: {told['cases']:,} cases of {told['period']}, "
            f"{told['problems']:,} with a problem ({told['problems'] / told['cases']:.1%}); "
            f"at capacity: the riskiest {told['capacity']:.0%}"
        ),
        "",
        *_figures(told["rankers"]),
        *_looks(told["looks"]),
        *_classes(told),
        *_sets(told),
        *_unvisited(told),
        *_groups(told["groups"]),
        *_probes(told),
    ]
    return "\n".join(lines)


def _figures(rankers: Mapping[str, Any]) -> list[str]:
    names = [n for n in TITLES if any(n in figures for figures in rankers.values())]
    lines = [" " * NAME + "".join(f"{TITLES[name]:>{CELL}}" for name in names)]
    for place, (ranker, figures) in enumerate(rankers.items()):
        cells = [number(figures[n]["value"]) if n in figures else DASH for n in names]
        lines.append(f"{ranker:<{NAME}}" + "".join(f"{cell:>{CELL}}" for cell in cells))
        if place == 0:
            spans = [span(figures[n]) if n in figures else DASH for n in names]
            lines.append(
                f"{'  95 % interval':<{NAME}}" + "".join(f"{cell:>{CELL}}" for cell in spans)
            )
    return lines


def _looks(looks: Mapping[str, Any]) -> list[str]:
    return ["", *(look_text(hours, one) for hours, one in looks.items())] if looks else []


def look_text(hours: str, one: Mapping[str, Any]) -> str:
    """One earlier look on a line."""
    parts = [f"{TITLES[name]} {number(figure['value'])}" for name, figure in one["figures"].items()]
    return (
        f"{int(hours) // 24} days before: {one['cases']:,} cases, {one['problems']:,} with a "
        f"problem; {', '.join(parts)}"
    )


def _classes(told: Mapping[str, Any]) -> list[str]:
    if not told["classes"]:
        return []
    lines = ["", "class     cases  problems    rate   95 % Wilson"]
    lines += [
        f"{letter:<7}{one['cases']:>8,}{one['problems']:>10,}{share(one):>8}"
        f"   {one['low']:.1%} to {one['high']:.1%}"
        for letter, one in told["classes"].items()
    ]
    broken = told["contract_broken_at"]
    held = f"BROKEN: {', '.join(broken)}" if broken else "holds: problems rise from A to D"
    missed = told["missed_in_a"]
    return [*lines, f"class contract {held}; {missed:.1%} of the problems are in class A"]


def _sets(told: Mapping[str, Any]) -> list[str]:
    if not told["set_coverage"]:
        return []
    parts = [f"{grade} {share(one)}" for grade, one in told["set_coverage"].items()]
    return [
        "",
        (
            f"sets hold the true grade (promised 90 %): {', '.join(parts)}; "
            f"{told['set_size']:.2f} grades a set"
        ),
    ]


def _unvisited(told: Mapping[str, Any]) -> list[str]:
    cases, found = told["unvisited_cases"]
    if not told["unvisited"]:
        return []
    parts = [f"{TITLES[name]} {number(one['value'])}" for name, one in told["unvisited"].items()]
    return [
        "",
        (
            f"never visited, by what others found within a year: {cases:,} firms, {found:,} with "
            f"something; {', '.join(parts)}"
        ),
    ]


def _groups(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    if not groups:
        return []
    lines = ["", f"{'group':<36}{'cases':>8}{'flagged':>9}{'false alarms':>14}{'missed':>9}"]
    for one in groups:
        mark = f"  {one['times_average']:.2f} times the average" if one["is_over"] else ""
        mark = "  too few cases to tell" if one.get("is_small") else mark
        lines.append(
            f"{one['kind'] + ' ' + one['name']:<36}{one['cases']:>8,}{number(one['flagged']):>9}"
            f"{number(one['false_alarms']):>14}{number(one['missed']):>9}{mark}"
        )
    return lines


def _probes(told: Mapping[str, Any]) -> list[str]:
    dealt = told["shuffled"]
    lines = [
        "",
        (
            f"leak probes: labels dealt anew give AUC {dealt['auc']:.3f} "
            f"(chance {dealt['low']:.3f} to {dealt['high']:.3f}); "
            f"{told['rows_after_event']:,} rows after their own event"
        ),
    ]
    lines += [
        f"  SUSPICIOUS {one['column']}: AUC {one['auc']:.3f}, {one['why']}"
        for one in told["suspects"]
    ]
    return lines


def number(value: float | None) -> str:
    """Three digits, a dash for what does not exist."""
    return DASH if value is None or math.isnan(value) else f"{value:.3f}"


def span(figure: Mapping[str, Any]) -> str:
    """The ends of an interval."""
    return f"{number(figure['low'])}–{number(figure['high'])}".replace("0.", ".")


def share(one: Mapping[str, Any]) -> str:
    """A rate in percent."""
    return f"{one['problems'] / one['cases']:.1%}" if one["cases"] else DASH


def setting(value: float) -> str:
    """A setting: whole numbers whole, others to four digits."""
    return str(value) if isinstance(value, int) else f"{value:.4g}"
