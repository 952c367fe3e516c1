"""Figures as people and programs read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from xinheng.training.judging.evaluate import Figure
from xinheng.training.judging.judge import OURS
from xinheng.training.studies.run import Outcome
from xinheng.training.studies.study import Published

TITLES = {
    "auc": "AUC",
    "average_precision": "avg. prec.",
    "brier": "Brier",
    "ece": "ECE",
    "days_earlier": "days earlier",
    "first_half_share": "first half",
    "kappa": "kappa",
    "class_error": "class error",
}
_WIDTH = 44
UNSTEADY = (
    "inputs: how long ago somebody looked, and means over visits, are among them; a clean visit "
    "may raise the risk, so this is no model for classes (docs/models.md, Directions)"
)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Our figures at the top level; intervals, other rankers and origin below."""
    metrics = outcome.study.metrics
    ours = {name: outcome.rankers[OURS][name] for name in metrics}
    return {
        **{name: figure.value for name, figure in ours.items()},
        "n_test": outcome.n_test,
        "n_positive": outcome.n_positive,
        "n_train": outcome.n_train,
        "intervals": {name: [figure.low, figure.high] for name, figure in ours.items()},
        "rankers": {
            name: {key: _number(figures[key].value) for key in metrics}
            for name, figures in outcome.rankers.items()
            if name != OURS
        },
        "published": [p.model_dump(exclude_none=True) for p in outcome.study.published],
        "study": outcome.study.name,
        "options": list(outcome.options),
        "model_version": outcome.model.version,
        "run_id": outcome.run_id,
        "facts": outcome.model.facts,
        "unused_columns": list(outcome.unused),
        "alarms": [f"{alarm.kind}: {alarm.told}" for alarm in outcome.alarms],
    }


def as_text(outcome: Outcome) -> str:
    """The table that `xinheng study run` prints."""
    study = outcome.study
    options = ", ".join(outcome.options) or "none"
    lines = [
        f"{study.title_zh}  {study.title_en}",
        (
            f"train {outcome.n_train:,} visits ({outcome.model.facts['data_window']}); "
            f"test {outcome.n_test:,} visits, {outcome.n_positive:,} with a problem "
            f"({outcome.n_positive / outcome.n_test:.1%}); options: {options}"
        ),
        "",
        _head(study.metrics),
    ]
    for name, figures in outcome.rankers.items():
        lines.append(_row(_named(outcome, name), figures, study.metrics))
        if name == OURS:
            lines.append(_intervals(figures, study.metrics))
    lines += [_published(published, outcome) for published in study.published]
    notes = [
        f"{name}: {study.options[name].note}"
        for name in outcome.options
        if study.options[name].note
    ]
    marked = "* used inputs that this run did not have" if _any_marked(outcome) else ""
    alarms = [f"ALARM {alarm.kind}: {alarm.told}" for alarm in outcome.alarms]
    notes += [UNSTEADY] if outcome.model.inputs.unsteady else []
    return "\n".join([*lines, *filter(None, ["", marked, *notes, *alarms])])


def folds_text(
    folds: Sequence[Mapping[str, Figure]], options: Sequence[str], metrics: Sequence[str]
) -> str:
    """One line a rolling origin, and their mean."""
    lines = [f"rolling origins inside the training period; options: {', '.join(options) or 'none'}"]
    lines += ["", _head(metrics)]
    lines += [_row(f"origin {number}", fold, metrics) for number, fold in enumerate(folds, start=1)]
    means = {n: Figure(mean(f[n].value for f in folds), math.nan, math.nan) for n in metrics}
    return "\n".join([*lines, _row("mean", means, metrics)])


def _head(metrics: Sequence[str]) -> str:
    return " " * _WIDTH + "".join(f"{TITLES[name]:>15}" for name in metrics)


def _row(name: str, figures: Mapping[str, Figure], metrics: Sequence[str]) -> str:
    return f"{name:<{_WIDTH}}" + "".join(f"{_told(n, figures[n].value):>15}" for n in metrics)


def _intervals(figures: Mapping[str, Figure], metrics: Sequence[str]) -> str:
    cells = (f"{_told(n, figures[n].low)}–{_told(n, figures[n].high)}" for n in metrics)
    return f"{'  95 % bootstrap interval':<{_WIDTH}}" + "".join(f"{cell:>15}" for cell in cells)


def _published(published: Published, outcome: Outcome) -> str:
    values = {name: getattr(published, name, None) for name in outcome.study.metrics}
    figures: dict[str, Figure] = {
        n: Figure(math.nan if v is None else v, 0, 0) for n, v in values.items()
    }
    star = "*" if _unfair(published.fair_with, outcome) else ""
    return _row(f"published: {published.name}{star}", figures, outcome.study.metrics)


def _named(outcome: Outcome, name: str) -> str:
    used = {other.name: other.fair_with for other in outcome.study.compare}.get(name, "")
    return f"{name}*" if _unfair(used, outcome) else name


def _unfair(used: str, outcome: Outcome) -> bool:
    return bool(used) and used not in outcome.options


def _any_marked(outcome: Outcome) -> bool:
    study = outcome.study
    used = [*(o.fair_with for o in study.compare), *(p.fair_with for p in study.published)]
    return any(_unfair(name, outcome) for name in used)


def _told(name: str, value: float) -> str:
    if math.isnan(value):
        return "—"
    if name == "days_earlier":
        return f"{value:.2f}"
    return f"{value:.1%}" if name == "first_half_share" else f"{value:.3f}"


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
