"""Classes by district, without telling of any single enterprise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from xinheng.decisions.kept.tables import CURRENT
from xinheng.models.score import LETTERS

FEWEST = 10
"""A smaller count is not told: nobody shall learn a class from it (domain README, section 13)."""


@dataclass(frozen=True, slots=True)
class Region:
    """How many enterprises of each class are registered in a district."""

    region_code: str
    """GB/T 2260 prefix."""
    enterprises: int | None
    """None: too few to tell."""
    classes: Mapping[str, int | None]
    """None: too few to tell, or kept back so that those cannot be reckoned from the sum."""


def by_region(engine: Engine, digits: int, within: str = "") -> list[Region]:
    """Districts by code, told to so many digits, of those within a prefix."""
    code = func.substr(CURRENT.c.region_code, 1, digits).label("code")
    query = (
        select(code, CURRENT.c.risk_class, func.count().label("n"))
        .where(CURRENT.c.region_code.like(f"{within}%"))
        .group_by(code, CURRENT.c.risk_class)
    )
    counted: dict[str, dict[str, int]] = {}
    with engine.connect() as connection:
        for region, letter, number in connection.execute(query).all():
            counted.setdefault(str(region), {})[str(letter)] = int(number)
    return [_told(region, counts) for region, counts in sorted(counted.items())]


def suppressed(counts: Mapping[str, int]) -> dict[str, int | None]:
    """Counts without those below `FEWEST`, and without one more where a single one is missing.

    >>> suppressed({"A": 120, "B": 40, "C": 15, "D": 3})
    {'A': 120, 'B': 40, 'C': None, 'D': None}
    >>> suppressed({"A": 120, "B": 40})
    {'A': 120, 'B': 40}
    """
    few = {name for name, number in counts.items() if 0 < number < FEWEST}
    if len(few) == 1:
        others = [(number, name) for name, number in counts.items() if number >= FEWEST]
        few |= {name for _, name in sorted(others)[:1]}
    return {name: None if name in few else number for name, number in counts.items()}


def _told(region: str, counts: Mapping[str, int]) -> Region:
    every = {letter: counts.get(letter, 0) for letter in LETTERS} | dict(counts)
    total = sum(every.values())
    if total < FEWEST:
        return Region(region, None, dict.fromkeys(every))
    return Region(region, total, suppressed(every))
