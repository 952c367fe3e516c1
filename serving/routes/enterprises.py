"""Scores of one enterprise."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from xinheng.decisions.measures import measures_of
from xinheng.serving.decided import Code, Store
from xinheng.serving.routes.answers import RiskAnswer

router = APIRouter(prefix="/v1/enterprises", tags=["enterprises"])


@router.get("/{uscc}/risk", response_model=RiskAnswer)
def read_risk(uscc: Code, store: Store) -> dict[str, Any]:
    """Class, score, probability and reasons of one enterprise, as of the last run."""
    told = store.answer(uscc)
    return told | {"measures": [asdict(one) for one in measures_of(told["risk_class"])]}
