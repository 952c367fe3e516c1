"""What may be done about a class: recommended, decided by a person (domain README, section 12)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Recommended:
    """One measure of a class."""

    id: str
    zh: str
    en: str


@cache
def measures_of(risk_class: str) -> tuple[Recommended, ...]:
    """The measures of a class in the order of the specification."""
    text = files("xinheng.decisions").joinpath("measures.toml").read_text(encoding="utf-8")
    return tuple(
        Recommended(name, one["zh"], one["en"])
        for name, one in tomllib.loads(text).items()
        if risk_class in one["classes"]
    )


@dataclass(frozen=True, slots=True)
class ApprovalCheck:
    """All that another procedure is told of an enterprise: neither score nor class."""

    uscc: str
    answer: str
    """`no_manual_check` or `risk_review`."""
    reason_codes: tuple[str, ...]
    """Ids of hard rules that hold; `RISK` where the model alone asks for a review."""


REVIEWED = ("C", "D", "E")


def approval_check(uscc: str, risk_class: str, rules: tuple[str, ...]) -> ApprovalCheck:
    """A and B need no manual check, C, D and E a review (domain README, section 12)."""
    if risk_class not in REVIEWED:
        return ApprovalCheck(uscc, "no_manual_check", ())
    return ApprovalCheck(uscc, "risk_review", rules or ("RISK",))
