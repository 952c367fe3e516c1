"""Records that take another's place: a later licence of the same kind and holder renews the former.

Compiled by numba, stretch by stretch of knowledge; days count from 1970.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numba import njit

from xinheng.records.duties.deadline import NO_END
from xinheng.records.duties.loops.stretches import bounds, cuts
from xinheng.records.frames import NONE, Bools, Ints, as_moments, as_rows, days, microseconds
from xinheng.records.spans import FROM, UNTIL


class Papers(NamedTuple):
    """Records of one table with their spans, as the loop reads them."""

    group: Ints
    """Holder and kind."""
    since: Ints
    until: Ints
    begins: Ints
    ends: Ints
    """`NO_END` where there is none."""
    is_void: Bools


def with_successors(rows: pl.DataFrame, kind: str, begins: str, is_void: pl.Expr) -> pl.DataFrame:
    """Rows cut where their successor is known: its day `_renewed_on` and `_renewed_known_at`.

    Parameters
    ----------
    rows
        Of one table, with spans and `valid_to`.
    kind, begins
        Columns: what a successor shares with the former, and the day it was granted.
    is_void
        Which records renew nothing.
    """
    papers = papers_of(rows, kind, begins, is_void, *(microseconds(rows[e]) for e in (FROM, UNTIL)))
    row, later, since, until = renewals(papers)
    renewal = rows.select(_renewed_on=begins, _renewed_known_at="known_at")[as_rows(later)]
    cut = rows[as_rows(row)].hstack(renewal)
    return cut.with_columns(as_moments(since).alias(FROM), as_moments(until).alias(UNTIL))


def papers_of(
    rows: pl.DataFrame, kind: str, begins: str, is_void: pl.Expr, since: Ints, until: Ints
) -> Papers:
    """Rows as the loop reads them; one whose time ends before it begins is never known."""
    group = (pl.col("uscc").hash(1) ^ pl.col(kind).hash(2)).reinterpret(signed=True)
    told = rows.select(group=group, is_void=is_void.fill_null(value=False))
    ends = days(rows["valid_to"])
    return Papers(
        told["group"].to_numpy(),
        since,
        until,
        days(rows[begins]),
        np.where(ends == NONE, NO_END, ends),
        told["is_void"].to_numpy(),
    )


@njit(cache=True, nogil=True)
def successor(papers: Papers, own: Ints, row: int, at: int) -> int:
    """The first record of a group that was granted after a row and ends after it; or `NONE`."""
    best = NONE
    for other in own:
        is_known = papers.since[other] <= at < papers.until[other]
        is_later = papers.begins[other] > papers.begins[row]
        if not (is_known and is_later and papers.ends[other] > papers.ends[row]):
            continue
        if papers.is_void[other]:
            continue
        if best == NONE or papers.begins[other] < papers.begins[best]:
            best = other
    return best


@njit(cache=True, nogil=True)
def renewals(papers: Papers) -> Ints:
    """Every row with its successor, from and until: a column a stretch of knowledge."""
    order = np.argsort(papers.group, kind="mergesort")
    groups = papers.group[order]
    found = np.empty((4, 1024), dtype=np.int64)
    n, begin = 0, 0
    while begin < len(order):
        begin, end = bounds(groups, groups[begin])
        own = order[begin:end]
        none = np.empty(0, dtype=np.int64)
        points = cuts(papers.since[own], papers.until[own], none, none)
        for row in own:
            last = NONE
            for p in range(len(points) - 1):
                if not papers.since[row] <= points[p] < papers.until[row]:
                    continue
                later = successor(papers, own, row, points[p])
                if last != NONE and found[1, last] == later:
                    found[3, last] = points[p + 1]
                    continue
                if n == found.shape[1]:
                    found = np.concatenate((found, np.empty_like(found)), axis=1)
                found[0, n], found[1, n] = row, later
                found[2, n], found[3, n] = points[p], points[p + 1]
                last, n = n, n + 1
        begin = end
    return found[:, :n]
