"""All indicators by id, and the version of their meaning."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from hashlib import blake2b

from xinheng.errors import UnknownName
from xinheng.features import packs
from xinheng.features.indicator import GENERAL, FeatureColumn, Indicator, columns_of
from xinheng.features.sectors import sectors


@cache
def catalogue() -> Mapping[str, Indicator]:
    """Every indicator of every pack: general ones first, then relations, then the sectors'."""
    found: dict[str, Indicator] = {}
    for one in sorted(_packed(), key=_order):
        assert one.id not in found, f"two indicators are called {one.id}"
        assert one.scope == GENERAL or one.scope in sectors(), f"{one.id}: no sector {one.scope}"
        found[one.id] = one
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


def _packed() -> Iterator[Indicator]:
    """The indicators of every module under `packs`."""
    for module in pkgutil.walk_packages(packs.__path__, f"{packs.__name__}."):
        yield from getattr(importlib.import_module(module.name), "INDICATORS", ())


def _order(one: Indicator) -> tuple[int, str]:
    """General before sectors; within a scope as the packs have them."""
    return (one.scope != GENERAL, one.scope)
