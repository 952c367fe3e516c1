"""Rates over other enterprises as known at each moment: rows that have begun less rows that ended.

Every row counts during one stretch of time, in the group it belongs to then. Sorted begins and
ends, read at `as_of`, give exact whole numbers and never look past it; the enterprise's own rows
are taken off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numba import njit

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
    """Rows that count, ordered by group and by enterprise."""

    groups: pl.Series
    first_of_group: Ints
    begins: Ints
    ends: Ints
    """Ascending within each group."""
    firms: pl.Series
    first_of_firm: Ints
    own: Ints
    """Group, begin and end of each row: (3, rows), enterprise by enterprise."""

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Counted:
        """Index a frame of `COUNTED`."""
        groups = rows["group"].unique().sort()
        firms = rows["uscc"].unique().sort()
        group, firm = places(rows["group"], groups), places(rows["uscc"], firms)
        since, until = rows["since"].to_numpy(), rows["until"].to_numpy()
        by_firm = np.argsort(firm, kind="stable")
        return cls(
            groups=groups,
            first_of_group=_firsts(group, len(groups)),
            begins=since[np.lexsort((since, group))],
            ends=until[np.lexsort((until, group))],
            firms=firms,
            first_of_firm=_firsts(firm, len(firms)),
            own=np.stack([group, since, until])[:, by_firm],
        )

    def others(self, firm: Ints, group: Ints | None, at: Ints) -> Floats:
        """Rows of a group (or of all) that count at each moment, without the firm's own."""
        own = _own(self.first_of_firm, self.own, firm, _all_or(group, at), at)
        if group is None:
            begins, ends = np.sort(self.begins), np.sort(self.ends)
            whole = np.searchsorted(begins, at, "right") - np.searchsorted(ends, at, "right")
        else:
            whole = _counting(self.first_of_group, self.begins, self.ends, group, at)
        return np.asarray(whole - own, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class RateIndex:
    """Hits and base of one rate."""

    hits: Counted
    base: Counted

    def told(self, usccs: pl.Series, group: pl.Series | None, at: Ints) -> Mapping[str, Floats]:
        """`hits` and `base` of the group, and the `mean` over all, at each moment."""
        all_hits, all_base = (self._of(one, usccs, None, at) for one in (self.hits, self.base))
        mean = np.divide(all_hits, all_base, out=np.full(len(at), UNINFORMED), where=all_base > 0)
        if group is None:
            return {"hits": all_hits, "base": all_base, "mean": mean}
        hits, base = (self._of(one, usccs, group, at) for one in (self.hits, self.base))
        return {"hits": hits, "base": base, "mean": mean}

    @staticmethod
    def _of(counted: Counted, usccs: pl.Series, group: pl.Series | None, at: Ints) -> Floats:
        firm = places(usccs, counted.firms)
        wanted = None if group is None else places(group.fill_null(""), counted.groups)
        return counted.others(firm, wanted, at)


def places(values: pl.Series, among: pl.Series) -> Ints:
    """Place of each value in a sorted list without repeats; -1 where it is not there."""
    if len(among) == 0:
        return np.full(len(values), -1, dtype=np.int64)
    place = among.search_sorted(values, side="left").to_numpy().astype(np.int64)
    inside = np.minimum(place, len(among) - 1)
    there = (among.gather(inside) == values).fill_null(value=False).to_numpy()
    return np.where(there, inside, -1)


def _firsts(code: Ints, size: int) -> Ints:
    first = np.zeros(size + 1, dtype=np.int64)
    np.cumsum(np.bincount(code, minlength=size), out=first[1:])
    return first


def _all_or(group: Ints | None, at: Ints) -> Ints:
    return np.full(len(at), -2, dtype=np.int64) if group is None else group


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
    """The firm's own rows that count at each moment, of one group or (-2) of all."""
    found = np.zeros(len(at), dtype=np.int64)
    for q in range(len(at)):
        if firm[q] < 0:
            continue
        for row in range(first[firm[q]], first[firm[q] + 1]):
            is_group = group[q] == -2 or own[0, row] == group[q]
            if is_group and own[1, row] <= at[q] < own[2, row]:
                found[q] += 1
    return found
