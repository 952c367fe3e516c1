"""From the outcomes of folds to values: columns that are finished alike are finished together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np

from xinheng.features.coverage import Bools
from xinheng.features.indicator import FeatureColumn
from xinheng.features.vocabulary.fold import Floats, Ints, Part, Told

NOBODY: Mapping[str, Floats] = {}
"""What others contribute to a column that does not look at them."""


@dataclass(frozen=True, slots=True)
class Folded:
    """Outcome and number of rows of all folds of a plan: arrays (questions, folds)."""

    found: Ints
    taken: Ints
    is_read: Bools
    """Whether there is a row in the table of each fold."""
    kept: dict[int, Floats] = field(default_factory=dict)
    """By fold that picks a row: what is told of every row; absent where there is no row."""

    @classmethod
    def empty(cls, questions: int, folds: int) -> Folded:
        """Before anything was folded."""
        found, taken = (np.zeros((questions, folds), dtype=np.int64) for _ in range(2))
        return cls(found, taken, np.zeros(folds, dtype=bool))

    def column(self, fold: int) -> tuple[Ints, Ints]:
        """Outcome and number of rows of one fold, an entry a question."""
        return self.found[:, fold], self.taken[:, fold]

    def part(self, folds: Ints, *, picks: bool) -> Part:
        """The outcome of some folds; of picked rows, what is kept of them."""
        found, n = self.found[:, folds], self.taken[:, folds]
        return Part(self._kept(folds, found, n) if picks else found, n)

    def _kept(self, folds: Ints, row: Ints, n: Ints) -> Floats:
        told = np.full(row.shape, np.nan)
        for place, fold in enumerate(folds.tolist()):
            if fold in self.kept:
                taken = n[:, place] > 0
                told[taken, place] = self.kept[fold][row[taken, place]]
        return told


@dataclass(frozen=True, eq=False)
class Group:
    """Columns whose values one function makes of folds of the same names."""

    columns: tuple[FeatureColumn, ...]
    places: Ints
    """Where the columns stand among all that are asked for."""
    folds: Mapping[str, tuple[Ints, bool]]
    """By part the fold of each column, and whether these folds pick rows."""
    own: tuple[str, ...]
    """Parts whose rows say that a value is known, whether or not their source is covered."""

    def values(
        self, folded: Folded, today: Ints, covered: Bools, others: Sequence[Mapping[str, Floats]]
    ) -> Floats:
        """Values (questions, columns) as the model reads them; NaN where they are not known.

        Parameters
        ----------
        today
            The legal day of each question.
        covered
            Whether the sources of each column are delivered, an answer a question.
        others
            What other enterprises contribute to each column.
        """
        parts = {name: folded.part(f, picks=picks) for name, (f, picks) in self.folds.items()}
        known = covered
        for name in self.own:
            known = known | (parts[name].n > 0)
        beside = {name: np.stack([one[name] for one in others], axis=1) for name in others[0]}
        return np.where(known, self._finished(Told(parts, today[:, None], beside)), np.nan)

    def is_told(self, folded: Folded) -> bool:
        """Whether there is anything to finish: rows, or other enterprises to look at."""
        looks = self.columns[0].indicator.value.looks_at_others
        return looks or bool(folded.is_read[self._all].any())

    @cached_property
    def without_rows(self) -> Floats:
        """The value of each column over no rows at all, whatever the day; NaN for none."""
        nothing = np.zeros((1, len(self.columns)), dtype=np.int64)
        none = np.full(nothing.shape, np.nan)
        parts = {
            n: Part(none if picks else nothing, nothing) for n, (_, picks) in self.folds.items()
        }
        return self._finished(Told(parts, nothing[:, :1]))

    @cached_property
    def _all(self) -> Ints:
        return np.unique(np.concatenate([folds for folds, _ in self.folds.values()]))

    def _finished(self, told: Told) -> Floats:
        first = self.columns[0].indicator
        values = first.value.finish(told)
        return np.log1p(values) if first.logarithmic else values


@cache
def without_rows(column: FeatureColumn) -> float:
    """The value of a column over no rows at all, whatever the day; NaN where there is none."""
    place = np.zeros(1, dtype=np.int64)
    folds = {name: (place, fold.picks) for name, fold in column.folds.items()}
    return float(Group((column,), place, folds, ()).without_rows.ravel()[0])
