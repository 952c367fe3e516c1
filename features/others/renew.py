"""What is known of others, brought up to date for some enterprises without reading all again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl

from xinheng.features.coverage import Coverage
from xinheng.features.knowledge import Knowledge
from xinheng.features.others.links import teller
from xinheng.features.others.others import Changed, Others
from xinheng.features.others.traces import TRACES, Sought, Traces, traces_of
from xinheng.features.source import Source
from xinheng.records.frames import microsecond


def renewed(  # noqa: PLR0913  (what it depends on)
    others: Others,
    source: Source,
    usccs: Sequence[str],
    until: datetime,
    at: datetime,
    *,
    is_known: bool = False,
    tables: Collection[str] | None = None,
    rates: bool = True,
) -> tuple[Others, list[str]]:
    """The same with what a source now says of some, and whose relations that changes.

    Rates of groups change too, for everyone in them by a little, and the first proof of a kind of
    duty that ever arrives says something of everybody's: those are as before until all are
    assessed again.

    Parameters
    ----------
    source
        All records of the enterprises.
    until
        The moment that `others` was read for.
    at
        The moment at which neighbours are looked for, before and after.
    is_known
        Whether `others` may know the news already: then all around them count as changed.
    tables
        Tables that may say something new of them; by default all.
    rates
        Whether the rates of groups are renewed too, or relations alone.
    """
    usccs = source.successions().family(usccs)
    coverage = others.coverage if others.coverage.is_of(source) else Coverage(source)
    others = others.with_coverage(coverage)
    if is_known:
        return others, sorted(neighbours_of(others, {*usccs}, at) - {*usccs})
    sought = others.needs.sought
    if tables is not None:
        sought = sought.resting_on(tables)
    if not rates:
        sought = replace(sought, rates=())
    theirs = _rows_of(usccs, sought)
    knowledge = Knowledge(source, until, usccs=usccs, coverage=coverage)
    fresh = traces_of(sought, knowledge)
    former = Traces(*(getattr(others.traces, name).filter(theirs[name]) for name in TRACES))
    changed = _changed(former, fresh)
    if not any(frame.height for frame in changed.values()):
        return others, []
    later = _later(others, theirs, fresh, changed)
    moved = {*changed["edges"]["uscc"], *changed["states"]["uscc"]}
    near = {*neighbours_of(others, moved, at), *neighbours_of(later, moved, at)}
    return later, sorted(near - {*usccs})


def _rows_of(usccs: Sequence[str], sought: Sought) -> dict[str, pl.Expr]:
    """Of each kind of trace the rows of it that the records of some enterprises tell."""
    whose = {"rates": pl.col("uscc"), "edges": teller(), "states": pl.col("uscc")}
    return {name: rows & whose[name].is_in(list(usccs)) for name, rows in sought.rows.items()}


def _later(
    others: Others,
    theirs: Mapping[str, pl.Expr],
    fresh: Traces,
    changed: Mapping[str, pl.DataFrame],
) -> Others:
    """With the fresh traces of some enterprises instead of their own."""
    told = {
        name: pl.concat([getattr(others.traces, name).filter(~theirs[name]), getattr(fresh, name)])
        if rows.height
        else getattr(others.traces, name)
        for name, rows in changed.items()
    }
    traces = Traces(**told)
    if any((others.places({*rows["uscc"]}) < 0).any() for rows in changed.values()):
        return Others(others.needs, traces, others.coverage)
    named = ("rates", "rate"), ("edges", "link"), ("states", "state")
    return others.with_traces(traces, Changed(*({*changed[n][of]} for n, of in named)))


def _changed(former: Traces, fresh: Traces) -> dict[str, pl.DataFrame]:
    """By kind of trace the rows that are in one and not in the other, or not as often."""
    return {name: _differing(getattr(former, name), getattr(fresh, name)) for name in TRACES}


def _differing(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    before, after = (rows.sort(pl.all()) for rows in (one, other))
    if before.equals(after):
        return one.clear()
    counted = [rows.group_by(pl.all()).len("_n") for rows in (one, other)]
    keys = [*one.columns, "_n"]
    gone = counted[0].join(counted[1], on=keys, how="anti", nulls_equal=True)
    new = counted[1].join(counted[0], on=keys, how="anti", nulls_equal=True)
    return pl.concat([gone, new]).drop("_n")


def neighbours_of(others: Others, moved: set[str], at: datetime) -> set[str]:
    """Enterprises tied to some, over as many hops as relations look."""
    if others.graph is None or not moved:
        return set()
    places = others.places(sorted(moved))
    here = places[places >= 0]
    near, moment = [here], microsecond(at)
    for link in others.graph.links:
        tied = here
        for _ in range(others.needs.hops(link)):
            tied = others.graph.neighbours(link, tied, moment)
        near.append(tied)
    return {*others.firms.gather(np.unique(np.concatenate(near)))}
