"""The approval check: what another procedure may know of an enterprise, and nothing else."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from xinheng.decisions.measures import approval_check
from xinheng.serving.decided import Code, Store

router = APIRouter(prefix="/v1/checks", tags=["checks"])


class CheckAnswer(BaseModel):
    """Neither score nor class: whether a person has to look."""

    uscc: str
    answer: str = Field(pattern="^(no_manual_check|risk_review)$", examples=["risk_review"])
    reason_codes: list[str] = Field(
        description="Hard rules that hold; RISK where the model alone asks for a review",
        examples=[["H4"]],
    )


@router.get("/{uscc}")
def read_check(uscc: Code, store: Store) -> CheckAnswer:
    """Whether an approval or subsidy needs a manual risk review of the enterprise."""
    told = store.answer(uscc)
    rules = tuple(str(rule["id"]) for rule in told.get("hard_rules", ()))
    found = approval_check(uscc, told["risk_class"], rules)
    return CheckAnswer(uscc=found.uscc, answer=found.answer, reason_codes=[*found.reason_codes])
