"""The inner loops of the ledger: what was known of each duty, stretch by stretch of time.

A stretch begins and ends where a version of a record concerned becomes usable or ceases to be.
Compiled by numba; moments are microseconds, days count from 1970, groups are hashes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from xinheng.records.duties.loops.instalments import Events, course
from xinheng.records.frames import NONE, Ints


class Usable(NamedTuple):
    """Rows with their group and span; `a` and `b` are what the loop reads of them."""

    group: Ints
    since: Ints
    until: Ints
    a: Ints
    b: Ints


@njit(cache=True, nogil=True)
def cuts(since: Ints, until: Ints, more_since: Ints, more_until: Ints) -> Ints:
    """Moments at which what is known changes, ascending."""
    return np.unique(np.concatenate((since, until, more_since, more_until)))


@njit(cache=True, nogil=True)
def bounds(sorted_groups: Ints, group: int) -> tuple[int, int]:
    """First and last place of a group."""
    first = np.searchsorted(sorted_groups, group, "left")
    return int(first), int(np.searchsorted(sorted_groups, group, "right"))


@njit(cache=True, nogil=True)
def registered(register: Usable, rows: Ints, at: int) -> tuple[int, int, int]:
    """First day, last end and a row of the register entries known at a moment."""
    since, ended, any_row = NONE, NONE, NONE
    for row in rows:
        if register.since[row] <= at < register.until[row]:
            since = register.a[row] if any_row == NONE else min(since, register.a[row])
            ended, any_row = max(ended, register.b[row]), row
    return since, ended, any_row


@njit(cache=True, nogil=True)
def first_filing(filings: Usable, rows: Ints, year: int, at: int) -> int:
    """The filing of a year that came first, of those known at a moment."""
    best = NONE
    for row in rows:
        if filings.a[row] != year or not filings.since[row] <= at < filings.until[row]:
            continue
        if best == NONE or filings.b[row] < filings.b[best]:
            best = row
    return best


@njit(cache=True, nogil=True)
def report_stretches(
    register: Usable, filings: Usable, years: Ints, opened: Ints, first_day: Ints
) -> Ints:
    """Annual reports owed: row of the register, year, row of the filing, from, until, ended.

    `register` tells the first and the last day of a firm, `filings` the year and the moment; a
    report is owed from its `opened` moment by a firm that was there before its `first_day`.
    """
    order, others = np.argsort(register.group), np.argsort(filings.group)
    groups, filed = register.group[order], filings.group[others]
    found = np.empty((6, 1024), dtype=np.int64)
    n, begin = 0, 0
    while begin < len(order):
        begin, end = bounds(groups, groups[begin])
        own = order[begin:end]
        low, high = bounds(filed, groups[begin])
        papers = others[low:high]
        points = cuts(
            register.since[own], register.until[own], filings.since[papers], filings.until[papers]
        )
        for y in range(len(years)):
            last = NONE
            for p in range(len(points) - 1):
                since, until = max(points[p], opened[y]), points[p + 1]
                if since >= until:
                    continue
                began, ended, entry = registered(register, own, points[p])
                if entry == NONE or began >= first_day[y]:
                    last = NONE
                    continue
                filing = first_filing(filings, papers, years[y], points[p])
                if last != NONE and found[2, last] == filing and found[5, last] == ended:
                    found[4, last] = until
                    continue
                if n == found.shape[1]:
                    found = np.concatenate((found, np.empty_like(found)), axis=1)
                found[0, n], found[1, n], found[2, n] = entry, years[y], filing
                found[3, n], found[4, n], found[5, n] = since, until, ended
                last, n = n, n + 1
        begin = end
    return found[:, :n]


@njit(cache=True, nogil=True)
def filed_stretches(register: Usable, filings: Usable) -> Ints:
    """Reports of firms that no register entry tells of: row of the first filing, from, until.

    Of filings of the same moment the one that stands first counts. A year whose report nobody
    filed is not there: without the register nobody knows who owes it.
    """
    order, others = np.argsort(register.group), np.argsort(filings.group, kind="mergesort")
    groups, filed = register.group[order], filings.group[others]
    found = np.empty((3, 1024), dtype=np.int64)
    n, begin = 0, 0
    while begin < len(others):
        begin, end = bounds(filed, filed[begin])
        papers = others[begin:end]
        low, high = bounds(groups, filed[begin])
        own = order[low:high]
        points = cuts(
            register.since[own], register.until[own], filings.since[papers], filings.until[papers]
        )
        last = np.full(len(papers), NONE)
        for p in range(len(points) - 1):
            if registered(register, own, points[p])[2] != NONE:
                continue
            for i in range(len(papers)):
                if first_filing(filings, papers, filings.a[papers[i]], points[p]) != papers[i]:
                    continue
                if last[i] != NONE and found[2, last[i]] == points[p]:
                    found[2, last[i]] = points[p + 1]
                    continue
                if n == found.shape[1]:
                    found = np.concatenate((found, np.empty_like(found)), axis=1)
                found[0, n], found[1, n], found[2, n] = papers[i], points[p], points[p + 1]
                last[i], n = n, n + 1
        begin = end
    return found[:, :n]


@njit(cache=True, nogil=True)
def owed_amount(fines: Usable, rows: Ints, at: int) -> int:
    """What a decision demands at a moment, in fen; the newest changed decision comes first.

    Of several records of one decision the largest amount counts.
    """
    owed, changed, since = 0, NONE, NONE
    for row in rows:
        if fines.since[row] <= at < fines.until[row]:
            owed = max(owed, fines.a[row])
            if fines.b[row] and fines.since[row] >= since:
                changed, since = fines.a[row], fines.since[row]
    return owed if changed == NONE else changed


@njit(cache=True, nogil=True)
def payment_stretches(fines: Usable, terms: Ints, events: Events) -> Ints:
    """Fines owed: row of the fine, row of the last payment, last day, rule, closed, from, until.

    The rows of `events` are in the order of the events; `a` of a fine is its amount, `b` whether
    its decision was changed, and `terms` the last day of each without any event.
    """
    order, others = np.argsort(fines.group), np.argsort(events.group, kind="mergesort")
    groups, told = fines.group[order], events.group[others]
    found = np.empty((7, 1024), dtype=np.int64)
    n, begin = 0, 0
    while begin < len(order):
        begin, end = bounds(groups, groups[begin])
        own = order[begin:end]
        low, high = bounds(told, groups[begin])
        case = others[low:high]
        points = cuts(fines.since[own], fines.until[own], events.since[case], events.until[case])
        for p in range(len(points) - 1):
            at = points[p]
            owed = owed_amount(fines, own, at)
            known = case[(events.since[case] <= at) & (at < events.until[case])]
            for row in own:
                if not fines.since[row] <= at < fines.until[row]:
                    continue
                if n == found.shape[1]:
                    found = np.concatenate((found, np.empty_like(found)), axis=1)
                now = course(events, known, owed, terms[row])
                found[0, n], found[1, n], found[2, n] = row, now.reached, now.due
                found[3, n], found[4, n] = now.rule, now.closed
                found[5, n], found[6, n] = at, points[p + 1]
                n += 1
        begin = end
    return found[:, :n]
