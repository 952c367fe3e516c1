"""Hard rules: facts that lift a class whatever the model says (domain README, section 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xinheng.config import Scheme
from xinheng.domain import RiskClass
from xinheng.errors import BadMapping, UnknownName
from xinheng.features.catalogue import catalogue
from xinheng.features.declared import Inputs, TotalFeature
from xinheng.features.engine.compute import compute
from xinheng.features.explain.evidence import evidence_ids
from xinheng.features.indicator import FeatureColumn, Indicator
from xinheng.features.sectors import members, membership, sectors
from xinheng.features.source import Source
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

    @property
    def columns(self) -> tuple[FeatureColumn, ...]:
        """What the engine is asked; none where a sector is the ground."""
        if self.sector:
            return ()
        return (self._indicator().columns[0],)

    def _indicator(self) -> Indicator:
        if not self.indicator:
            name = f"rule_{self.id.lower().replace('-', '_')}"
            wanted = TotalFeature(
                id=name, table=self.table, condition=self.condition, windows_days=[0]
            )
            return Inputs(scopes=[], total=[wanted]).indicators()[0]
        if self.indicator not in catalogue():
            raise UnknownName("indicator", self.indicator, catalogue(), where=f"rule {self.id}")
        return catalogue()[self.indicator]


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
    delivered = Path(str(files("xinheng.decisions") / "hard_rules.toml"))
    path = own if own is not None and own.exists() else delivered
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
        _ = rule.columns  # an unknown indicator or column is told now
    return rules


def fired(
    rules: Sequence[HardRule], everyone: pl.DataFrame, source: Source, *, view: str = ""
) -> Mapping[str, tuple[Fired, ...]]:
    """By USCC the rules that hold, of those without a view and of the view.

    Parameters
    ----------
    everyone
        `uscc`, `as_of`: what was known by then counts, as everywhere.
    view
        Sector of the class; empty: the general one.
    """
    asked = [rule for rule in rules if rule.view in ("", view)]
    question = everyone.select("uscc", "as_of")
    columns = [column for rule in asked for column in rule.columns]
    found = _values(columns, question, source)
    held = _members(asked, question, source) | {
        rule.id: found.filter(found[rule.columns[0].name].fill_null(0) > 0)["uscc"].to_list()
        for rule in asked
        if rule.columns
    }
    touched = question.filter(pl.col("uscc").is_in({one for ones in held.values() for one in ones}))
    records = evidence_ids(columns, touched, source)
    told: dict[str, list[Fired]] = {}
    for rule in asked:
        for uscc in held[rule.id]:
            ids = [one for c in rule.columns for one in records.get((uscc, c.name), ())]
            told.setdefault(uscc, []).append(Fired(rule=rule, record_ids=tuple(ids)))
    return {uscc: tuple(ones) for uscc, ones in told.items()}


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


def _values(
    columns: Sequence[FeatureColumn], question: pl.DataFrame, source: Source
) -> pl.DataFrame:
    if not columns:
        return question
    return compute(tuple(c.indicator for c in columns), question, source)


def _members(
    rules: Sequence[HardRule], question: pl.DataFrame, source: Source
) -> dict[str, list[str]]:
    """By rule the enterprises of the sector that it names."""
    named = [rule for rule in rules if rule.sector]
    if not named:
        return {}
    told = _values(membership(), question, source)
    values = {c.name: told[c.name].fill_null(0).to_numpy() for c in membership()}
    inside = members(values)
    return {
        rule.id: told.filter(pl.Series(inside[rule.sector]))["uscc"].to_list() for rule in named
    }
