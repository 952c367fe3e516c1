"""Hard rules: facts that lift a class whatever the model says (domain README, section 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xinheng.config import Scheme
from xinheng.domain import RiskClass
from xinheng.errors import BadMapping, UnknownName
from xinheng.features.catalogue import catalogue
from xinheng.features.declared import Inputs, TotalFeature
from xinheng.features.explain.evidence import Grounds, evidence_ids
from xinheng.features.indicator import FeatureColumn, Indicator
from xinheng.features.sectors import membership, sector_members, sectors
from xinheng.records.frames import Bools
from xinheng.records.sources.mapping import first_fault, read_toml

FACTS_FOR_E = 2
"""So many rules that count to E make E in a five-class scheme."""


class HardRule(BaseModel):
    """One entry of `hard_rules.toml`; the file says what each key means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[A-Z][A-Z0-9-]*$")
    name_zh: str
    name_en: str
    indicator: str = ""
    table: str = ""
    condition: str = ""
    sector: str = ""
    view: str = ""
    at_least: RiskClass
    at_least_of_five: RiskClass | None = None
    counts_to_e: bool = False
    basis_zh: str = Field(min_length=1)
    basis_en: str = Field(min_length=1)
    remedy_zh: str
    remedy_en: str

    @model_validator(mode="after")
    def _one_ground(self) -> Self:
        grounds = [self.indicator, self.table and self.condition, self.sector]
        if sum(map(bool, grounds)) != 1:
            raise ValueError("wants `indicator`, or `table` and `condition`, or `sector`")
        if self.at_least is RiskClass.E:
            raise ValueError("`at_least` is of four classes; E goes into `at_least_of_five`")
        return self

    @cached_property
    def asked(self) -> tuple[Indicator, ...]:
        """What the engine is asked, in a column of the rule's own; none where a sector decides.

        Raises
        ------
        UnknownName
            If the catalogue or the table knows no such name.
        """
        if self.sector:
            return ()
        name = f"rule_{self.id.lower().replace('-', '_')}"
        if self.table:
            wanted = TotalFeature(
                id=name, table=self.table, condition=self.condition, windows_days=[0]
            )
            return Inputs(scopes=[], total=[wanted]).indicators()
        if self.indicator not in catalogue():
            raise UnknownName("indicator", self.indicator, catalogue(), where=f"rule {self.id}")
        base = catalogue()[self.indicator]
        return (replace(base, id=name, windows_days=base.windows_days[:1], logarithmic=False),)

    @property
    def columns(self) -> tuple[FeatureColumn, ...]:
        return tuple(column for one in self.asked for column in one.columns)


class _RuleFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: tuple[HardRule, ...]


class Fired(BaseModel):
    """A rule that holds for an enterprise, with the records it rests on."""

    model_config = ConfigDict(frozen=True)

    rule: HardRule
    record_ids: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        told = ("id", "name_zh", "name_en", "basis_zh", "basis_en", "remedy_zh", "remedy_en")
        facts = self.rule.model_dump(include=set(told))
        return facts | {"at_least": self.rule.at_least.value, "record_ids": [*self.record_ids]}


def load_rules(own: Path | None = None) -> tuple[HardRule, ...]:
    """The rules of a deployment's own file where there is one, else the delivered ones.

    Raises
    ------
    BadMapping
        If the file is none of rules, or a rule stands in it twice.
    """
    return _read(own) if own is not None and own.exists() else _delivered()


@cache
def _delivered() -> tuple[HardRule, ...]:
    return _read(Path(str(files("xinheng.decisions") / "hard_rules.toml")))


def _read(path: Path) -> tuple[HardRule, ...]:
    try:
        rules = _RuleFile.model_validate(read_toml(path)).rule
    except ValidationError as fault:
        raise first_fault(path, fault) from None
    ids = [rule.id for rule in rules]
    if len({*ids}) < len(ids):
        raise BadMapping(f"{path.name}: a rule stands there twice: {', '.join(ids)}")
    for rule in rules:
        for name in filter(None, (rule.sector, rule.view)):
            if name not in sectors():
                raise UnknownName("sector", name, sectors(), where=f"rule {rule.id}")
        _ = rule.asked  # an unknown indicator or column is told now
    return rules


def asked_by(rules: Sequence[HardRule]) -> tuple[Indicator, ...]:
    """What has to be computed to know which rules hold, sectors included."""
    sectoral = [column.indicator for column in membership()] if _names_sector(rules) else []
    return (*(one for rule in rules for one in rule.asked), *sectoral)


def fired(
    rules: Sequence[HardRule],
    values: pl.DataFrame,
    grounds: Grounds,
    *,
    places: Sequence[int] | None = None,
    view: str = "",
) -> Mapping[str, tuple[Fired, ...]]:
    """By USCC the rules that hold, of those without a view and of the view.

    Parameters
    ----------
    values
        `uscc`, and the columns of `asked_by`, as the engine computed them.
    grounds, places
        What they rest on, and which of its questions each row is; by default the same.
    view
        Sector of the class; empty: the general one.
    """
    usccs = values["uscc"].to_list()
    number = range(len(usccs)) if places is None else places
    told: dict[str, list[Fired]] = {}
    for rule in rules:
        if rule.view not in ("", view):
            continue
        held = np.flatnonzero(_holds(rule, values)).tolist()
        if not held:
            continue
        own = [number[row] for row in held]
        records = evidence_ids(rule.columns, grounds, {i.id: own for i in rule.asked})
        for row in held:
            ids = [one for c in rule.columns for one in records.get((usccs[row], c.name), ())]
            told.setdefault(usccs[row], []).append(Fired(rule=rule, record_ids=tuple(ids)))
    return {uscc: tuple(ones) for uscc, ones in told.items()}


def _holds(rule: HardRule, values: pl.DataFrame) -> Bools:
    """For whom a rule holds: a row each."""
    if rule.sector:
        return sector_members(values)[rule.sector]
    return np.asarray(values[rule.columns[0].name].to_numpy() > 0)  # null is NaN, which is not


def _names_sector(rules: Sequence[HardRule]) -> bool:
    return any(rule.sector for rule in rules)


def lifted(risk_class: str, holds: Sequence[Fired], scheme: Scheme) -> str:
    """The class after the rules; with five classes the gravest may be E."""
    floors = [risk_class]
    for one in holds:
        of_five = one.rule.at_least_of_five or one.rule.at_least
        floors.append((of_five if scheme == "A-E" else one.rule.at_least).value)
    grave = sum(one.rule.counts_to_e for one in holds)
    if scheme == "A-E" and grave >= FACTS_FOR_E:
        floors.append(RiskClass.E.value)
    return max(floors)
