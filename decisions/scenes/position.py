"""Where enterprises stand by any records: class and score from the one engine, without reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from xinheng.decisions.assess import graded
from xinheng.decisions.changes import Standing
from xinheng.decisions.gathered import gathered
from xinheng.decisions.hard_rules import lifted
from xinheng.decisions.office import Office
from xinheng.features.memory import Memory
from xinheng.features.others.others import Others


@dataclass(frozen=True, slots=True)
class Position:
    """Class and score of an enterprise, without reasons."""

    risk_class: str
    score: float
    probability: float
    hard_rules: tuple[str, ...]


def positions(
    office: Office,
    source: Memory,
    as_of: datetime,
    usccs: Sequence[str],
    *,
    others: Others | None = None,
    before: Mapping[str, Standing] | None = None,
) -> dict[str, Position]:
    """How enterprises stand by some records; who is not on the register by them is not there.

    Parameters
    ----------
    before
        How each stood before, so that classes do not flap.
    """
    model = office.general
    told = gathered([model], office.rules, source, as_of, usccs=usccs, others=others)
    if told.everyone.height == 0:
        return {}
    scored, holds = graded(model, told, office.classes, before=before)
    return {
        row["uscc"]: Position(
            risk_class=lifted(row["risk_class"], holds.get(row["uscc"], ()), office.classes.scheme),
            score=round(row["score"], 1),
            probability=row["probability"],
            hard_rules=tuple(one.rule.id for one in holds.get(row["uscc"], ())),
        )
        for row in scored.iter_rows(named=True)
    }
