"""The one global step: what has to be known of everybody, read once and asked at any moment."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from xinheng.features.coverage import Coverage
from xinheng.features.engine.finish import NOBODY, Group
from xinheng.features.indicator import FeatureColumn
from xinheng.features.knowledge import Knowledge
from xinheng.features.others.graph import Graph, LinkIndex, StateIndex
from xinheng.features.others.links import links
from xinheng.features.others.rates import RateIndex
from xinheng.features.others.traces import TRACES, Needs, Traces, rate_key, traces_of
from xinheng.features.source import Source
from xinheng.features.vocabulary.fold import Floats, Ints, Relation
from xinheng.records.frames import DAY_US
from xinheng.records.tables import MOMENT

_BEHIND: dict[str, pl.DataType] = {
    "q": pl.Int64(),
    "uscc": pl.String(),
    "record_id": pl.String(),
    "event_at": pl.Int64(),
    "known_at": pl.Int64(),
}


class Changed(NamedTuple):
    """What differs in some traces: rates, plain links and states by name."""

    rates: Collection[str]
    links: Collection[str]
    states: Collection[str]


class Others:
    """All other enterprises, asked at any moment up to the one they were read for."""

    def __init__(self, needs: Needs, traces: Traces, coverage: Coverage) -> None:
        self.needs, self.traces, self.coverage = needs, traces, coverage
        self.firms = _everybody(traces)
        self._places = {uscc: place for place, uscc in enumerate(self.firms)}
        self.rates = _rates(needs, traces, self.firms)
        self.graph = _graph(needs, traces, self.firms) if needs.relations else None

    def with_coverage(self, coverage: Coverage) -> Others:
        """The same enterprises, with what delivery notes say now."""
        other = copy(self)
        other.coverage = coverage
        return other

    def with_traces(self, traces: Traces, changed: Changed) -> Others:
        """With other traces of enterprises that it knows; only what has changed is made again."""
        other = copy(self)
        other.traces = traces
        rates = _rates(self.needs, traces, self.firms, changed.rates)
        other.rates = {**self.rates, **rates}
        if self.graph is not None:
            graph = _graph(self.needs, traces, self.firms, changed)
            other.graph = Graph(
                {**self.graph.links, **graph.links},
                {**self.graph.states, **graph.states},
                self.graph.largest_key,
            )
        return other

    @classmethod
    def of(
        cls,
        source: Source,
        columns: Sequence[FeatureColumn],
        until: datetime,
        *,
        on_step: Callable[[str], None] = lambda _: None,
    ) -> Others:
        """Read what the columns need of everybody in a source, bucket by bucket."""
        needs, coverage = Needs.of(columns), Coverage(source)
        if not needs.rates and not needs.relations:
            return cls(needs, Traces(), coverage)
        found = []
        for bucket in range(source.buckets):
            if source.buckets > 1:
                on_step(f"other enterprises: part {bucket + 1} of {source.buckets}")
            knowledge = Knowledge(source, until, buckets=(bucket,), coverage=coverage)
            found.append(traces_of(needs.sought, knowledge))
        return cls(needs, Traces.joined(found), coverage)

    def save(self, folder: Path) -> None:
        """Keep what was read in a folder, whole or not at all."""
        scratch = folder.with_suffix(".new")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        for name in TRACES:
            getattr(self.traces, name).write_parquet(scratch / f"{name}.parquet")
        scratch.replace(folder)

    @classmethod
    def load(cls, folder: Path, source: Source, columns: Sequence[FeatureColumn]) -> Others:
        """What was kept, for the columns it was read for or some of them."""
        traces = Traces(
            *(pl.read_parquet(folder / f"{name}.parquet", glob=False) for name in TRACES)
        )
        return cls(Needs.of(columns), traces, Coverage(source))

    def places(self, usccs: Iterable[str]) -> Ints:
        """Where enterprises stand among all; -1: nothing is known of them."""
        return np.array([self._places.get(uscc, -1) for uscc in usccs], dtype=np.int64)

    def told(
        self,
        group: Group,
        firm: Ints,
        at: Ints,
        facts: Mapping[str, Sequence[str | None]],
    ) -> list[Mapping[str, Floats]]:
        """What the columns of a group need of others, of rates or of relations.

        Parameters
        ----------
        firm
            Place of each question's enterprise; see `places`.
        at
            Moment of each question.
        facts
            What each enterprise is grouped by.
        """
        value = group.columns[0].indicator.value
        if value.rate is not None:
            return [self._rated(column, firm, at, facts) for column in group.columns]
        if value.relation is not None:
            moments = np.unique(at)
            return [{"value": self._related(c, firm, at, moments)} for c in group.columns]
        return [NOBODY]

    def _rated(
        self,
        column: FeatureColumn,
        firm: Ints,
        at: Ints,
        facts: Mapping[str, Sequence[str | None]],
    ) -> Mapping[str, Floats]:
        rate = column.indicator.value.rate
        assert rate is not None
        return self.rates[rate_key(column)].told(
            firm, None if rate.by == "all" else facts[rate.by], at
        )

    def records(self, column: FeatureColumn, question: pl.DataFrame) -> pl.DataFrame:
        """Records that put the neighbours of each question's enterprise in the relation's state.

        Columns `q`, `uscc` (the neighbour's), `record_id`, `event_at`, `known_at`, newest first.
        Where the relation has no state, the records that tie the neighbours.
        """
        relation = column.indicator.value.relation
        assert relation is not None
        ties = self._ties(relation, question)
        held = (pl.col("since") <= pl.col("as_of")) & (pl.col("as_of") < pl.col("until"))
        window_us = column.window_days * DAY_US
        inside = (window_us == 0) | (pl.col("at") > pl.col("as_of") - window_us)
        chosen = ties.filter(held, pl.col("at") <= pl.col("as_of"), inside)
        dated = chosen.with_columns(event_at=pl.max_horizontal("at", "since"), known_at="since")
        told = dated.unique(["q", "record_id"]).sort(
            "q", "event_at", "record_id", descending=[False, True, True]
        )
        return told.select(list(_BEHIND)).with_columns(
            pl.from_epoch(pl.col(c), time_unit="us").dt.replace_time_zone("UTC")
            for c in ("event_at", "known_at")
        )

    def _ties(self, relation: Relation, question: pl.DataFrame) -> pl.DataFrame:
        """Records of the neighbours of each question, over as many hops as the relation looks.

        `q`, `as_of` and the columns of a state; of a relation without one the records that tie.
        """
        moments = question["as_of"].cast(MOMENT).to_physical().to_numpy()
        asked = zip(self.places(question["uscc"]), moments, strict=True)
        near = [self._near(relation, int(firm), int(at)) for firm, at in asked]
        counts = [len(one) for one in near]
        number = np.repeat(np.arange(len(near)), counts)
        places = np.concatenate([np.empty(0, dtype=np.int64), *near])
        pairs = pl.DataFrame(
            {"q": number, "as_of": moments[number], "uscc": self.firms.gather(places)},
            schema_overrides={"q": pl.Int64},
        )
        if relation.state:
            rows = self.traces.states.filter(pl.col("state") == relation.state)
            return pairs.join(rows, on="uscc")
        tied = self.traces.edges.filter(pl.col("link").is_in(links().parts(relation.link)))
        own = question.select("uscc").with_row_index("q").cast({"q": pl.Int64})
        keys = own.join(tied.select("uscc", "key").unique(), on="uscc").select("q", "key")
        rows = tied.with_columns(at=pl.lit(0, pl.Int64))
        return pairs.join(rows, on="uscc").join(keys, on=["q", "key"], how="semi")

    def _near(self, relation: Relation, firm: int, at: int) -> Ints:
        """Places of a firm's neighbours, without its own; none where it is not tied (-1)."""
        assert self.graph is not None
        if firm < 0:
            return np.empty(0, dtype=np.int64)
        near = self.graph.neighbours(relation.link, np.array([firm]), at)
        if relation.kind == "propagate":
            near = self.graph.neighbours(relation.link, np.append(near, firm), at)
        return np.delete(near, np.flatnonzero(near == firm))

    def _related(self, column: FeatureColumn, firms: Ints, at: Ints, moments: Ints) -> Floats:
        relation, window = column.indicator.value.relation, column.window_days * DAY_US
        assert self.graph is not None
        assert relation is not None
        if len(moments) == 1:
            return self.graph.told(relation, firms, int(moments[0]), window)
        found = np.zeros(len(at))
        for moment in moments.tolist():
            then = at == moment
            found[then] = self.graph.told(relation, firms[then], moment, window)
        return found


def _everybody(traces: Traces) -> pl.Series:
    """All enterprises that others may have to know of, sorted."""
    named = [frame["uscc"] for frame in (traces.rates, traces.edges, traces.states)]
    return pl.concat(named).unique().sort()


def _rates(
    needs: Needs, traces: Traces, firms: pl.Series, only: Collection[str] | None = None
) -> dict[str, RateIndex]:
    return {
        key: RateIndex.of(traces.rates.filter(pl.col("rate") == key), firms)
        for key in map(rate_key, needs.rates)
        if only is None or key in only
    }


def _graph(needs: Needs, traces: Traces, firms: pl.Series, only: Changed | None = None) -> Graph:
    """Links and states, or those of them that changed."""
    named = {c.indicator.value.relation.link for c in needs.relations if c.indicator.value.relation}
    parts = {name: links().parts(name) for name in sorted(named)}
    return Graph(
        links={
            name: LinkIndex.of(traces.edges.filter(pl.col("link").is_in(own)), firms)
            for name, own in parts.items()
            if only is None or {*own} & {*only.links}
        },
        states={
            name: StateIndex.of(traces.states.filter(pl.col("state") == name), firms)
            for name in sorted(needs.sought.states)
            if only is None or name in only.states
        },
        largest_key=links().largest_key,
    )
