"""One enterprise: its records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from xinheng.errors import NotFound, UnknownName
from xinheng.records.tables import tables
from xinheng.serving.access.guard import Reader
from xinheng.serving.decided import LARGEST, Store
from xinheng.serving.desk import Records
from xinheng.serving.firms import Firm, former_codes

MOST = 1_000
router = APIRouter(prefix="/v1/enterprises", tags=["enterprises"])


class FormerCodeAnswer(BaseModel):
    """A code that the firm bore before."""

    uscc: str
    until: datetime = Field(description="When the change of the code became known")


class ArchiveAnswer(BaseModel):
    """A page of the versions of one table's records of an enterprise."""

    uscc: str = Field(description="The present code, also where a former one was asked for")
    former: list[FormerCodeAnswer] = Field(
        description="Codes that it bore before, the latest first; its records stay under them"
    )
    tables: dict[str, int] = Field(description="Versions of each table that has any")
    table: str = Field(description="The table of `records`; empty: none was asked for")
    records: list[dict[str, Any]]
    next: int | None = Field(description="`offset` of the next page")


@router.get("/{uscc}", response_model=ArchiveAnswer)
def read_archive(  # noqa: PLR0913, PLR0917  (who asks, what, and which page)
    request: Request,
    uscc: Firm,
    caller: Reader,
    store: Store,
    records: Records,
    table: Annotated[str, Query(max_length=40, examples=["penalty"])] = "",
    offset: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> dict[str, Any]:
    """All that is stored of one enterprise: how many versions a table, and one table's by page."""
    found = records.archive(uscc)
    caller.asks_about(uscc, store.regions([uscc]).get(uscc) or region_in(found))
    if not found:
        raise NotFound(f"nothing is stored of {uscc}", hint="was it ever delivered?")
    if table and table not in tables():
        raise UnknownName("table", table, tables())
    rows = found.get(table, pl.DataFrame())
    is_more = rows.height > offset + limit
    return {
        "uscc": uscc,
        "former": [asdict(one) for one in former_codes(request, uscc)],
        "tables": {name: frame.height for name, frame in found.items()},
        "table": table,
        "records": rows.slice(offset, limit).to_dicts(),
        "next": offset + limit if is_more else None,
    }


def region_in(found: Mapping[str, pl.DataFrame]) -> str:
    """Where an enterprise is registered, by the newest version of its entry; empty: not known."""
    entries = found.get("entity", pl.DataFrame())
    if entries.height == 0:
        return ""
    return str(entries.sort("known_at", "version")["registered_region_code"][-1] or "")
