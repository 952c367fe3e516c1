"""How enterprises stood before, which settles their classes: worsening alone does not flap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from xinheng.config import ClassSettings
from xinheng.models.score import LETTERS
from xinheng.records.codes.succession import Successions


@dataclass(frozen=True, slots=True)
class Standing:
    """How an enterprise stood at the run before."""

    risk_class: str
    model_class: str
    settled_class: str
    model_version: str
    rules: tuple[str, ...]
    """Ids of the hard rules that held."""
    score: float
    as_of: datetime
    lake_batch: int
    ruling: str
    """What the hard rules and cuts were, as `Office.ruling`; empty: not known."""


def settled(by_score: str, score: float, before: Standing | None, settings: ClassSettings) -> str:
    """The class by score once flapping is taken out (domain README, section 7).

    An improvement counts at once. A worsening by the score alone counts when the score said so
    at the run before too, or lies `margin` points beyond the cut; else as far as either holds.
    """
    if before is None or by_score <= before.settled_class:
        return by_score
    for place in range(LETTERS.index(by_score), LETTERS.index(before.settled_class), -1):
        said_before = before.model_class >= LETTERS[place]
        if said_before or score >= settings.cuts[place - 1] + settings.margin:
            return LETTERS[place]
    return before.settled_class


def inherited(
    before: Mapping[str, Standing], codes: Successions, at: datetime
) -> Mapping[str, Standing]:
    """How each stood before; a firm with a new code stands as it did under its former one."""
    if not codes.pieces:
        return before
    found = dict(before)
    for present in {codes.present(code, at) for code in codes.pieces}:
        formers = [one.uscc for one in codes.former(present, at) if one.uscc in before]
        if formers:
            found.setdefault(present, before[formers[0]])
    return found
