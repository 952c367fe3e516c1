"""Measures of warning points: numbers of the one engine, held against a threshold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import blake2b
from typing import Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from xinheng.errors import UnknownName
from xinheng.features.catalogue import catalogue
from xinheng.features.declared import expression
from xinheng.features.engine.compute import compute
from xinheng.features.indicator import GENERAL, Indicator
from xinheng.features.others.links import links
from xinheng.features.source import Source
from xinheng.features.vocabulary import count, nbr_flag, ratio_to, total
from xinheng.features.vocabulary.fold import Aggregation, rows
from xinheng.models.calibration import Floats

Bools = NDArray[np.bool_]


_THRESHOLDS = {"at_least", "at_most", "rises_by", "reaches", "within_days"}


class Measure(BaseModel):
    """One number of an enterprise and where it becomes a warning; the file says what keys mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    indicator: str = ""
    table: str = ""
    where: str = "true"
    column: str = ""
    over: str = Field("", pattern=r"^(\w+\.\w+)?$")
    neighbours: str = ""
    state: Literal["", "bad", "serious", "no_contact", "struck"] = ""
    days: int | None = Field(None, ge=0)
    at_least: float | None = None
    at_most: float | None = None
    rises_by: float | None = None
    reaches: float | None = Field(None, description="A rise to here is enough, whatever its size")
    within_days: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _one_number_one_threshold(self) -> Self:
        if [bool(self.indicator), bool(self.table), bool(self.neighbours)].count(True) != 1:
            raise ValueError("a measure wants `indicator`, `table` or `neighbours`")
        limits = [self.at_least, self.at_most, self.rises_by]
        if sum(one is not None for one in limits) != 1:
            raise ValueError("a measure wants `at_least`, `at_most` or `rises_by`")
        if (self.rises_by is None) != (self.within_days == 0):
            raise ValueError("`rises_by` and `within_days` belong together")
        if self.reaches is not None and self.rises_by is None:
            raise ValueError("`reaches` belongs to `rises_by`")
        return self

    @property
    def asked(self) -> Indicator:
        """What the engine is asked, in the measure's own window and without logarithms.

        Raises
        ------
        UnknownName
            If the catalogue, the table or the links know no such name.
        """
        base = self._named() if self.indicator else self._made()
        days = base.windows_days[0] if self.days is None else self.days
        told = self.model_dump_json(exclude=_THRESHOLDS)
        name = f"{base.id}_{blake2b(told.encode(), digest_size=4).hexdigest()}"
        return replace(base, id=name, windows_days=(days,), logarithmic=False)

    @property
    def name(self) -> str:
        """The engine's column."""
        return self.asked.columns[0].name

    def _named(self) -> Indicator:
        if self.indicator not in catalogue():
            raise UnknownName("indicator", self.indicator, catalogue(), where="state")
        return catalogue()[self.indicator]

    def _made(self) -> Indicator:
        table = self.table or links().links[self._link()].table
        return Indicator(
            id=self.table or self.neighbours,
            name_zh="预警量",
            name_en="measure of a warning point",
            scope=GENERAL,
            group_l1="",
            group_l2="",
            table=table,
            value=self._value(),
            windows_days=(self.days or 0,),
            unit="number",
            direction="none",
            kind="related" if self.neighbours else "dynamic",
            rationale="held against the threshold of a warning point",
        )

    def _link(self) -> str:
        if self.neighbours not in links().links:
            raise UnknownName("link", self.neighbours, links().links, where="state")
        return self.neighbours

    def _value(self) -> Aggregation:
        if self.neighbours:
            return nbr_flag(self._link(), self.state)
        chosen = rows(expression(self.where, self.table, where="state"))
        if not self.column:
            return count(chosen)
        expression(self.column, self.table, where="state")
        if not self.over:
            return total(self.column, chosen)
        other, column = self.over.split(".")
        expression(column, other, where="state")
        return ratio_to(self.column, chosen, table=other, to=column)

    def holds(self, now: Floats, before: Floats) -> Bools:
        """Where the number is a warning; unknown numbers are none.

        Parameters
        ----------
        now, before
            The number at the moment, and `within_days` before it.
        """
        with np.errstate(invalid="ignore"):
            if self.rises_by is not None:
                end = np.inf if self.reaches is None else self.reaches
                return (now - before >= self.rises_by) | ((now >= end) & ~(before >= end))
            if self.at_least is not None:
                return now >= self.at_least
            return now <= (self.at_most if self.at_most is not None else -np.inf)


@dataclass(frozen=True, slots=True)
class Measured:
    """All measures of everyone at a moment."""

    usccs: tuple[str, ...]
    now: Mapping[str, Floats]
    before: Mapping[tuple[str, int], Floats]

    def holds(self, measure: Measure) -> Bools:
        """Of whom the measure is a warning, in the order of `usccs`."""
        now = self.now[measure.name]
        return measure.holds(now, self.before.get((measure.name, measure.within_days), now))


def measured(
    measures: Sequence[Measure],
    everyone: pl.DataFrame,
    source: Source,
    *,
    on_step: Callable[[str], None] = lambda _: None,
) -> Measured:
    """The numbers of all measures, for each row of `uscc`, `as_of`."""
    asked = {one.name: one.asked for one in measures}
    found = compute(tuple(asked.values()), everyone, source, on_step=on_step)
    now = {name: _floats(found, name) for name in asked}
    before: dict[tuple[str, int], Floats] = {}
    for days in {one.within_days for one in measures} - {0}:
        own = {one.name: one.asked for one in measures if one.within_days == days}
        earlier = everyone.with_columns(pl.col("as_of") - timedelta(days=days))
        told = compute(tuple(own.values()), earlier, source, on_step=on_step)
        before |= {(name, days): _floats(told, name) for name in own}
    return Measured(tuple(everyone["uscc"].to_list()), now, before)


def _floats(found: pl.DataFrame, indicator: str) -> Floats:
    return found[indicator].cast(pl.Float64).fill_null(float("nan")).to_numpy()
