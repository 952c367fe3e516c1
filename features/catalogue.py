"""All indicators by id, and the version of their meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import blake2b

from xinheng.errors import UnknownName
from xinheng.features.indicator import FeatureColumn, Indicator, columns_of
from xinheng.features.packs import food
from xinheng.features.packs.general import complaints, inspections, penalties, profile

PACKS = (profile, penalties, inspections, complaints, food)


@cache
def catalogue() -> Mapping[str, Indicator]:
    """Every indicator of every pack, in the order of the packs."""
    listed = [indicator for pack in PACKS for indicator in pack.INDICATORS]
    found = {indicator.id: indicator for indicator in listed}
    assert len(found) == len(listed), "two indicators share an id"
    return found


def indicator(name: str) -> Indicator:
    """One indicator by id, or the error that offers the nearest."""
    if name not in catalogue():
        raise UnknownName("indicator", name, catalogue())
    return catalogue()[name]


def feature_columns(indicators: Iterable[Indicator]) -> tuple[FeatureColumn, ...]:
    return tuple(columns_of(tuple(indicators)))


def version_of(indicators: Iterable[Indicator]) -> str:
    """Twelve characters that change when any value could: definitions, windows, directions."""
    said = "\n".join(
        f"{i.id} {i.table} {i.scope} {i.windows_days} {i.direction} {i.logarithmic} {i.value.text}"
        for i in sorted(indicators, key=lambda i: i.id)
    )
    return blake2b(said.encode(), digest_size=6).hexdigest()
