"""The one global step: what has to be known of everybody, read once and asked at any moment."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from xinheng.features.coverage import Coverage
from xinheng.features.engine import kernel
from xinheng.features.engine.finish import NOBODY, Group
from xinheng.features.engine.plan import plan_of
from xinheng.features.engine.table import Table, read_table
from xinheng.features.indicator import FeatureColumn
from xinheng.features.knowledge import Knowledge
from xinheng.features.others.graph import Graph, LinkIndex, StateIndex
from xinheng.features.others.groups import ATTRIBUTES, category_fold, memberships
from xinheng.features.others.links import EDGES, RED, STATES, edges, links, red_points
from xinheng.features.others.rates import COUNTED, RateIndex
from xinheng.features.source import Source
from xinheng.features.vocabulary.fold import Floats, Ints, Relation
from xinheng.records.frames import DAY_US
from xinheng.records.spans import FROM, UNTIL
from xinheng.records.tables import MOMENT

RATES: dict[str, pl.DataType] = {"rate": pl.String(), "part": pl.String(), **COUNTED}
_BEHIND: dict[str, pl.DataType] = {
    "q": pl.Int64(),
    "uscc": pl.String(),
    "record_id": pl.String(),
    "event_at": pl.Int64(),
    "known_at": pl.Int64(),
}
TRACES = ("rates", "edges", "states")
SCORED = "91"
"""Codes of enterprises and branches; others are nobody's neighbours."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What some columns ask of other enterprises."""

    rates: tuple[FeatureColumn, ...]
    relations: tuple[FeatureColumn, ...]

    @classmethod
    def of(cls, columns: Sequence[FeatureColumn]) -> Needs:
        return cls(
            tuple(c for c in columns if c.indicator.value.rate is not None),
            tuple(c for c in columns if c.indicator.value.relation is not None),
        )

    @property
    def links(self) -> set[str]:
        """The plain links that are read."""
        named = {r.link for r in self._relations}
        return {part for name in named for part in links().parts(name)}

    @property
    def states(self) -> set[str]:
        return {r.state for r in self._relations if r.state}

    def hops(self, link: str) -> int:
        """How far a link is followed."""
        spread = any(r.link == link and r.kind == "propagate" for r in self._relations)
        return 2 if spread else 1

    @property
    def _relations(self) -> list[Relation]:
        return [r for c in self.relations if (r := c.indicator.value.relation) is not None]


@dataclass(frozen=True, slots=True)
class Traces:
    """What others may have to know of some enterprises, as frames."""

    rates: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RATES))
    edges: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=EDGES))
    states: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=STATES))

    @classmethod
    def joined(cls, traces: Sequence[Traces]) -> Traces:
        """The traces of several groups of enterprises as one, in an order of their own."""
        rates, ties, states = (
            pl.concat([getattr(one, name) for one in traces]).sort(pl.all()) for name in TRACES
        )
        return cls(rates, ties, states)


class Others:
    """All other enterprises, asked at any moment up to the one they were read for."""

    def __init__(self, needs: Needs, traces: Traces, coverage: Coverage) -> None:
        self.needs, self.traces, self.coverage = needs, traces, coverage
        self.firms = _everybody(traces)
        self._places = {uscc: place for place, uscc in enumerate(self.firms)}
        self._rates = {
            key: RateIndex.of(traces.rates.filter(pl.col("rate") == key), self.firms)
            for key in {rate_key(c) for c in needs.rates}
        }
        self.graph = _graph(needs, traces, self.firms) if needs.relations else None

    def with_coverage(self, coverage: Coverage) -> Others:
        """The same enterprises, with what delivery notes say now."""
        other = copy(self)
        other.coverage = coverage
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
            found.append(traces_of(needs, knowledge))
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
        traces = Traces(*(pl.read_parquet(folder / f"{name}.parquet") for name in TRACES))
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
        return self._rates[rate_key(column)].told(
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


def traces_of(needs: Needs, knowledge: Knowledge) -> Traces:
    """What others may have to know of the enterprises of one part of a source."""
    return Traces(
        _rates(needs, knowledge),
        edges(knowledge, needs.links).filter(pl.col("uscc").str.starts_with(SCORED)),
        _states(needs, knowledge),
    )


def rate_key(column: FeatureColumn) -> str:
    """What a rate means, so that the same rate of two columns is read once."""
    one = column.indicator
    return f"{one.table} {one.value.text} {column.window_days}"


def _rates(needs: Needs, knowledge: Knowledge) -> pl.DataFrame:
    """The rows that count for each rate: `RATES`."""
    plan = plan_of(needs.rates)
    tables = _read(needs.rates, knowledge)
    entities: pl.DataFrame | None = None
    found = [pl.DataFrame(schema=RATES)]
    for column in needs.rates:
        rate = column.indicator.value.rate
        assert rate is not None
        if rate.by in ATTRIBUTES and entities is None:
            entities = knowledge.usable("entity", _attribute_columns())
        for part in (rate.hits, rate.base):
            table, place, _ = plan.places[column.name][part]
            rows = _counting(tables[table], place, rate.by)
            if rate.by in ATTRIBUTES and entities is not None:
                rows = _in_groups(rows.drop("group"), memberships(entities, rate.by))
            named = rows.with_columns(rate=pl.lit(rate_key(column)), part=pl.lit(part))
            found.append(named.select(pl.col(n).cast(d) for n, d in RATES.items()))
    return pl.concat(found)


def _read(columns: Sequence[FeatureColumn], knowledge: Knowledge) -> Mapping[str, Table]:
    """The tables of some columns, with all enterprises that have rows."""
    found = {}
    for name, plan in plan_of(columns).tables.items():
        if name == "sampling_test":
            plan.add(category_fold())
        found[name] = read_table(plan, knowledge, None, None)
    return found


def _counting(table: Table, place: int, by: str) -> pl.DataFrame:
    """The spans of a fold's rows, with the category of each where that is the group."""
    firms = len(table.arrays.first_row) - 1
    row, _, since, until = kernel.spans_of(table.arrays, firms, table.plan.plans, place)
    rows = _taken(table, row)
    group: pl.Series | list[str] = [""] * len(row)
    if by == "category" and len(row):
        group = table.told["kept:category"].gather(row)
    return pl.DataFrame({"uscc": rows["uscc"], "group": group, "since": since, "until": until})


def _in_groups(rows: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Cut each row's span where its enterprise changes group."""
    pieces = groups.select("uscc", "group", pl.col(FROM, UNTIL).to_physical())
    cut = rows.join(pieces, on="uscc", how="left").with_columns(
        pl.max_horizontal("since", FROM).alias("since"),
        pl.min_horizontal("until", UNTIL).alias("until"),
        pl.col("group").fill_null(""),
    )
    return cut.filter(pl.col("since") < pl.col("until"))


def _states(needs: Needs, knowledge: Knowledge) -> pl.DataFrame:
    """The records that put enterprises in a state: `STATES`."""
    from xinheng.features.catalogue import catalogue  # noqa: PLC0415  (packs name states)

    found = [pl.DataFrame(schema=STATES)]
    if RED in needs.states:
        found.append(red_points(knowledge))
    wanted = {name: links().states[name] for name in needs.states if name != RED}
    named = {column for columns in wanted.values() for column in columns}
    columns = [c for one in catalogue().values() for c in one.columns if c.name in named]
    assert {c.name for c in columns} == named, "links.toml names an unknown column"
    tables, plan = _read(columns, knowledge), plan_of(columns)
    for state, own in wanted.items():
        for name in own:
            table, place, _ = plan.places[name]["value"]
            found.append(_in_state(tables[table], place, state))
    return pl.concat(found)


def _in_state(table: Table, place: int, state: str) -> pl.DataFrame:
    firms = len(table.arrays.first_row) - 1
    plans = table.plan.plans
    row, _, since, until = kernel.spans_of(table.arrays, firms, plans, place)
    counts = table.arrays.values[plans[place, kernel.VALUE], row] > 0
    rows = _taken(table, row[counts])
    return pl.DataFrame(
        {
            "state": [state] * rows.height,
            "uscc": rows["uscc"],
            "record_id": rows["record_id"],
            "at": np.zeros(rows.height, dtype=np.int64),
            "since": since[counts],
            "until": until[counts],
        },
        schema=STATES,
    )


def _taken(table: Table, row: Ints) -> pl.DataFrame:
    own = pl.col("uscc", "record_id")
    return table.records.select(own.gather(pl.Series(row, dtype=pl.UInt32)))


def _attribute_columns() -> set[str]:
    return {name for one in ATTRIBUTES.values() for name in one.meta.root_names()}


def _everybody(traces: Traces) -> pl.Series:
    """All enterprises that others may have to know of, sorted."""
    named = [frame["uscc"] for frame in (traces.rates, traces.edges, traces.states)]
    return pl.concat(named).unique().sort()


def _graph(needs: Needs, traces: Traces, firms: pl.Series) -> Graph:
    named = {c.indicator.value.relation.link for c in needs.relations if c.indicator.value.relation}
    return Graph(
        links={
            name: LinkIndex.of(
                traces.edges.filter(pl.col("link").is_in(links().parts(name))), firms
            )
            for name in sorted(named)
        },
        states={
            name: StateIndex.of(traces.states.filter(pl.col("state") == name), firms)
            for name in sorted(needs.states)
        },
        largest_key=links().largest_key,
    )
