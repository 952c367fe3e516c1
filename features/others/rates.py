"""Rates over other enterprises as known at each moment: rows that have begun less rows that ended.

Every row counts during one stretch of time, in the group it belongs to then. Sorted begins and
ends, read at `as_of`, give exact whole numbers and never look past it; the enterprise's own rows
are taken off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numba import njit

from xinheng.features.engine.places import firsts, places
from xinheng.features.vocabulary.fold import Floats, Ints
from xinheng.features.vocabulary.others import UNINFORMED

COUNTED: dict[str, pl.DataType] = {
    "uscc": pl.String(),
    "group": pl.String(),
    "since": pl.Int64(),
    "until": pl.Int64(),
}
"""A row that counts, in microseconds."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows that count, ordered by group and by enterprise; group 0 is all of them."""

    first_of_group: Ints
    begins: Ints
    ends: Ints
    """Ascending within each group."""
    first_of_firm: Ints
    own: Ints
    """Group, begin and end of each row: (3, rows), enterprise by enterprise."""

    @classmethod
    def of(cls, rows: pl.DataFrame, firms: pl.Series, groups: pl.Series) -> Counted:
        """Index a frame of `COUNTED`."""
        group, firm = places(rows["group"], groups) + 1, places(rows["uscc"], firms)
        since, until = rows["since"].to_numpy(), rows["until"].to_numpy()
        twice, begins, ends = (
            np.concatenate([a, b])
            for a, b in ((np.zeros_like(group), group), (since, since), (until, until))
        )
        by_firm = np.argsort(firm, kind="stable")
        return cls(
            first_of_group=firsts(twice, len(groups) + 1),
            begins=begins[np.lexsort((begins, twice))],
            ends=ends[np.lexsort((ends, twice))],
            first_of_firm=firsts(firm, len(firms)),
            own=np.stack([group, since, until])[:, by_firm],
        )

    def others(self, firm: Ints, group: Ints, at: Ints) -> Floats:
        """Rows of a group that count at each moment, without the firm's own; -1: no group."""
        own = _own(self.first_of_firm, self.own, firm, group, at)
        whole = _counting(self.first_of_group, self.begins, self.ends, group, at)
        return np.asarray(whole - own, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class RateIndex:
    """Hits and base of one rate."""

    groups: Mapping[str, int]
    hits: Counted
    base: Counted

    @classmethod
    def of(cls, rows: pl.DataFrame, firms: pl.Series) -> RateIndex:
        """Index the rows of one rate: `part` is k for hits, n for base."""
        groups = rows["group"].unique().sort()
        parts = (rows.filter(pl.col("part") == part) for part in ("k", "n"))
        hits, base = (Counted.of(part, firms, groups) for part in parts)
        return cls({name: place for place, name in enumerate(groups, start=1)}, hits, base)

    def told(
        self, firm: Ints, group: Sequence[str | None] | None, at: Ints
    ) -> Mapping[str, Floats]:
        """`hits` and `base` of the group, and the `mean` over all, at each moment."""
        everyone = np.zeros(len(at), dtype=np.int64)
        all_hits, all_base = (one.others(firm, everyone, at) for one in (self.hits, self.base))
        mean = np.full(len(at), UNINFORMED)
        np.divide(all_hits, all_base, out=mean, where=all_base > 0)
        if group is None:
            return {"hits": all_hits, "base": all_base, "mean": mean}
        wanted = np.array([self.groups.get(name or "", -1) for name in group], dtype=np.int64)
        hits, base = (one.others(firm, wanted, at) for one in (self.hits, self.base))
        return {"hits": hits, "base": base, "mean": mean}


@njit(cache=True, nogil=True)
def _counting(first: Ints, begins: Ints, ends: Ints, group: Ints, at: Ints) -> Ints:
    """Rows of each question's group that have begun and not ended."""
    found = np.zeros(len(at), dtype=np.int64)
    for q in range(len(at)):
        if group[q] >= 0:
            low, high = first[group[q]], first[group[q] + 1]
            begun = np.searchsorted(begins[low:high], at[q], "right")
            found[q] = begun - np.searchsorted(ends[low:high], at[q], "right")
    return found


@njit(cache=True, nogil=True)
def _own(first: Ints, own: Ints, firm: Ints, group: Ints, at: Ints) -> Ints:
    """The firm's own rows that count at each moment, of one group or (0) of all."""
    found = np.zeros(len(at), dtype=np.int64)
    for q in range(len(at)):
        if firm[q] < 0:
            continue
        for row in range(first[firm[q]], first[firm[q] + 1]):
            is_group = group[q] == 0 or own[0, row] == group[q]
            if is_group and own[1, row] <= at[q] < own[2, row]:
                found[q] += 1
    return found
