"""The indicator catalogue: what is counted, over which window, and why."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from xinheng.features.catalogue import catalogue, indicator, version_of
from xinheng.features.explain.describe import described

router = APIRouter(prefix="/v1/indicators", tags=["indicators"])


class IndicatorAnswer(BaseModel):
    """One entry of the catalogue."""

    id: str
    name_zh: str
    name_en: str
    scope: str
    group_l1: str
    group_l2: str
    table: str
    covered_by: list[str]
    value: str
    columns: list[str]
    windows_days: list[int]
    unit: str
    direction: str
    kind: str
    enters_as: str
    without_rows: str
    rationale: str


class CatalogueAnswer(BaseModel):
    """The whole catalogue and the version of its meaning."""

    version: str
    indicators: list[IndicatorAnswer]


@router.get("", response_model=CatalogueAnswer)
def read_catalogue() -> dict[str, Any]:
    """All indicators: general ones first, then the sectors'."""
    ones = catalogue().values()
    return {"version": version_of(ones), "indicators": [asdict(described(one)) for one in ones]}


@router.get("/{name}", response_model=IndicatorAnswer)
def read_indicator(name: str) -> dict[str, Any]:
    """All that is declared of one indicator."""
    return asdict(described(indicator(name)))
