"""The approval check: what another procedure may know of an enterprise, and nothing else."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from xinheng.serving.access.guard import Checker, admitted
from xinheng.serving.decided import Code, Decided, Store, checked_uscc
from xinheng.serving.straight import straight


def _now(request: Request) -> Response:
    caller = admitted(request, "check")
    code = checked_uscc(request.path_params["uscc"])
    decided: Decided = request.app.state.decided
    told = decided.approval(code)
    caller.asks_about(code, told.region_code)
    return Response(told.text, media_type="application/json")


router = APIRouter(prefix="/v1/checks", tags=["checks"], route_class=straight(_now))


class CheckAnswer(BaseModel):
    """Neither score nor class: whether a person has to look."""

    uscc: str
    answer: str = Field(pattern="^(no_manual_check|risk_review)$", examples=["risk_review"])
    reason_codes: list[str] = Field(
        description="Hard rules that hold; RISK where the model alone asks for a review",
        examples=[["H4"]],
    )


@router.get("/{uscc}", response_model=CheckAnswer)
def read_check(uscc: Code, caller: Checker, store: Store) -> Response:
    """Whether an approval or subsidy needs a manual risk review of the enterprise."""
    told = store.approval(uscc)
    caller.asks_about(uscc, told.region_code)
    return Response(told.text, media_type="application/json")
