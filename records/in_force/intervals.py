"""The intervals of time in which records are in force (domain README, section 2).

A record is in force while its newest known version may be scored, is neither repaired nor past its
publicity or statutory end, is no annulled or spared decision, and is under no dispute. Everything
that counts, sums or warns asks here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numba import njit

from xinheng.records.frames import (
    DAY_US,
    NONE,
    SHANGHAI_US,
    Bools,
    Ints,
    as_rows,
    is_in,
)
from xinheng.records.in_force.repairs import Repairs
from xinheng.records.in_force.rules import is_valid, rule_columns, statutory_ends
from xinheng.records.spans import (
    EVER_US,
    NEVER_US,
    SPAN_COLUMNS,
    stands,
    superseded_at,
    usable_from,
)

HELD = ("under_review", "upheld")
"""States of a dispute in which a record may not worsen anything (X7)."""
PUBLIC_COLUMNS = ("repaired_at", "publicity_until")
FORCE_COLUMNS = (*SPAN_COLUMNS, "dispute_status", *PUBLIC_COLUMNS)
"""What is read of every table."""


class InForce(NamedTuple):
    """Versions with the time in which each is in force, in microseconds.

    A version whose repair was undone stands there once for each interval; one that is never in
    force may stand there with an interval that ends before it begins.
    """

    rows: pl.DataFrame
    since: Ints
    until: Ints


def force_columns(name: str) -> tuple[str, ...]:
    """Columns that decide when a record of a table is in force."""
    return (*FORCE_COLUMNS, *rule_columns(name))


def in_force(name: str, versions: pl.DataFrame, repairs: Repairs) -> InForce:
    """When each version of a table's records is in force.

    Parameters
    ----------
    versions
        All versions of the facts concerned, with `force_columns`.
    """
    if versions.height == 0:
        return _none(versions)
    counts = stands(versions) & ~is_held(versions) & is_valid(name, versions)
    return _intervals(name, versions, repairs, counts, statutory_ends(name, versions))


def unrepaired(name: str, versions: pl.DataFrame, repairs: Repairs) -> InForce:
    """When each version stands, is not repaired and not past its publicity, whatever it says."""
    if versions.height == 0:
        return _none(versions)
    return _intervals(name, versions, repairs, stands(versions), ())


def _none(versions: pl.DataFrame) -> InForce:
    nothing = np.zeros(0, dtype=np.int64)
    return InForce(versions, nothing, nothing)


def _intervals(
    name: str, versions: pl.DataFrame, repairs: Repairs, counts: Bools, ends: Sequence[Ints]
) -> InForce:
    until = np.minimum(superseded_at(versions), public_ends(versions))
    for end in ends:
        until = np.where(end == NONE, until, np.minimum(until, end))
    since, until = usable_from(versions), np.where(counts, until, EVER_US)
    if not repairs.acts_on(name):
        return InForce(versions, since, until)
    return without_holes(versions, since, until, repairs.holes(name, versions))


def is_held(versions: pl.DataFrame) -> Bools:
    """Which versions are under a dispute, in which they may not worsen anything."""
    return is_in(versions["dispute_status"], HELD)


def public_ends(versions: pl.DataFrame) -> Ints:
    """When the version's own repair or the end of publicity takes effect; `NEVER_US`: never."""
    until = np.full(versions.height, NEVER_US)
    for column in PUBLIC_COLUMNS:
        day = versions[column]
        if day.null_count() < versions.height:
            moment = day.to_physical().cast(pl.Int64) * DAY_US - SHANGHAI_US
            until = np.minimum(until, moment.fill_null(NEVER_US).to_numpy())
    return until


def without_holes(rows: pl.DataFrame, since: Ints, until: Ints, holes: pl.DataFrame) -> InForce:
    """Cut out of each row's interval the time in which it is repaired."""
    if holes.height == 0:
        return InForce(rows, since, until)
    numbers = (holes[c].cast(pl.Int64).to_numpy() for c in ("row", "since", "until"))
    row, begins, ends = pieces(since, until, *numbers)
    return InForce(rows[as_rows(row)], begins, ends)


@njit(cache=True, nogil=True)
def pieces(
    since: Ints, until: Ints, hole_row: Ints, hole_since: Ints, hole_until: Ints
) -> tuple[Ints, Ints, Ints]:
    """What is left of each interval without its holes: row, from, until.

    The holes are in the order of their rows, then of their begins; an empty interval is left out.
    """
    size = len(since) + len(hole_row)
    found = np.empty((3, size), dtype=np.int64)
    n = hole = 0
    for row in range(len(since)):
        begin = since[row]
        while hole < len(hole_row) and hole_row[hole] == row:
            end = min(hole_since[hole], until[row])
            if begin < end:
                found[0, n], found[1, n], found[2, n] = row, begin, end
                n += 1
            begin = max(begin, hole_until[hole])
            hole += 1
        if begin < until[row]:
            found[0, n], found[1, n], found[2, n] = row, begin, until[row]
            n += 1
    return found[0, :n], found[1, :n], found[2, :n]
