"""The model card of a version: what it is for, what it was made from, how good and how fair."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from xinheng.config import Home
from xinheng.errors import NotReady
from xinheng.models.artifact import RiskModel, load_model
from xinheng.models.promotions import Promotions
from xinheng.training.control.pages import templates
from xinheng.training.control.plots import calibration_plot, class_plot
from xinheng.training.control.versions import Version, evaluation_of, reference_of, version
from xinheng.training.judging.tell import TITLES, look_text, number, setting, share, span

MOST_INDICATORS = 15
ROWS = 2_000


def write_card(home: Home, name: str, *, at: datetime) -> Path:
    """Write `card.html`, `card.md` and its pictures into the version's folder; the folder.

    Raises
    ------
    NotReady
        If the version has not been evaluated.
    """
    one = version(home, name)
    told = _told(home, one, load_model(one.folder), at)
    plots = {"calibration": calibration_plot({name: told["evaluation"]["bins"]})}
    if told["evaluation"]["classes"]:
        plots["classes"] = class_plot(told["evaluation"]["classes"])
    for plot, svg in plots.items():
        _write(one.folder / f"{plot}.svg", _standalone(svg))
    for kind in ("html", "md"):
        page = templates().get_template(f"card.{kind}").render(**told, plots=plots)
        _write(one.folder / f"card.{kind}", page + "\n")
    return one.folder


def _told(home: Home, one: Version, model: RiskModel, at: datetime) -> dict[str, Any]:
    with Promotions.at(home.database_url) as ledger:
        history = [entry for entry in ledger.history(one.task) if entry.version == one.name]
    described = json.loads((one.folder / "model.json").read_text(encoding="utf-8"))
    return {
        "version": one.name,
        "facts": one.facts,
        "catalogue": described["catalogue"],
        "columns": len(model.columns),
        "directed": sum(column.monotone != 0 for column in model.columns),
        "calibration": model.calibration.kind,
        "alert_at": model.alert_at,
        "evaluation": evaluation_of(one),
        "indicators": _weights(one, model),
        "history": history,
        "gates": history[-1].gates if history else {},
        "titles": TITLES,
        "number": number,
        "look_text": look_text,
        "share": share,
        "span": span,
        "setting": setting,
        "made_at": at,
    }


def _weights(one: Version, model: RiskModel) -> list[Mapping[str, Any]]:
    """Mean size of each indicator's push among the reference population, the largest first."""
    try:
        rows = reference_of(one)
    except NotReady:
        return []
    pushes = np.abs(model.contributions(rows.head(ROWS))[:, :-1]).mean(axis=0)
    total: dict[str, float] = {}
    for column, push in zip(model.columns, pushes.tolist(), strict=True):
        total[column.indicator.id] = total.get(column.indicator.id, 0.0) + push
    named = {column.indicator.id: column.indicator for column in model.columns}
    ordered = sorted(total, key=lambda name: -total[name])[:MOST_INDICATORS]
    most = total[ordered[0]] or 1.0
    return [
        {
            "id": name,
            "name_zh": named[name].name_zh,
            "name_en": named[name].name_en,
            "direction": named[name].direction,
            "push": total[name],
            "width": round(100 * total[name] / most),
        }
        for name in ordered
    ]


def _standalone(svg: str) -> str:
    return f'<?xml version="1.0" encoding="utf-8"?>\n{svg}'


def _write(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)
