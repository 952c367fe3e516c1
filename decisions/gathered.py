"""All that models read of some enterprises at a moment, computed once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl

from xinheng.decisions.hard_rules import Fired, HardRule, asked_by, fired
from xinheng.features.catalogue import feature_columns, version_of
from xinheng.features.engine.compute import answer
from xinheng.features.explain.evidence import Grounds, evidence_ids
from xinheng.features.indicator import FeatureColumn, Indicator
from xinheng.features.knowledge import Knowledge
from xinheng.features.others.others import Others
from xinheng.features.population import population
from xinheng.features.sectors import membership, sector_members
from xinheng.features.source import Source
from xinheng.models.artifact import RiskModel
from xinheng.records.duties.spans import DUTY_SCHEMA
from xinheng.records.frames import where


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was known of some enterprises, and of those around them."""

    source: Source
    as_of: datetime
    rules: Sequence[HardRule]
    everyone: pl.DataFrame
    """As `population` returns it."""
    features: pl.DataFrame
    """A row each, in the same order, with the columns of every model and hard rule."""
    grounds: Grounds
    places: tuple[int, ...]
    """Which of the grounds' questions each row is."""

    @property
    def knowledge(self) -> list[Knowledge]:
        """What was known of them, part by part, with the tables that were read."""
        return [part.run.knowledge for part in self.grounds.parts]

    @property
    def duty_spans(self) -> pl.DataFrame:
        """The duties that count, of all whose records were read, with their spans."""
        found = [knowledge.duty_spans for knowledge in self.knowledge]
        return pl.concat(found) if found else pl.DataFrame(schema=DUTY_SCHEMA)

    def of_sector(self, sector: str) -> Gathered:
        """Those in a sector."""
        if self.everyone.height == 0:
            return self
        inside = sector_members(self.features)[sector]
        return replace(
            self,
            everyone=where(self.everyone, inside),
            features=where(self.features, inside),
            places=tuple(np.flatnonzero(inside).tolist()),
        )

    def holds(self, view: str) -> Mapping[str, tuple[Fired, ...]]:
        """By USCC the hard rules that hold, those of a sector's view included."""
        return fired(self.rules, self.features, self.grounds, places=self.places, view=view)

    def records(
        self, columns: Sequence[FeatureColumn], rows: Mapping[str, Sequence[int]]
    ) -> dict[tuple[str, str], list[str]]:
        """Record ids by USCC and column, of the rows that are asked about by indicator."""
        places = {name: [self.places[row] for row in own] for name, own in rows.items()}
        return evidence_ids(columns, self.grounds, places)


def gathered(  # noqa: PLR0913  (what it depends on)
    models: Sequence[RiskModel],
    rules: Sequence[HardRule],
    source: Source,
    as_of: datetime,
    *,
    usccs: Sequence[str] | None = None,
    others: Others | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> Gathered:
    """Compute what models and hard rules read, of everyone on the register or of some.

    Parameters
    ----------
    models
        Whose columns of one name mean the same; see `agreeing`.
    others
        What is known of all others at that moment, where it has been read.
    """
    everyone = population(source, as_of, usccs)
    asked = indicators_of(models)
    if others is None:
        others = Others.of(source, feature_columns(asked), as_of, on_step=on_step)
    wanted = (*asked, *_beside(tuple(asked), tuple(rules)))
    told = answer(wanted, everyone, source, others=others, on_step=on_step)
    grounds = Grounds.of(told, others)
    return Gathered(
        source, as_of, rules, everyone, told.values, grounds, tuple(range(everyone.height))
    )


def _beside(asked: tuple[Indicator, ...], rules: tuple[HardRule, ...]) -> tuple[Indicator, ...]:
    """What rules and sectors need beside the models."""
    there = {one.id for one in asked}
    wanted = (*asked_by(rules), *(column.indicator for column in membership()))
    assert not there & {one.id for one in wanted}
    return tuple({one.id: one for one in wanted}.values())


def agreeing(models: Sequence[RiskModel]) -> list[list[RiskModel]]:
    """Models in groups within which an indicator of one name is the same indicator."""
    groups: list[list[RiskModel]] = []
    for model in models:
        for group in groups:
            known = {one.id: one for one in indicators_of(group)}
            if all(_is_same(known.get(one.id, one), one) for one in model.indicators):
                group.append(model)
                break
        else:
            groups.append([model])
    return groups


def _is_same(one: Indicator, other: Indicator) -> bool:
    return one is other or version_of([one]) == version_of([other])


def indicators_of(models: Sequence[RiskModel]) -> tuple[Indicator, ...]:
    """What models that agree read, each once."""
    return tuple({one.id: one for model in models for one in model.indicators}.values())
