"""The indicator catalogue: what is counted, over which window, and why."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from xinheng.features.catalogue import catalogue, indicator, version_of
from xinheng.features.explain.describe import Described, described
from xinheng.serving.access.guard import Reader

router = APIRouter(prefix="/v1/indicators", tags=["indicators"])


@dataclass(frozen=True, slots=True)
class CatalogueAnswer:
    """The whole catalogue and the version of its meaning."""

    version: str
    indicators: list[Described]


@router.get("")
def read_catalogue(_: Reader) -> CatalogueAnswer:
    """All indicators: general ones first, then the sectors'."""
    ones = catalogue().values()
    return CatalogueAnswer(version_of(ones), [described(one) for one in ones])


@router.get("/{name}")
def read_indicator(name: str, _: Reader) -> Described:
    """All that is declared of one indicator."""
    return described(indicator(name))
