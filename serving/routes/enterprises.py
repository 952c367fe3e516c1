"""Scores of one enterprise."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from xinheng.serving.decided import Code, Store
from xinheng.serving.routes.answers import RiskAnswer

router = APIRouter(prefix="/v1/enterprises", tags=["enterprises"])


@router.get("/{uscc}/risk", response_model=RiskAnswer)
def read_risk(uscc: Code, store: Store) -> dict[str, Any]:
    """Class, score, probability and reasons of one enterprise, as of the last run."""
    return store.answer(uscc)
