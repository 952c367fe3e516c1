"""The inner loop: the rows of one enterprise are passed once a question, all folds beside them.

Compiled by numba. Time is whole microseconds, values are whole numbers: no order of rows and no
number of enterprises beside this one can change a bit of the outcome.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from xinheng.features.vocabulary.fold import Ints, Op
from xinheng.records.frames import NONE as NULL

OP, CONDITION, VALUE, BEGINS, ENDS, AGE_FROM, AGE_TO, HALF_LIFE = range(8)
"""Columns of a plan, a row a fold: see `xinheng.features.engine.plan`."""
NONE = -1
SUM, MAX, MIN, BITS, LAST, BEFORE, LARGEST, DECAY = (op.value for op in Op)
FIXED_POINT = 2.0**32


Words = NDArray[np.uint64]


class Arrays(NamedTuple):
    """The usable rows of one table as whole numbers.

    The rows of firm `f` are `order[first_row[f]:first_row[f + 1]]`.
    """

    first_row: Ints
    order: Ints
    event_at: Ints
    known_at: Ints
    rank: Ints
    """Order of the record ids."""
    since: Ints
    until: Ints
    masks: Words
    """Conditions as bits: (words, rows)."""
    values: Ints
    """(values, rows); `NULL` where there is none, so that the row takes no part."""
    bounds: Ints
    """Moments from or until which a row takes part: (bounds, rows)."""


@njit(cache=True, nogil=True)
def packed(atoms: NDArray[np.bool_], needs: Ints) -> Words:
    """Words of 64 conditions, the first the lowest bit: (words, rows).

    `needs` tells the atoms of each condition that must hold.
    """
    conditions, rows = len(needs), atoms.shape[1]
    words = np.zeros(((conditions + 63) // 64, rows), dtype=np.uint64)
    for bit in range(conditions):
        for row in range(rows):
            is_met = True
            for atom in needs[bit]:
                is_met = is_met and (atom == NONE or atoms[atom, row])
            words[bit >> 6, row] |= np.uint64(is_met) << np.uint64(bit & 63)
    return words


@njit(cache=True, nogil=True)
def counts(plans: Ints, f: int, row: int, masks: Words, values: Ints) -> bool:
    """Whether a row satisfies the condition of a fold and has a value for it."""
    bit = plans[f, CONDITION]
    is_met = (masks[bit >> 6, row] >> np.uint64(bit & 63)) & np.uint64(1)
    return bool(is_met and values[plans[f, VALUE], row] != NULL)


@njit(cache=True, nogil=True)
def takes_part(
    plans: Ints, f: int, age: int, at: int, row: int, masks: Words, values: Ints, bounds: Ints
) -> bool:
    """Whether a usable row takes part in a fold at a moment: the only place that decides it."""
    if age < plans[f, AGE_FROM] or age >= plans[f, AGE_TO]:
        return False
    if not counts(plans, f, row, masks, values):
        return False
    begins, ends = plans[f, BEGINS], plans[f, ENDS]
    if begins != NONE and bounds[begins, row] > at:
        return False
    return bool(ends == NONE or bounds[ends, row] > at)


@njit(cache=True, nogil=True)
def is_usable(since: int, until: int, event_at: int, at: int) -> bool:
    """Known by then, not over, and not of the future."""
    return since <= at < until and event_at <= at


@njit(cache=True, nogil=True)
def is_newer(rows: Arrays, row: int, best: int, value: int) -> bool:
    """Whether a row is picked before the best so far: value, event, arrival, record id."""
    values = rows.values[value]
    if values[row] != values[best]:
        return bool(values[row] > values[best])
    if rows.event_at[row] != rows.event_at[best]:
        return bool(rows.event_at[row] > rows.event_at[best])
    if rows.known_at[row] != rows.known_at[best]:
        return bool(rows.known_at[row] > rows.known_at[best])
    return bool(rows.rank[row] > rows.rank[best])


@njit(cache=True, nogil=True)
def rows_behind(rows: Arrays, firm: int, at: int, plans: Ints, f: int) -> Ints:
    """The rows of a firm that take part in a fold at a moment."""
    found = np.empty(rows.first_row[firm + 1] - rows.first_row[firm], dtype=np.int64)
    n = 0
    for place in range(rows.first_row[firm], rows.first_row[firm + 1]):
        row = rows.order[place]
        event_at = rows.event_at[row]
        if is_usable(rows.since[row], rows.until[row], event_at, at) and takes_part(
            plans, f, at - event_at, at, row, rows.masks, rows.values, rows.bounds
        ):
            found[n] = row
            n += 1
    return found[:n]


@njit(cache=True, nogil=True)
def largest_group(codes: Ints) -> int:
    """How many times the commonest code occurs."""
    codes.sort()
    best = run = 0
    for i in range(len(codes)):
        run = run + 1 if i > 0 and codes[i] == codes[i - 1] else 1
        best = max(best, run)
    return best


@njit(cache=True, nogil=True)
def fold_row(rows: Arrays, row: int, at: int, plans: Ints, f: int, total: int, n: int) -> int:
    """The outcome of a fold other than a sum after one more row."""
    op, value = plans[f, OP], plans[f, VALUE]
    own = int(rows.values[value, row])
    if op in (LAST, BEFORE):
        return row if n == 0 or is_newer(rows, row, total, value) else total
    if op == BITS:
        return total | own
    if op == DECAY:
        half_lives = (at - rows.event_at[row]) / plans[f, HALF_LIFE]
        return total + int(np.round(own * 0.5**half_lives * FIXED_POINT))
    if n == 0:
        return own
    return max(total, own) if op == MAX else min(total, own)


@njit(cache=True, nogil=True)
def second_pass(
    rows: Arrays, firm: int, at: int, plans: Ints, f: int, best: int
) -> tuple[int, int]:
    """Outcome and number of rows of the folds that need all rows first."""
    taken = rows_behind(rows, firm, at, plans, f)
    values = rows.values[plans[f, VALUE]]
    if plans[f, OP] == LARGEST:
        return largest_group(values[taken]), len(taken)
    found, n = NONE, 0
    for row in taken:
        if values[row] == values[best] - 1:
            found = row if n == 0 or is_newer(rows, row, found, plans[f, VALUE]) else found
            n += 1
    return found, n


@njit(cache=True, nogil=True)
def fold_rows(
    rows: Arrays, firm_of: Ints, moments: Ints, plans: Ints, found: Ints, taken: Ints, first: int
) -> None:
    """Fill in outcome and number of rows of every fold at every question.

    `found` and `taken` are zeros (questions, folds), in which this table's begin at `first`.
    `LAST` and `BEFORE` answer with a row.
    """
    n_folds = plans.shape[0]
    masks, values, bounds = rows.masks, rows.values, rows.bounds
    order, events, since, until = rows.order, rows.event_at, rows.since, rows.until
    for q in range(len(moments)):
        firm, at = firm_of[q], moments[q]
        for place in range(rows.first_row[firm], rows.first_row[firm + 1]):
            row = order[place]
            if not is_usable(since[row], until[row], events[row], at):
                continue
            age = at - events[row]
            for f in range(n_folds):
                if not takes_part(plans, f, age, at, row, masks, values, bounds):
                    continue
                own, n = found[q, first + f], taken[q, first + f]
                if plans[f, OP] == SUM:
                    found[q, first + f] = own + values[plans[f, VALUE], row]
                else:
                    found[q, first + f] = fold_row(rows, row, at, plans, f, own, n)
                taken[q, first + f] = n + 1
        for f in range(n_folds):
            if taken[q, first + f] > 0 and plans[f, OP] in (BEFORE, LARGEST):
                found[q, first + f], taken[q, first + f] = second_pass(
                    rows, firm, at, plans, f, found[q, first + f]
                )


@njit(cache=True, nogil=True)
def spans_of(rows: Arrays, firms: int, plans: Ints, f: int) -> tuple[Ints, Ints, Ints, Ints]:
    """When each row takes part in a fold: row, firm, from, until; rows that never do are left out.

    `takes_part` at any moment says the same.
    """
    size = len(rows.order)
    found = np.empty((4, size), dtype=np.int64)
    n = 0
    for firm in range(firms):
        for place in range(rows.first_row[firm], rows.first_row[firm + 1]):
            row = rows.order[place]
            if not counts(plans, f, row, rows.masks, rows.values):
                continue
            since = max(rows.since[row], rows.event_at[row] + plans[f, AGE_FROM])
            until = rows.until[row]
            if plans[f, AGE_TO] < until - rows.event_at[row]:
                until = rows.event_at[row] + plans[f, AGE_TO]
            if plans[f, BEGINS] != NONE:
                since = max(since, rows.bounds[plans[f, BEGINS], row])
            if plans[f, ENDS] != NONE:
                until = min(until, rows.bounds[plans[f, ENDS], row])
            if since < until:
                found[0, n], found[1, n], found[2, n], found[3, n] = row, firm, since, until
                n += 1
    return found[0, :n], found[1, :n], found[2, :n], found[3, :n]


@njit(cache=True, nogil=True)
def all_behind(
    rows: Arrays, firm_of: Ints, moments: Ints, plans: Ints, f: int
) -> tuple[Ints, Ints]:
    """The rows that make a fold at every question: question and row, one after another.

    Of a greatest or smallest value the rows that have it; of a picked row only that.
    """
    found = np.zeros((len(moments), 1), dtype=np.int64)
    taken = np.zeros((len(moments), 1), dtype=np.int64)
    fold_rows(rows, firm_of, moments, plans[f : f + 1], found, taken, 0)
    number = np.int64(0)
    for q in range(len(moments)):
        number += rows.first_row[firm_of[q] + 1] - rows.first_row[firm_of[q]]
    question, behind = np.empty(number, dtype=np.int64), np.empty(number, dtype=np.int64)
    op, n = plans[f, OP], 0
    for q in range(len(moments)):
        if taken[q, 0] == 0:
            continue
        for row in rows_behind(rows, firm_of[q], moments[q], plans, f):
            own = rows.values[plans[f, VALUE], row]
            if op in (LAST, BEFORE) and row != found[q, 0]:
                continue
            if op in (MAX, MIN) and own != found[q, 0]:
                continue
            question[n], behind[n] = q, row
            n += 1
    return question[:n], behind[:n]
