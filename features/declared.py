"""Inputs declared in a file instead of a pack: profile attributes, habits, rates of neighbours.

A study names them and a model carries them, so that a score can be made without the study.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from xinheng.errors import BadMapping, UnknownName
from xinheng.features.catalogue import catalogue
from xinheng.features.indicator import Direction, Indicator
from xinheng.features.vocabulary import (
    count,
    group_rate,
    latest,
    latest_flag,
    ordinal,
    share,
    total,
)
from xinheng.features.vocabulary.fold import Aggregation, rows
from xinheng.records.in_force.proof_columns import SUCCESSOR, proof_columns
from xinheng.records.tables import table


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProfileFeature(_Strict):
    """The latest value of an attribute of `sector_profile` as a plain input."""

    attribute: str
    name_zh: str = ""
    name_en: str = ""
    unit: str = "score"
    direction: Direction = "none"
    categories: list[str] = Field([], description="Closed list of text values; makes it a category")


class WordFeature(_Strict):
    """Whether the latest text of an attribute of `sector_profile` contains each of some words.

    Only for what an authority has written down; free text of media is never an input.
    """

    attribute: str
    words: list[str] = Field(min_length=1, description="Lower-case parts of words, a closed list")
    name_zh: str = ""
    name_en: str = ""


class RateFeature(_Strict):
    """A smoothed rate of problems among other enterprises of the same group."""

    id: str
    by: Literal["region", "industry_division", "address", "contact"] = "region"
    table: str = "inspection"
    condition: str
    base: str = "true"
    windows_days: list[int] = Field(min_length=1)
    prior: int = Field(20, gt=0)
    name_zh: str = ""
    name_en: str = ""


class HabitFeature(_Strict):
    """How often an enterprise's own earlier records satisfied a condition, shrunk to all others."""

    id: str
    table: str
    condition: str
    base: str = "true"
    windows_days: list[int] = Field([0], min_length=1, description="0: all history")
    prior: int = Field(2, gt=0)
    direction: Direction = "none"
    name_zh: str = ""
    name_en: str = ""


class TotalFeature(_Strict):
    """How many own records satisfied a condition, or the sum of a column of theirs.

    For what the catalogue does not count, such as the fines of the same day.
    """

    id: str
    table: str
    condition: str = "true"
    column: str = Field("", description="A column of whole numbers to sum up; empty: rows")
    per: int = Field(1, ge=1, description="100 makes yuan of fen; enters the model as log1p")
    windows_days: list[int] = Field(min_length=1)
    direction: Direction = "none"
    name_zh: str = ""
    name_en: str = ""


class Inputs(_Strict):
    scopes: list[str] = ["general"]
    leave_out: list[str] = Field([], description="Indicators not used")
    clocks: bool = Field(
        False, description="Also indicators that say how near a deadline is; not for risk classes"
    )
    unsteady: bool = Field(
        False,
        description="Also indicators by which a bad record may lower the risk or a clean visit "
        "raise it: how long ago somebody looked, means over visits",
    )
    profile: list[ProfileFeature] = []
    word: list[WordFeature] = []
    rate: list[RateFeature] = []
    habit: list[HabitFeature] = []
    total: list[TotalFeature] = []

    def indicators(self) -> tuple[Indicator, ...]:
        """Catalogue indicators of the scopes, then the declared ones."""
        for name in {*self.leave_out} - {*catalogue()}:
            raise UnknownName("indicator", name, catalogue(), where="inputs.leave_out")
        chosen = [
            indicator
            for indicator in catalogue().values()
            if indicator.scope in self.scopes
            and indicator.id not in self.leave_out
            and (self.clocks or not indicator.is_clock)
            and (self.unsteady or indicator.is_steady)
        ]
        chosen += [_profile(feature) for feature in self.profile]
        chosen += [_word(feature, word) for feature in self.word for word in feature.words]
        chosen += [_rate(feature) for feature in self.rate]
        chosen += [_habit(feature) for feature in self.habit]
        chosen += [_total(feature) for feature in self.total]
        return tuple(chosen)


def merged(inputs: Sequence[Inputs]) -> Inputs:
    """Several declarations as one; the first names the scopes."""
    first, *others = inputs
    return first.model_copy(
        update={
            "profile": [feature for one in inputs for feature in one.profile],
            "word": [feature for one in inputs for feature in one.word],
            "rate": [feature for one in inputs for feature in one.rate],
            "habit": [feature for one in inputs for feature in one.habit],
            "total": [feature for one in inputs for feature in one.total],
            "leave_out": [*first.leave_out, *(name for one in others for name in one.leave_out)],
        }
    )


def expression(text: str, table_name: str, *, where: str) -> pl.Expr:
    """A SQL condition on a record table's stored columns."""
    try:
        parsed = pl.sql_expr(text)
    except pl.exceptions.PolarsError as fault:
        raise BadMapping(f"{where}: {text!r} is not an SQL expression ({fault})") from None
    known = {*table(table_name).schema, *(proof_columns(table_name) & {SUCCESSOR})}
    for name in parsed.meta.root_names():
        if name not in known:
            raise UnknownName(f"column of {table_name}", name, known, where=where)
    return parsed


def _profile(feature: ProfileFeature) -> Indicator:
    rows = pl.col("attribute") == feature.attribute
    if feature.categories:
        codes = {value: number for number, value in enumerate(feature.categories)}
        value = ordinal("value_text", codes, where=rows)
    else:
        value = latest(pl.col("value_num"), where=rows)
    return Indicator(
        id=f"profile_{feature.attribute}",
        name_zh=feature.name_zh or feature.attribute,
        name_en=feature.name_en or feature.attribute,
        scope="general",
        group_l1="企业基础属性信息",
        group_l2="研究附加属性",
        table="sector_profile",
        value=value,
        windows_days=(0,),
        unit="code" if feature.categories else feature.unit,
        direction=feature.direction,
        kind="static",
        rationale="Named by the study as a plain input",
        categorical=bool(feature.categories),
    )


def _word(feature: WordFeature, word: str) -> Indicator:
    among = pl.col("attribute") == feature.attribute
    found = pl.col("value_text").str.to_lowercase().str.contains(word, literal=True)
    slug = re.sub(r"\W+", "_", word).strip("_")
    return Indicator(
        id=f"word_{feature.attribute}_{slug}",
        name_zh=f"{feature.name_zh or feature.attribute}含“{word}”",
        name_en=f"{feature.name_en or feature.attribute} contains “{word}”",
        scope="general",
        group_l1="企业基础属性信息",
        group_l2="研究附加属性",
        table="sector_profile",
        value=latest_flag(found, among=among),
        windows_days=(0,),
        unit="flag",
        direction="none",
        kind="static",
        rationale="Named by the study: a word that an authority's text contains",
    )


def _rate(feature: RateFeature) -> Indicator:
    hits, base = _conditions(feature, "rate")
    return _named(
        feature,
        group_rate(hits, by=feature.by, base=base, prior=feature.prior),
        kind="static",
        rationale="Named by the study: how often others of the group had a problem",
    )


def _habit(feature: HabitFeature) -> Indicator:
    hits, base = _conditions(feature, "habit")
    return _named(
        feature,
        share(hits, base, prior=feature.prior),
        kind="dynamic",
        rationale="Named by the study: how often this was so before",
        direction=feature.direction,
    )


def _total(feature: TotalFeature) -> Indicator:
    where = f"total {feature.id}"
    chosen = rows(expression(feature.condition, feature.table, where=where))
    if feature.column:
        expression(feature.column, feature.table, where=where)
        value = total(feature.column, chosen, per=feature.per)
    else:
        value = count(chosen)
    named = _named(
        feature,
        value,
        kind="dynamic",
        rationale="Named by the study: how many, or how much, there was lately",
        direction=feature.direction,
    )
    unit = "sum" if feature.column else "count"
    return replace(named, unit=unit, logarithmic=bool(feature.column))


def _conditions(feature: RateFeature | HabitFeature, word: str) -> tuple[pl.Expr, pl.Expr]:
    """Hits and base."""
    where = f"{word} {feature.id}"
    hits, base = (
        expression(text, feature.table, where=where) for text in (feature.condition, feature.base)
    )
    return hits, base


def _named(
    feature: RateFeature | HabitFeature | TotalFeature,
    value: Aggregation,
    *,
    kind: Literal["static", "dynamic"],
    rationale: str,
    direction: Direction = "none",
) -> Indicator:
    return Indicator(
        id=feature.id,
        name_zh=feature.name_zh or feature.id,
        name_en=feature.name_en or feature.id,
        scope="general",
        group_l1="企业基础属性信息" if kind == "static" else "企业动态信息",
        group_l2="研究附加属性",
        table=feature.table,
        value=value,
        windows_days=tuple(feature.windows_days),
        unit="ratio",
        direction=direction,
        kind=kind,
        rationale=rationale,
    )
