"""A search ends, whatever its trials come to."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from optuna.trial import Trial

from xinheng.errors import NotReady
from xinheng.training.cohorts.material import Material
from xinheng.training.cohorts.task import load_task
from xinheng.training.fitting import tune as searching
from xinheng.training.fitting.tune import tune, tuned_settings


def material() -> Material:
    """So much of a material as a search looks at beside its trials."""
    lake = SimpleNamespace(snapshot=SimpleNamespace(number=1))
    told = SimpleNamespace(
        asked=load_task("unpaid_fine"), lake=lake, of=lambda _: (SimpleNamespace(height=100), None)
    )
    return cast("Material", told)


def search(values: list[float]) -> type:
    """A search whose trials come to these values, one after the other."""

    class Search:
        def __init__(self, *_: Any) -> None: ...

        def __call__(self, trial: Trial) -> float:
            searching._suggested(trial)  # noqa: SLF001
            return values.pop(0)

    return Search


def test_a_goal_that_cannot_be_computed_ends_after_the_trials_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [float("nan")] * 5
    monkeypatch.setattr(searching, "_Search", search(left))
    with pytest.raises(NotReady, match="too few problems to search with: in none of 3 trials"):
        tune(material(), tmp_path, trials=3)
    assert len(left) == 2
    assert tuned_settings(tmp_path, load_task("unpaid_fine")) is None


def test_failed_trials_count_and_the_best_of_the_others_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "_Search", search([0.2, float("nan"), 0.5, 0.1]))
    told: list[float | None] = []
    found = tune(material(), tmp_path, trials=4, on_trial=lambda *one: told.append(one[2]))
    assert (found.value, found.trials, told) == (0.5, 4, [0.2, None, 0.5, 0.1])
    assert tuned_settings(tmp_path, load_task("unpaid_fine")) == found.settings
