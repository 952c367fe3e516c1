"""The inspection list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter

from xinheng.serving.access.guard import Lister
from xinheng.serving.access.visible import visible
from xinheng.serving.answers import ListAnswer
from xinheng.serving.decided import Store

router = APIRouter(prefix="/v1/lists", tags=["lists"])


@router.get("/current", response_model=ListAnswer)
def read_current_list(store: Store, caller: Lister) -> dict[str, Any]:
    """The list drawn last, the riskiest first; of a district its own names alone."""
    drawn = store.current_list()
    shown = visible(caller, store, drawn.rows, lambda row: row.uscc)
    return replace(drawn, rows=tuple(shown)).as_json()
