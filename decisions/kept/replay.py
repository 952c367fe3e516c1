"""A kept assessment, computed once more from the same state of the lake and the same models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from xinheng.config import Home
from xinheng.decisions.alerts.points import load_points
from xinheng.decisions.changes import Standing
from xinheng.decisions.hard_rules import load_rules
from xinheng.decisions.kept.facts import Past
from xinheng.decisions.kept.rows import as_told
from xinheng.decisions.office import Office
from xinheng.decisions.whole import assess_whole
from xinheng.errors import NotFound, NotReady
from xinheng.models.artifact import RISK_CLASS, RiskModel, load_model
from xinheng.records.lake import Lake


class Histories(Protocol):
    """Who knows how an enterprise was assessed before."""

    def history(self, uscc: str, *, before: int, limit: int) -> list[Past]: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of the answer that came out otherwise."""

    part: str
    then: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of computing it again."""

    uscc: str
    run_id: int
    as_of: datetime
    lake_batch: int
    model_versions: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def is_same(self) -> bool:
        """To the last digit."""
        return not self.differences


def replayed(home: Home, store: Histories, uscc: str, run_id: int = 0) -> Replay:
    """Compute an assessment again; by default the newest of the enterprise.

    The rules of classes, hard rules and warning points are those of today: a difference in them
    is told as one.

    Raises
    ------
    NotFound
        If there is no such assessment.
    NotReady
        If a model of that time, or the state of the lake, is gone.
    """
    past, earlier = _found(store, uscc, run_id)
    told = dict(past.answer)
    as_of = datetime.fromisoformat(told["as_of"])
    office, lake = _office(home, told), Lake(home.lake).at_batch(past.lake_batch)
    before = _standing(earlier, told)
    again = assess_whole(office, lake, as_of, before=before, usccs=[uscc])
    now: Mapping[str, Any] = json.loads(json.dumps(as_told(again[0]))) if again else {}
    versions = tuple(sorted({model.version for model in office.used}))
    differences = tuple(_differences(told, now))
    return Replay(uscc, past.run_id, as_of, past.lake_batch, versions, differences)


def _found(store: Histories, uscc: str, run_id: int) -> tuple[Past, list[Past]]:
    """The assessment, and those before it, the newest first."""
    history = store.history(uscc, before=run_id + 1 if run_id else 0, limit=1_000)
    if not history or (run_id and history[0].run_id != run_id):
        which = f"run {run_id}" if run_id else "any run"
        raise NotFound(f"{uscc} was not assessed by {which}", hint="see its history")
    return history[0], history[1:]


def _standing(earlier: Sequence[Past], told: Mapping[str, Any]) -> dict[str, Standing]:
    """How it stood before, which settles the class: as `DecisionStore.standings` had it."""
    known = [one for one in earlier if one.answer["as_of"] < told["as_of"]]
    if not known:
        return {}
    last = known[0].answer
    night = next((one for one in known if one.kind == "all"), known[-1]).answer
    standing = Standing(
        risk_class=last["risk_class"],
        model_class=night["model_class"],
        settled_class=last.get("settled_class") or last["model_class"],
        model_version=last["model_version"],
        rules=tuple(str(rule["id"]) for rule in last.get("hard_rules", ())),
        score=last["score"],
        as_of=datetime.fromisoformat(last["as_of"]),
        lake_batch=known[0].lake_batch,
        ruling="",
    )
    return {str(told["uscc"]): standing}


def _office(home: Home, told: Mapping[str, Any]) -> Office:
    """The models that the answer names, with today's rules."""
    models = {RISK_CLASS: _model(home, told["model_version"])}
    for view in told.get("sectors", ()):
        models[view["task"]] = _model(home, view["model_version"])
    for duty in told.get("obligations", ()):
        if duty["model_version"]:
            model = _model(home, duty["model_version"])
            models[_task(home, model.version)] = model
    points = load_points(home.warning_points)
    return Office(models, load_rules(home.hard_rules), points, home.classes)


def _model(home: Home, version: str) -> RiskModel:
    return load_model(home.model(_task(home, version)) / version)


def _task(home: Home, version: str) -> str:
    """The task whose folder has the version."""
    for task in sorted(home.models.glob("*")):
        if (task / version).exists():
            return task.name
    raise NotReady(f"model {version} is gone from {home.models}", hint="bring its folder back")


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    for part in sorted({*then, *now}):
        if then.get(part) != now.get(part):
            yield Difference(part, then.get(part), now.get(part))
