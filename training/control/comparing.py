"""Two versions side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from xinheng.config import Home
from xinheng.errors import BadRequest
from xinheng.training.cohorts.material import Step, material_of
from xinheng.training.control.paired import Difference, Moves, differences
from xinheng.training.control.promote import SEED, moved
from xinheng.training.control.versions import definition_of, model_of, task_of
from xinheng.training.judging.evaluate import Visits
from xinheng.training.judging.judge import visits_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What changes from the first version to the second."""

    first: str
    second: str
    cases: int
    figures: Mapping[str, Difference]
    moves: Moves
    visits: tuple[Visits, Visits]


def compare_versions(
    home: Home,
    first: str,
    second: str,
    *,
    until: datetime | None = None,
    on_step: Step = lambda _: None,
) -> Comparison:
    """Both on the same test cases, and on the enterprises of today.

    Raises
    ------
    BadRequest
        If they are versions of different tasks.
    """
    if task_of(first) != task_of(second):
        raise BadRequest(f"{first} and {second} are versions of different tasks")
    one, other = model_of(home, first), model_of(home, second)
    material = material_of(home, definition_of(home, first), until, on_step)
    on_step("figures of both on the same cases")
    visits = visits_of(material, one), visits_of(material, other)
    found = differences(*visits, seed=SEED)
    on_step("whose class changes")
    return Comparison(
        first=first,
        second=second,
        cases=visits[0].label.size,
        figures=found,
        moves=moved(home, material, one, other, until),
        visits=visits,
    )
