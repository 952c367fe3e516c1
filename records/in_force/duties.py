"""Which duties of the ledger count and warn: those that rest on a record in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import polars as pl

from xinheng.records.duties.spans import WAITING
from xinheng.records.frames import FEW, Bools, as_moments, is_in, microseconds, where
from xinheng.records.in_force.intervals import is_held, without_holes
from xinheng.records.in_force.repairs import HOLES, Repairs, repaired_themselves
from xinheng.records.in_force.rules import is_valid, rule_columns
from xinheng.records.spans import FROM, UNTIL

PERFORMED = ("performed", "performed_late")
"""When a duty was performed is a fact of the ledger, which the repair of a record does not end."""


def counting_duties(
    duties: pl.DataFrame, versions: Callable[[str], pl.DataFrame], repairs: Repairs
) -> pl.DataFrame:
    """Duties without the time in which they neither count nor warn.

    A duty whose record is under dispute is held until that is decided. Once its record is
    repaired a duty counts only with its performance: what was repaired is not held against the
    firm for want of a proof. That the fine of an annulled decision was paid, or paid late, counts
    for nothing. The end of publicity ends no duty. Past its deadline a duty that waits counts only
    once proofs of its kind are delivered.

    Parameters
    ----------
    duties
        As `xinheng.records.duties.spans` has them.
    versions
        Versions by table, with the columns of `xinheng.records.in_force.intervals.force_columns`.
    """
    names = _names(duties["source_table"])
    void = _is_void(duties, names, versions)
    duties = where(duties, ~is_held(duties) & ~void)
    found = [*_holes(duties, names, versions, repairs), *_unobservable(duties)]
    if not found:
        return duties
    holes = pl.concat(found).sort("row", "since")
    since, until = (microseconds(duties[edge]) for edge in (FROM, UNTIL))
    rows, begins, ends = without_holes(duties, since, until, holes)
    return rows.with_columns(as_moments(begins).alias(FROM), as_moments(ends).alias(UNTIL))


def _names(tables: pl.Series) -> list[str]:
    """The tables that duties come from."""
    return sorted({*(tables if len(tables) <= FEW else tables.unique()).to_list()})


def _is_void(
    duties: pl.DataFrame, names: Sequence[str], versions: Callable[[str], pl.DataFrame]
) -> Bools:
    """Which duties were performed though the decision behind them is annulled."""
    void = np.zeros(duties.height, dtype=bool)
    for name in names:
        records = versions(name) if rule_columns(name) else pl.DataFrame()
        annulled = ~is_valid(name, records)
        if annulled.any():
            void |= is_in(duties["source_record_id"], {*records["record_id"].filter(annulled)})
    return void & is_in(duties["standing"], PERFORMED) if void.any() else void


def _holes(
    duties: pl.DataFrame,
    names: Sequence[str],
    versions: Callable[[str], pl.DataFrame],
    repairs: Repairs,
) -> Iterator[pl.DataFrame]:
    """When the records of duties that wait for their performance are repaired: `HOLES`."""
    for name in names:
        records = versions(name)
        has_repaired = records["repaired_at"].null_count() < records.height
        if not has_repaired and not repairs.acts_on(name):
            continue
        waits = ~is_in(duties["standing"], PERFORMED) & is_in(duties["source_table"], (name,))
        own = np.flatnonzero(waits)
        rows, place = duties[own], pl.Series(own, dtype=pl.UInt32())
        told = [repairs.holes(name, rows)]
        if has_repaired:
            told.append(repaired_themselves(rows["source_record_id"], records))
        yield from (one.with_columns(place[one["row"]].alias("row")) for one in told if one.height)


def _unobservable(duties: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """When duties that wait are past their deadline and no proofs are delivered yet: `HOLES`."""
    due, since = (microseconds(duties[edge]) for edge in ("due_at", "observable_from"))
    rows = np.flatnonzero((due < since) & is_in(duties["standing"], WAITING))
    if len(rows):
        told = {"row": rows, "since": due[rows], "until": since[rows]}
        yield pl.DataFrame(told).cast(HOLES)  # type: ignore[arg-type]
