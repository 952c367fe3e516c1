"""All that models read of some enterprises at a moment, computed once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from xinheng.features.catalogue import feature_columns, version_of
from xinheng.features.engine.compute import compute
from xinheng.features.indicator import Indicator
from xinheng.features.others.others import Others
from xinheng.features.population import population
from xinheng.features.sectors import members, membership
from xinheng.features.source import Source
from xinheng.models.artifact import RiskModel


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was known of some enterprises, and of those around them."""

    source: Source
    as_of: datetime
    everyone: pl.DataFrame
    """As `population` returns it."""
    features: pl.DataFrame
    """A row each, in the same order, with the columns of every model."""
    others: Others

    def of_sector(self, sector: str) -> Gathered:
        """Those in a sector."""
        columns = membership()
        if self.everyone.height == 0:
            return self
        told = compute([c.indicator for c in columns], self.everyone, self.source)
        values = {c.name: told[c.name].fill_null(0).to_numpy() for c in columns}
        inside = pl.Series(members(values)[sector])
        everyone, features = self.everyone.filter(inside), self.features.filter(inside)
        return replace(self, everyone=everyone, features=features)


def gathered(
    models: Sequence[RiskModel],
    source: Source,
    as_of: datetime,
    *,
    usccs: Sequence[str] | None = None,
    others: Others | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> Gathered:
    """Compute what models read, of everyone on the register or of some.

    Parameters
    ----------
    models
        Whose columns of one name mean the same; see `agreeing`.
    others
        What is known of all others at that moment, where it has been read.
    """
    everyone = population(source, as_of, usccs)
    asked = _indicators(models)
    if others is None:
        if everyone.height == 0:
            usccs = []
        others = Others.of(source, feature_columns(asked), as_of, on_step=on_step)
    features = compute(asked, everyone, source, others=others, on_step=on_step)
    return Gathered(source, as_of, everyone, features, others)


def agreeing(models: Sequence[RiskModel]) -> list[list[RiskModel]]:
    """Models in groups within which an indicator of one name is the same indicator."""
    groups: list[list[RiskModel]] = []
    for model in models:
        for group in groups:
            known = {one.id: one for one in _indicators(group)}
            if all(_is_same(known.get(one.id, one), one) for one in model.indicators):
                group.append(model)
                break
        else:
            groups.append([model])
    return groups


def _is_same(one: Indicator, other: Indicator) -> bool:
    return one is other or version_of([one]) == version_of([other])


def _indicators(models: Sequence[RiskModel]) -> tuple[Indicator, ...]:
    return tuple({one.id: one for model in models for one in model.indicators}.values())
