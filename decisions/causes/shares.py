"""A class change and its shares: steps from the former position to the present one, in points.

The steps follow one another, so their shares add up to the change exactly. The largest share in
the direction of the change names the cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal, get_args

from xinheng.domain import RiskClass
from xinheng.models.score import LETTERS

Cause = Literal["model", "rules", "time", "related", "facts", "repair"]
"""In the order of the steps; docs/classes.md says what each is."""
CAUSES: tuple[Cause, ...] = get_args(Cause)
HIGHEST, STEP = 1000.0, 0.1
"""The end of the scale, and the last digit that is told of a score."""


@dataclass(frozen=True, slots=True)
class At:
    """How an enterprise stands at one end of a step."""

    risk_class: str
    score: float
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What is new in one step, and how the enterprise stands then."""

    cause: Cause
    then: At
    record_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """What one cause did to score and class."""

    cause: Cause
    points: float
    """Of the score, 0 to 1000; those of all shares add up to the change of the score."""
    lift: float
    """Beyond the score: how far hard rules, thin data or the two runs that a worsening takes moved
    the class as told, in points up to where its class begins or ends."""
    present: str
    """The class after this step."""
    rules_begun: tuple[str, ...] = ()
    rules_ended: tuple[str, ...] = ()
    record_ids: tuple[str, ...] = ()
    """What became known, the newest first."""


@dataclass(frozen=True, slots=True)
class ClassChange:
    """One enterprise whose class is another than before, at two moments, and why."""

    uscc: str
    former: str
    present: str
    cause: Cause
    rules: tuple[str, ...]
    """Ids of the hard rules that hold now."""
    former_as_of: datetime
    former_score: float
    score: float
    shares: tuple[Share, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"former_as_of": self.former_as_of.isoformat()}

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> ClassChange:
        """The inverse of `as_json`."""
        given: dict[str, Any] = {
            **told,
            "rules": tuple(told["rules"]),
            "former_as_of": datetime.fromisoformat(told["former_as_of"]),
            "shares": tuple(share_of_json(one) for one in told["shares"]),
        }
        return cls(**given)


def share_of_json(told: Mapping[str, Any]) -> Share:
    """A share as `asdict` told it."""
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in told.items()}
    return Share(**given)


def shares_of(former: At, steps: Sequence[Step], cuts: Sequence[float]) -> tuple[Share, ...]:
    """What each step did; the parts of the change of score and of class as told.

    Parameters
    ----------
    cuts
        The scores at which B, C and D begin.
    """
    ends = [former, *(step.then for step in steps)]
    return tuple(
        Share(
            cause=step.cause,
            points=round(b.score - a.score, 1),
            lift=round(_lift(b, cuts) - _lift(a, cuts), 1),
            present=b.risk_class,
            rules_begun=tuple(sorted({*b.rules} - {*a.rules})),
            rules_ended=tuple(sorted({*a.rules} - {*b.rules})),
            record_ids=step.record_ids,
        )
        for step, (a, b) in zip(steps, pairwise(ends), strict=True)
    )


def cause_of(former: str, present: str, shares: Sequence[Share]) -> Cause:
    """The cause with the largest share in the direction in which the class went."""
    way = 1 if present > former else -1
    return max(shares, key=lambda one: way * (one.points + one.lift)).cause


def _lift(one: At, cuts: Sequence[float]) -> float:
    """How far the class as told lies from that of the score alone, in points."""
    first, last = _band(one.risk_class, cuts)
    return min(max(one.score, first), last) - one.score


def _band(risk_class: str, cuts: Sequence[float]) -> tuple[float, float]:
    """First and last score of a class; E, which no score reaches, lies beyond the scale."""
    if risk_class == RiskClass.E.value:
        return HIGHEST + STEP, HIGHEST + STEP
    edges = [0.0, *cuts, HIGHEST + STEP]
    place = LETTERS.index(risk_class)
    return edges[place], edges[place + 1] - STEP
