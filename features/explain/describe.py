"""What is declared of an indicator, for people: the catalogue page, the commands and the docs."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

from xinheng.features.engine.finish import without_rows
from xinheng.features.indicator import FeatureColumn, Indicator


@dataclass(frozen=True, slots=True)
class Described:
    """One indicator as the catalogue tells it."""

    id: str
    name_zh: str
    name_en: str
    scope: str
    group_l1: str
    group_l2: str
    table: str
    covered_by: tuple[str, ...]
    """Tables that must be delivered for an absence of rows to mean something."""
    value: str
    columns: tuple[str, ...]
    windows_days: tuple[int, ...]
    unit: str
    direction: str
    kind: str
    enters_as: str
    """`as it is`, `log1p` or `category`."""
    without_rows: str
    """The value where the source is covered and no row takes part."""
    rationale: str


def described(one: Indicator) -> Described:
    """All that is declared of an indicator."""
    column = one.columns[0]
    return Described(
        id=one.id,
        name_zh=one.name_zh,
        name_en=one.name_en,
        scope=one.scope,
        group_l1=one.group_l1,
        group_l2=one.group_l2,
        table=one.table,
        covered_by=column.sources,
        value=one.value.text,
        columns=tuple(c.name for c in one.columns),
        windows_days=one.windows_days,
        unit=one.unit,
        direction=one.direction,
        kind=one.kind,
        enters_as="log1p" if one.logarithmic else "category" if one.categorical else "as it is",
        without_rows=_without_rows(column),
        rationale=one.rationale,
    )


def _without_rows(column: FeatureColumn) -> str:
    """What the value is where the source is covered and no row takes part."""
    value = column.indicator.value
    if value.rate is not None:
        return "the group's rate"
    found = 0.0 if value.relation is not None else without_rows(column)
    return "not known" if isnan(found) else f"{found:g}"
