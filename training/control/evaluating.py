"""The test period is read once a version; what it said is written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import polars as pl

from xinheng.config import Home
from xinheng.errors import Refused
from xinheng.models.artifact import RiskModel, load_model
from xinheng.models.calibration import Floats
from xinheng.training.cohorts.cohort import DAY
from xinheng.training.cohorts.material import Material, Step, material_of
from xinheng.training.control.tracking import record_figures
from xinheng.training.control.versions import (
    definition_of,
    evaluation_of,
    keep_evaluation,
    version,
)
from xinheng.training.judging.judge import RESAMPLES, judge


def evaluated(  # noqa: PLR0913  (the edges of one evaluation)
    home: Home,
    name: str,
    *,
    at: datetime,
    until: datetime | None = None,
    chances: Callable[[pl.DataFrame], Floats] | None = None,
    again: bool = False,
    resamples: int = RESAMPLES,
    on_step: Step = lambda _: None,
) -> dict[str, Any]:
    """What the test period says of a version: read now, or written down before."""
    one = version(home, name)
    if one.is_evaluated and not again:
        on_step("the test period was read before")
        return evaluation_of(one)
    before = evaluation_of(one)["readings"] if one.is_evaluated else 0
    model = load_model(one.folder)
    material = material_of(home, definition_of(home, name), until, on_step)
    _apart(model, material)
    found = judge(
        material, model, home.classes, chances=chances, resamples=resamples, on_step=on_step
    )
    keep_evaluation(one, found.as_json() | {"readings": before + 1}, at=at)
    figures = {f"test_{key}": figure.value for key, figure in found.ours.items()}
    record_figures(home.mlruns, one.task, name, figures)
    return evaluation_of(one)


def _apart(model: RiskModel, material: Material) -> None:
    """The test period begins after everything the version was trained on.

    Raises
    ------
    Refused
        If it does not: the version was trained with a later `--until`.
    """
    last = date.fromisoformat(str(model.facts["data_window"]).split("..")[1])
    first = material.of("test", honest=True)[0][DAY].min()
    assert isinstance(first, date)
    if first <= last:
        raise Refused(
            f"{model.version} was trained on rows up to {last}, the test period begins {first}",
            hint="evaluate with the `--until` that it was trained with",
        )
