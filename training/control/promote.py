"""Putting a version live, taking it back, and the two aliases that people know."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

import polars as pl

from xinheng.config import Home
from xinheng.errors import BadRequest, NotReady, Refused
from xinheng.features.engine.compute import compute
from xinheng.features.population import sector_population
from xinheng.models.artifact import LIVE, RiskModel, load_model, make_live
from xinheng.models.promotions import Entry, Promotions
from xinheng.records.lake import Lake
from xinheng.training.cohorts.material import Material, Step, material_of
from xinheng.training.cohorts.task import Task
from xinheng.training.control.gates import Candidate, Gate, gates
from xinheng.training.control.paired import Moves, differences, moves
from xinheng.training.control.versions import (
    Version,
    definition_of,
    evaluation_of,
    model_of,
    task_of,
    version,
)
from xinheng.training.judging.added import judge_added
from xinheng.training.judging.judge import visits_of

SAMPLE, SEED = 2_000, 20260101
ADDED = 100
"""Firms to which each kind of record is added in thought."""
"""Enterprises whose classes and reasons are held against those of the live version."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """A decision that was taken, with what the gates found."""

    entry: Entry
    gates: tuple[Gate, ...]


def looked_at(
    home: Home, name: str, *, until: datetime | None = None, on_step: Step = lambda _: None
) -> tuple[Gate, ...]:
    """Every gate of a version; a model that cannot be loaded fails the first."""
    one = version(home, name)
    try:
        model = load_model(one.folder)
    except NotReady as fault:
        return (Gate("catalogue", is_passed=False, told=fault.message),)
    fits = Gate("catalogue", is_passed=True, told="made for the present catalogue")
    candidate = _candidate(home, one, model, until, on_step)
    return (fits, *gates(candidate, home.settings.gates))


def promote(  # noqa: PLR0913  (who, what, why and when)
    home: Home,
    name: str,
    *,
    at: datetime,
    by: str,
    second: str = "",
    reason: str = "",
    override: bool = False,
    until: datetime | None = None,
    on_step: Step = lambda _: None,
) -> Promoted:
    """Make a version live if it holds every gate, or if two people answer for it.

    Raises
    ------
    Refused
        If a gate is not held and there is no override; each failed gate is named.
    BadRequest
        If an override lacks its reason or one of two different names.
    """
    _check_names(by, second, reason, override=override)
    found = looked_at(home, name, until=until, on_step=on_step)
    failed = [gate for gate in found if not gate.is_passed]
    if any(gate.name == "catalogue" for gate in failed) or (failed and not override):
        raise _refused(name, found)
    with Promotions.at(home.database_url) as ledger:
        entry = ledger.add(
            task_of(name), "promote", name, at=at, by=by, second=second, reason=reason,
            gates=_written(found),
        )  # fmt: skip
    return _put_live(home, entry, found)


def promote_or_try(
    home: Home, name: str, *, at: datetime, by: str, reason: str, on_step: Step = lambda _: None
) -> Promoted:
    """Make a version live: promoted if it holds every gate, else on trial.

    A version on trial scores like a live one. The ledger keeps the gates that it does not hold,
    and every page and answer with its scores says that it is on trial.

    Raises
    ------
    Refused
        If it was made for another catalogue of indicators: its scores would mean something else.
    """
    _check_names(by, "", reason, override=False)
    found = looked_at(home, name, on_step=on_step)
    failed = {gate.name for gate in found if not gate.is_passed}
    if "catalogue" in failed:
        raise _refused(name, found)
    with Promotions.at(home.database_url) as ledger:
        entry = ledger.add(
            task_of(name), "trial" if failed else "promote", name, at=at, by=by, reason=reason,
            gates=_written(found),
        )  # fmt: skip
    return _put_live(home, entry, found)


def _put_live(home: Home, entry: Entry, found: tuple[Gate, ...]) -> Promoted:
    make_live(home.model(entry.task), entry.version)
    return Promoted(entry, found)


def _written(found: tuple[Gate, ...]) -> dict[str, object]:
    return {gate.name: asdict(gate) for gate in found}


def _refused(name: str, found: tuple[Gate, ...]) -> Refused:
    failed = [gate for gate in found if not gate.is_passed]
    told = "; ".join(f"{gate.name}: {gate.told}" for gate in failed)
    return Refused(
        f"{name} is not promoted, {len(failed)} of {len(found)} gates fail: {told}",
        hint="train again; `xinheng models try` to use it on trial; or --override with a reason "
        "and two names; nothing helps against another catalogue",
    )


def roll_back(home: Home, task: str, *, at: datetime, by: str, reason: str) -> Entry:
    """Make the version live that was so before the present one.

    Raises
    ------
    NotReady
        If there is none, or its model cannot be loaded any more.
    """
    with Promotions.at(home.database_url) as ledger:
        former = ledger.before(task)
        if former is None:
            raise NotReady(
                f"no earlier version of {task} was live", hint="see `xinheng models history`"
            )
        load_model(version(home, former).folder)
        entry = ledger.add(task, "rollback", former, at=at, by=by, reason=reason)
    make_live(home.model(task), former)
    return entry


def retire(home: Home, task: str, *, at: datetime, by: str, reason: str) -> Entry:
    """Take the live version of a task out of use without another in its place.

    Raises
    ------
    NotReady
        If none is live.
    """
    with Promotions.at(home.database_url) as ledger:
        live = ledger.champion(task)
        if live is None:
            raise NotReady(f"no version of {task} is live", hint="see `xinheng models history`")
        entry = ledger.add(task, "retire", live, at=at, by=by, reason=reason)
    (home.model(task) / LIVE).unlink(missing_ok=True)
    return entry


def challenge(home: Home, name: str, *, at: datetime, by: str, reason: str = "") -> Entry:
    """Let a version be scored in the shadow of the live one.

    Raises
    ------
    BadRequest
        If it is the live one itself.
    """
    version(home, name)
    with Promotions.at(home.database_url) as ledger:
        if ledger.champion(task_of(name)) == name:
            raise BadRequest(f"{name} is live; it cannot be its own challenger")
        return ledger.add(task_of(name), "challenge", name, at=at, by=by, reason=reason)


def champion_of(home: Home, task: str, on: datetime | None = None) -> str | None:
    """The version that is live, or was at a moment."""
    with Promotions.at(home.database_url) as ledger:
        return ledger.champion(task, on)


def everyone_now(
    home: Home, task: Task, model: RiskModel, other: RiskModel, until: datetime | None
) -> pl.DataFrame:
    """What is known now of a sample of those whom the task is about."""
    lake = Lake(home.lake)
    everyone = sector_population(lake, until or lake.known_until(), task.sector)
    chosen = everyone.sample(min(SAMPLE, everyone.height), seed=SEED).sort("uscc")
    named = {one.id: one for one in (*model.indicators, *other.indicators)}
    return compute(named.values(), chosen, lake)


def moved(
    home: Home,
    material: Material,
    first: RiskModel,
    second: RiskModel,
    until: datetime | None,
) -> Moves:
    """Who would change class: of the population; for duties, of the test cases."""
    task = material.asked
    assert isinstance(task, Task)
    if task.classified:
        rows = everyone_now(home, task, first, second, until)
    else:
        rows = material.of("test", honest=True)[1]
        rows = rows.sample(min(SAMPLE, rows.height), seed=SEED)
    return moves(first, second, rows, home.classes.cuts)


def _candidate(
    home: Home, one: Version, model: RiskModel, until: datetime | None, on_step: Step
) -> Candidate:
    task = definition_of(home, one.name)
    material = material_of(home, task, until, on_step)
    visits = visits_of(material, model)
    champion, alone = _champion(home, one)
    against = change = None
    if champion is not None:
        on_step(f"holding it against {champion.version}")
        against = differences(visits_of(material, champion), visits, seed=SEED)
        change = moved(home, material, champion, model, until)
    assert visits.probability is not None
    return Candidate(
        model=model,
        evaluation=evaluation_of(one),
        probability=visits.probability,
        label=visits.label,
        features=material.of("test", honest=True)[1],
        against=against,
        moves=change,
        added=tuple(
            judge_added(
                model,
                material.lake,
                until or material.lake.known_until(),
                most=ADDED,
                sector=task.sector,
                on_step=on_step,
            )
        ),
        alone=alone,
    )


def _champion(home: Home, one: Version) -> tuple[RiskModel | None, str]:
    """The live version to hold another against, or why there is none.

    A live version of an older catalogue cannot be asked any more; it must not stand in the way of
    the version that takes its place.
    """
    live = champion_of(home, one.task)
    if live is None or live == one.name:
        return None, "no other version is live to compare with"
    try:
        return model_of(home, live), ""
    except NotReady as fault:
        return None, f"the live version cannot be compared with: {fault.message}"


def _check_names(by: str, second: str, reason: str, *, override: bool) -> None:
    if not by.strip():
        raise BadRequest("a promotion needs a name", hint="--by NAME")
    if override and not (reason.strip() and second.strip() and second.strip() != by.strip()):
        raise BadRequest(
            "an override needs a reason and two different names",
            hint="--by NAME --second NAME --reason TEXT",
        )
