"""One enterprise: its records, and its class with the reasons."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from xinheng.decisions.measures import measures_of
from xinheng.errors import NotFound, UnknownName
from xinheng.records.tables import tables
from xinheng.serving.decided import Code, Store
from xinheng.serving.desk import Records
from xinheng.serving.routes.answers import RiskAnswer

MOST = 1_000
router = APIRouter(prefix="/v1/enterprises", tags=["enterprises"])


class ArchiveAnswer(BaseModel):
    """A page of the versions of one table's records of an enterprise."""

    uscc: str
    tables: dict[str, int] = Field(description="Versions of each table that has any")
    table: str = Field(description="The table of `records`; empty: none was asked for")
    records: list[dict[str, Any]]
    next: int | None = Field(description="`offset` of the next page")


@router.get("/{uscc}", response_model=ArchiveAnswer)
def read_archive(
    uscc: Code,
    records: Records,
    table: Annotated[str, Query(max_length=40, examples=["penalty"])] = "",
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> dict[str, Any]:
    """All that is stored of one enterprise: how many versions a table, and one table's by page."""
    found = records.archive(uscc)
    if not found:
        raise NotFound(f"nothing is stored of {uscc}", hint="was it ever delivered?")
    if table and table not in tables():
        raise UnknownName("table", table, tables())
    rows = found.get(table, pl.DataFrame())
    is_more = rows.height > offset + limit
    return {
        "uscc": uscc,
        "tables": {name: frame.height for name, frame in found.items()},
        "table": table,
        "records": rows.slice(offset, limit).to_dicts(),
        "next": offset + limit if is_more else None,
    }


@router.get("/{uscc}/risk", response_model=RiskAnswer)
def read_risk(uscc: Code, store: Store) -> dict[str, Any]:
    """Class, score, probability and reasons of one enterprise, as of the last run."""
    told = store.answer(uscc)
    return told | {"measures": [asdict(one) for one in measures_of(told["risk_class"])]}
