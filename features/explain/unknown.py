"""For how many enterprises each indicator is not known, and whose delivery is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from xinheng.features.catalogue import feature_columns
from xinheng.features.coverage import Bools, Coverage, Deliveries, Delivery, least_months
from xinheng.features.engine.compute import compute
from xinheng.features.indicator import GENERAL, FeatureColumn, Indicator
from xinheng.features.others.others import Others
from xinheng.features.population import population
from xinheng.features.sectors import membership, sector_members
from xinheng.features.source import Source
from xinheng.records.frames import microseconds
from xinheng.records.tables import MOMENT


@dataclass(frozen=True, slots=True)
class Gap:
    """A table that is not delivered well enough for an absence of rows to mean something."""

    table: str
    months: Mapping[str, int]
    """Months of the window that each department delivered."""
    least: int

    def __str__(self) -> str:
        told = ", ".join(f"{name} {count}" for name, count in self.months.items()) or "nobody"
        return f"{self.table} ({told} of {self.least} months)"


@dataclass(frozen=True, slots=True)
class Unknown:
    """One column: whom it is about, for how many it is not known, and why."""

    column: str
    enterprises: int
    """On the register and in the column's sector."""
    unknown: int
    not_covered: int
    """Of the unknown: because a source is not delivered. The others have no value: no report, no
    fine that fell due."""
    gaps: tuple[Gap, ...]

    @property
    def share(self) -> float:
        return self.unknown / self.enterprises if self.enterprises else 0.0


def unknown_shares(
    indicators: Sequence[Indicator],
    as_of: datetime,
    source: Source,
    *,
    others: Others | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[Unknown]:
    """Each column over the enterprises on the register at `as_of`."""
    columns = feature_columns(indicators)
    firms = population(source, as_of)
    sectoral = [column.indicator for column in membership()]
    values = compute([*indicators, *sectoral], firms, source, others=others, on_step=on_step)
    members = {
        GENERAL: np.ones(firms.height, dtype=bool),
        **(sector_members(values) if firms.height else {}),
    }
    coverage = Coverage(source)
    return [
        _unknown(column, values[column.name], members, firms, coverage)
        for column in columns
        if firms.height
    ]


def _unknown(
    column: FeatureColumn,
    values: pl.Series,
    members: Mapping[str, Bools],
    firms: pl.DataFrame,
    coverage: Coverage,
) -> Unknown:
    asked = members[column.indicator.scope]
    is_unknown = values.is_null().to_numpy() & asked
    each = Deliveries(tuple(Delivery((table,), column.window_days) for table in column.sources))
    at = microseconds(firms["as_of"].cast(MOMENT))
    covered = coverage.at(at, firms["region_code"].to_list()).of(each)
    is_gap = ~covered & is_unknown[:, None]
    return Unknown(
        column=column.name,
        enterprises=int(asked.sum()),
        unknown=int(is_unknown.sum()),
        not_covered=int(np.sum(is_gap.any(axis=1))),
        gaps=tuple(
            Gap(table, coverage.months(table, int(at[0]), days), least_months(days))
            for (table, days), missing in zip(each.flat, map(any, is_gap.T.tolist()), strict=True)
            if missing
        ),
    )
