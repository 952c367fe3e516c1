"""What a deployment decides by: its live models, hard rules, classes and warning points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from xinheng.config import ClassSettings, Home
from xinheng.decisions.alerts.points import Point, load_points
from xinheng.decisions.gathered import agreeing
from xinheng.decisions.hard_rules import HardRule, load_rules
from xinheng.features.catalogue import version_of
from xinheng.features.indicator import Indicator
from xinheng.models.artifact import LIVE, RISK_CLASS, RiskModel, live_version, load_model


@dataclass(frozen=True)
class Office:
    """What a deployment decides by: live models, hard rules, classes, warning points."""

    models: Mapping[str, RiskModel]
    """By task; that of the general class is among them."""
    rules: Sequence[HardRule]
    points: Sequence[Point]
    classes: ClassSettings

    @property
    def general(self) -> RiskModel:
        return self.models[RISK_CLASS]

    @cached_property
    def deadline_models(self) -> dict[str, RiskModel]:
        """By kind of duty the live model of missing its deadline."""
        wanted = [p.deadline for p in self.points if p.deadline and p.deadline.model in self.models]
        return {one.kind: self.models[one.model] for one in wanted}

    @cached_property
    def sector_models(self) -> dict[str, RiskModel]:
        """By task the live models of sector views."""
        return {
            task: model for task, model in self.models.items() if sector_of(model) and model.ordered
        }

    @cached_property
    def indicators(self) -> tuple[Indicator, ...]:
        """All that its models read, each once."""
        return tuple({one.id: one for model in self.used for one in model.indicators}.values())

    @cached_property
    def reads(self) -> str:
        """Twelve characters that change when its models read anything else."""
        return version_of(self.indicators)

    @cached_property
    def groups(self) -> list[list[RiskModel]]:
        """Its models; within a group an indicator of one name is the same."""
        return agreeing(self.used)

    @cached_property
    def ruling(self) -> str:
        """Sixteen characters that change when another hard rule, cut or rule of classes decides."""
        said = [*(rule.model_dump_json() for rule in self.rules), self.classes.model_dump_json()]
        return blake2b("\n".join(said).encode(), digest_size=8).hexdigest()

    @property
    def meaning(self) -> str:
        """Sixteen characters that change when another model, rule or cut decides."""
        said = [
            *sorted(f"{task} {model.version}" for task, model in self.models.items()),
            *(rule.model_dump_json() for rule in self.rules),
            self.classes.model_dump_json(),
        ]
        return blake2b("\n".join(said).encode(), digest_size=8).hexdigest()

    @cached_property
    def used(self) -> list[RiskModel]:
        """All of them, the general one first."""
        found = [self.general, *self.sector_models.values(), *self.deadline_models.values()]
        return list({id(model): model for model in found}.values())


class Offices:
    """The office of a home as it is now: read again when a version goes live or a rule changes."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._stamp: tuple[object, ...] = ()
        self._office: Office | None = None

    def current(self) -> Office:
        """The office.

        Raises
        ------
        NotReady
            If no model of the general class is live, or one cannot be used.
        """
        stamp = _stamp(self._home)
        if self._office is None or stamp != self._stamp:
            self._office, self._stamp = office_of(self._home), stamp
        return self._office


def office_of(home: Home) -> Office:
    """Read what the home decides by.

    Raises
    ------
    NotReady
        If no model of the general class is live, or one cannot be used.
    """
    models = live_models(home)
    if RISK_CLASS not in models:
        models[RISK_CLASS] = live_model(home)
    points = load_points(home.warning_points)
    return Office(models, load_rules(home.hard_rules), points, home.classes)


def live_model(home: Home, task: str = RISK_CLASS) -> RiskModel:
    """The home's live model of a task; by default that of the general class."""
    folder = home.model(task)
    return load_model(folder / live_version(folder))


def live_models(home: Home) -> dict[str, RiskModel]:
    """The live models by task; tasks without a live version are not there."""
    tasks = sorted(path.parent.name for path in home.models.glob(f"*/{LIVE}"))
    return {task: live_model(home, task) for task in tasks}


def sector_of(model: RiskModel) -> str:
    """The sector of a model's view; empty: it is of everyone."""
    return str(model.facts.get("sector", ""))


def _stamp(home: Home) -> tuple[object, ...]:
    pointers = sorted(home.models.glob(f"*/{LIVE}"))
    own = [path for path in (home.hard_rules, home.warning_points) if path.exists()]
    return (
        *((path.parent.name, path.read_text(encoding="utf-8")) for path in pointers),
        *((path.name, path.stat().st_mtime_ns) for path in own),
    )
