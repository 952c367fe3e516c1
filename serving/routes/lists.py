"""The inspection list."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from xinheng.serving.decided import Store
from xinheng.serving.routes.answers import ListAnswer

router = APIRouter(prefix="/v1/lists", tags=["lists"])


@router.get("/current", response_model=ListAnswer)
def read_current_list(store: Store) -> dict[str, Any]:
    """The list drawn last, the riskiest first."""
    return store.current_list().as_json()
