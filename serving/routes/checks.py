"""The approval check: what another procedure may know of an enterprise, and nothing else."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from xinheng.serving.access.guard import admitted
from xinheng.serving.decided import Decided
from xinheng.serving.firms import Code, checked_uscc
from xinheng.serving.routes.risk import answered


def check_now(request: Request, uscc: str) -> Response:
    """The present answer; of the fast lane and of the route alike."""
    caller = admitted(request, "check")
    code = checked_uscc(request, uscc)
    decided: Decided = request.app.state.decided
    told, code = answered(request, code, decided.approval)
    caller.asks_about(code, told.region_code)
    return Response(told.body, media_type="application/json")


router = APIRouter(prefix="/v1/checks", tags=["checks"])


class CheckAnswer(BaseModel):
    """Neither score nor class: whether a person has to look."""

    uscc: str
    answer: str = Field(pattern="^(no_manual_check|risk_review)$", examples=["risk_review"])
    reason_codes: list[str] = Field(
        description="Hard rules that hold; RISK where the model alone asks for a review",
        examples=[["H4"]],
    )


@router.get("/{uscc}", response_model=CheckAnswer)
def read_check(request: Request, uscc: Code) -> Response:
    """Whether an approval or subsidy needs a manual risk review of the enterprise."""
    return check_now(request, uscc)
