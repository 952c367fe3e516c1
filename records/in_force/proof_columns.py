"""Columns that proofs of duties add to the records that the duties arise from.

The record of a duty says what was done, but not whether anybody would tell: `observable_from` is
the moment from which on the lack of a proof says something (`xinheng.records.duties.proofs`), and
`successor_on` the day of a later record that performs the duty too, while that one is known.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

import numpy as np
import polars as pl

from xinheng.records.duties.dated import sql
from xinheng.records.duties.loops.successors import papers_of, renewals
from xinheng.records.duties.proofs import Proofs
from xinheng.records.duties.rules import Duty, clocks
from xinheng.records.frames import NONE, Ints, as_moments, as_rows
from xinheng.records.in_force.intervals import InForce
from xinheng.records.spans import stands, superseded_at, usable_from

OBSERVABLE, SUCCESSOR = "observable_from", "successor_on"
ROW = "_version"
"""Number of a version among those read, while its successors are looked for."""


def proof_columns(name: str) -> frozenset[str]:
    """The columns that a table has beside its own."""
    duty = duty_of(name)
    if duty is None:
        return frozenset()
    return frozenset({OBSERVABLE, SUCCESSOR} if duty.renewed_by else {OBSERVABLE})


@cache
def duty_of(name: str) -> Duty | None:
    """The duty that arises from a table's records; its proof is the same for all of its rules."""
    own = [duty for duty in clocks().duties if duty.table == name]
    assert len({(one.kind, one.renewed_by) for one in own}) <= 1, f"{name}: duties of two kinds"
    return own[0] if own else None


@cache
def columns_behind(name: str, wanted: frozenset[str]) -> frozenset[str]:
    """Own columns of a table that some of its columns of proofs are made of."""
    duty = duty_of(name)
    if duty is None or not wanted:
        return frozenset()
    if SUCCESSOR not in wanted:
        return frozenset({"source_dept"})
    named = {c for text in (duty.opened, duty.waived) for c in sql(text).meta.root_names()}
    return frozenset({"source_dept", "valid_to", duty.renewed_by, *named})


def with_proof_columns(
    name: str, found: InForce, versions: pl.DataFrame, wanted: Collection[str], proofs: Proofs
) -> InForce:
    """Records in force with some columns of proofs, cut where a successor becomes known.

    Parameters
    ----------
    found
        Of the versions, with `ROW`.
    versions
        All versions of the facts concerned, with `columns_behind`.
    """
    duty = duty_of(name)
    assert duty is not None
    if SUCCESSOR in wanted:
        found = _with_successors(found, versions, duty)
    if OBSERVABLE in wanted:
        rows = found.rows
        since = proofs.since(duty.kind, name, rows["source_dept"], rows.height)
        found = found._replace(rows=rows.hstack([as_moments(since).alias(OBSERVABLE)]))
    return found


def _with_successors(found: InForce, versions: pl.DataFrame, duty: Duty) -> InForce:
    """The same with `successor_on`.

    A successor counts while it is known, as in the ledger, also where it is itself under dispute.
    """
    begins = versions[duty.opened]
    since, until = usable_from(versions), np.where(stands(versions), superseded_at(versions), NONE)
    papers = papers_of(versions, duty.renewed_by, duty.opened, sql(duty.waived), since, until)
    row, later, begin, end = renewals(papers)
    if (later == NONE).all():
        nothing = pl.Series(SUCCESSOR, [None], dtype=begins.dtype)
        told = nothing.new_from_index(0, found.rows.height)
        return found._replace(rows=found.rows.hstack([told]))
    order = np.argsort(row, kind="stable")
    place, stretch = _beside(found.rows[ROW].to_numpy().astype(np.int64), row[order])
    cut = order[stretch]
    first = np.maximum(found.since[place], begin[cut])
    last = np.minimum(found.until[place], end[cut])
    kept = first < last
    told = begins[as_rows(later[cut][kept])].alias(SUCCESSOR)
    return InForce(found.rows[as_rows(place[kept])].hstack([told]), first[kept], last[kept])


def _beside(rows: Ints, sorted_rows: Ints) -> tuple[Ints, Ints]:
    """Every pair of alike numbers: place in the one, place in the other, which is sorted."""
    first = np.searchsorted(sorted_rows, rows, "left")
    size = np.searchsorted(sorted_rows, rows, "right") - first
    place = np.repeat(np.arange(len(rows)), size)
    within = np.arange(len(place)) - np.repeat(np.cumsum(size) - size, size)
    return place, first[place] + within
