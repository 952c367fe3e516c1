"""The class contract: the share of problems rises from A to D, or an alarm is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from scipy.stats import binomtest

from xinheng.models.calibration import Floats
from xinheng.models.score import LETTERS, class_of


@dataclass(frozen=True, slots=True)
class Rate:
    """Problems among cases, with the 95 % Wilson interval."""

    cases: int
    problems: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return self.problems / self.cases if self.cases else float("nan")


def rate(cases: int, problems: int) -> Rate:
    """A share with its interval; of no case everything is possible."""
    if cases == 0:
        return Rate(0, 0, 0.0, 1.0)
    found = binomtest(problems, cases).proportion_ci(method="wilson")
    return Rate(cases, problems, float(found.low), float(found.high))


def class_rates(score: Floats, label: Floats, cuts: Sequence[float]) -> dict[str, Rate]:
    """Problems by class."""
    place = class_of(score, cuts)
    return {
        letter: rate(int((place == n).sum()), int(label[place == n].sum()))
        for n, letter in enumerate(LETTERS)
    }


def broken_at(rates: dict[str, Rate]) -> list[str]:
    """Neighbours whose rates fall although both have cases, e.g. `B > C`."""
    there = [(letter, one) for letter, one in rates.items() if one.cases]
    return [f"{a} > {b}" for (a, low), (b, high) in pairwise(there) if low.value > high.value]


def missed_in_a(rates: dict[str, Rate]) -> float:
    """Share of all problems that sit in class A."""
    total = sum(one.problems for one in rates.values())
    return rates["A"].problems / total if total else float("nan")
