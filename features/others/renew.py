"""What is known of others, brought up to date for some enterprises without reading all again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from xinheng.features.coverage import Coverage
from xinheng.features.knowledge import Knowledge
from xinheng.features.others.others import TRACES, Others, Traces, traces_of
from xinheng.features.source import Source


def renewed(
    others: Others,
    source: Source,
    usccs: Sequence[str],
    until: datetime,
    at: datetime,
    *,
    is_known: bool = False,
) -> tuple[Others, list[str]]:
    """The same with what a source now says of some, and whose relations that changes.

    Rates of groups change too, for everyone in them by a little: those are as before until all
    are assessed again.

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
    """
    coverage = Coverage(source)
    if is_known:
        return others.with_coverage(coverage), sorted(_near(others, {*usccs}, at) - {*usccs})
    knowledge = Knowledge(source, until, usccs=usccs, coverage=coverage)
    fresh = traces_of(others.needs, knowledge)
    former = _of(others.traces, usccs)
    if all(_is_same(getattr(former, name), getattr(fresh, name)) for name in TRACES):
        return others.with_coverage(coverage), []
    rest = _without(others.traces, usccs)
    later = Others(others.needs, Traces.joined([rest, fresh]), coverage)
    moved = {
        uscc
        for name in ("edges", "states")
        for uscc in _changed(getattr(former, name), getattr(fresh, name))
    }
    near = {*_near(others, moved, at), *_near(later, moved, at)}
    return later, sorted(near - {*usccs})


def _of(traces: Traces, usccs: Sequence[str]) -> Traces:
    own = pl.col("uscc").is_in(list(usccs))
    return Traces(*(getattr(traces, name).filter(own) for name in TRACES))


def _without(traces: Traces, usccs: Sequence[str]) -> Traces:
    own = pl.col("uscc").is_in(list(usccs))
    return Traces(*(getattr(traces, name).filter(~own) for name in TRACES))


def _is_same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    return one.sort(pl.all()).equals(other.sort(pl.all()))


def _changed(former: pl.DataFrame, fresh: pl.DataFrame) -> set[str]:
    """Enterprises of which a row is in one and not in the other."""
    gone = former.join(fresh, on=former.columns, how="anti", nulls_equal=True)
    new = fresh.join(former, on=former.columns, how="anti", nulls_equal=True)
    return {*gone["uscc"], *new["uscc"]}


def _near(others: Others, moved: set[str], at: datetime) -> set[str]:
    """Enterprises tied to some, over as many hops as relations look."""
    if others.graph is None or not moved:
        return set()
    places = others.places(sorted(moved))
    here = places[places >= 0]
    found: set[str] = set()
    moment = int(at.timestamp() * 1_000_000)
    for link in others.graph.links:
        near = here
        for _ in range(others.needs.hops(link)):
            near = others.graph.neighbours(link, near, moment)
        found |= {*others.firms.gather(near)}
    return found
