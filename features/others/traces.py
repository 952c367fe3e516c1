"""What others may have to know of enterprises: rows that count, ties and states, as frames."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

import numpy as np
import polars as pl

from xinheng.features.engine import kernel
from xinheng.features.engine.plan import Plan, plan_of
from xinheng.features.engine.table import Table, read_table
from xinheng.features.indicator import FeatureColumn
from xinheng.features.knowledge import OBLIGATION, Knowledge
from xinheng.features.others.groups import ATTRIBUTES, category_fold, memberships
from xinheng.features.others.links import EDGES, RED, REGISTER, STATES, edges, links, red_points
from xinheng.features.others.rates import COUNTED
from xinheng.features.vocabulary.fold import Ints, Relation
from xinheng.records.codes.subjects import has_scored_code
from xinheng.records.duties.spans import duty_tables
from xinheng.records.in_force.repairs import REPAIR_TABLE
from xinheng.records.spans import FROM, UNTIL

RATES: dict[str, pl.DataType] = {"rate": pl.String(), "part": pl.String(), **COUNTED}
TRACES = ("rates", "edges", "states")


@dataclass(frozen=True, slots=True)
class Sought:
    """What is read of enterprises because others may have to know it."""

    rates: tuple[FeatureColumn, ...]
    links: frozenset[str]
    states: frozenset[str]

    def resting_on(self, tables: Collection[str]) -> Sought:
        """Of it what the records of some tables tell."""
        return Sought(
            tuple(c for c in self.rates if not _rate_tables(c).isdisjoint(tables)),
            frozenset(name for name in self.links if not _link_tables(name).isdisjoint(tables)),
            frozenset(name for name in self.states if not _state_tables(name).isdisjoint(tables)),
        )

    @property
    def tied_by(self) -> frozenset[str]:
        """Tables that links and states rest on."""
        tied = (_link_tables(name) for name in self.links)
        stood = (_state_tables(name) for name in self.states)
        return frozenset[str]().union(*tied, *stood)

    @property
    def rows(self) -> dict[str, pl.Expr]:
        """Of each kind of trace the rows that are of it."""
        return {
            "rates": pl.col("rate").is_in([rate_key(column) for column in self.rates]),
            "edges": pl.col("link").is_in(sorted(self.links)),
            "states": pl.col("state").is_in(sorted(self.states)),
        }


@dataclass(frozen=True, slots=True)
class Needs:
    """What some columns ask of other enterprises."""

    rates: tuple[FeatureColumn, ...]
    relations: tuple[FeatureColumn, ...]

    @classmethod
    def of(cls, columns: Sequence[FeatureColumn]) -> Needs:
        rates = {rate_key(c): c for c in columns if c.indicator.value.rate is not None}
        return cls(
            tuple(rates.values()),
            tuple(c for c in columns if c.indicator.value.relation is not None),
        )

    @property
    def sought(self) -> Sought:
        """What is read of every enterprise: plain links, not unions of them."""
        ties = {part for r in self._relations for part in links().parts(r.link)}
        states = {r.state for r in self._relations if r.state}
        return Sought(self.rates, frozenset(ties), frozenset(states))

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


def traces_of(sought: Sought, knowledge: Knowledge) -> Traces:
    """What others may have to know of the enterprises of one part of a source.

    Bodies that are not scored are nobody's neighbours.
    """
    return Traces(
        _rates(sought.rates, knowledge),
        edges(knowledge, sought.links).filter(has_scored_code()),
        _states(sought.states, knowledge),
    )


@cache
def _rate_tables(column: FeatureColumn) -> frozenset[str]:
    rate = column.indicator.value.rate
    grouping = {REGISTER} if rate is not None and rate.by in ATTRIBUTES else set()
    return _tables(column) | grouping


@cache
def _link_tables(link: str) -> frozenset[str]:
    """Tables whose records tell who has a key: its own, who is gone, and what is repaired."""
    return frozenset({links().links[link].table, REGISTER, REPAIR_TABLE})


@cache
def _state_tables(state: str) -> frozenset[str]:
    if state == RED:
        named = frozenset({REPAIR_TABLE, *(point.table for point in links().red)})
        return named | duty_tables() if OBLIGATION in named else named
    return frozenset(table for column in _state_columns(state) for table in _tables(column))


def _tables(column: FeatureColumn) -> frozenset[str]:
    """Tables whose records a column is made of, or that end the force of such records."""
    named = {REPAIR_TABLE} | {
        fold.table or column.indicator.table for fold in column.folds.values()
    }
    return frozenset(named | duty_tables() if OBLIGATION in named else named)


@cache
def _state_columns(state: str) -> tuple[FeatureColumn, ...]:
    """The columns of which one above zero means the state."""
    from xinheng.features.catalogue import catalogue  # noqa: PLC0415  (packs name states)

    named = links().states[state]
    plain = {c.name: c for one in catalogue().values() for c in one.columns if c.name in named}
    made = {name: _made(state, name) for name in named if ": " in name}
    found = plain | made
    assert {*found} == {*named}, f"links.toml names an unknown column in {state}"
    return tuple(found[name] for name in named)


def _made(state: str, told: str) -> FeatureColumn:
    """A column of records of `table: condition`."""
    from xinheng.features.declared import Inputs, TotalFeature  # noqa: PLC0415  (names states)

    table, _, condition = told.partition(": ")
    wanted = TotalFeature(
        id=f"state_{state}_{table}", table=table, condition=condition, windows_days=[0]
    )
    (one,) = Inputs(scopes=[], total=[wanted]).indicators()
    return one.columns[0]


def rate_key(column: FeatureColumn) -> str:
    """What a rate means, so that the same rate of two columns is read once."""
    one = column.indicator
    return f"{one.table} {one.value.text} {column.window_days}"


def _rates(rates: tuple[FeatureColumn, ...], knowledge: Knowledge) -> pl.DataFrame:
    """The rows that count for each rate: `RATES`."""
    plan = _plan(rates)
    tables = _read(plan, knowledge)
    entities: pl.DataFrame | None = None
    found = [pl.DataFrame(schema=RATES)]
    for column in rates:
        rate = column.indicator.value.rate
        assert rate is not None
        if rate.by in ATTRIBUTES and entities is None:
            entities = knowledge.usable("entity", _attribute_columns())
        for part in (rate.hits, rate.base):
            table, place, _ = plan.places[column.name][part]
            if tables[table].rows.height == 0:
                continue
            rows = _counting(tables[table], place, rate.by)
            if rate.by in ATTRIBUTES and entities is not None:
                rows = _in_groups(rows.drop("group"), memberships(entities, rate.by))
            named = rows.with_columns(rate=pl.lit(rate_key(column)), part=pl.lit(part))
            found.append(named.select(pl.col(n).cast(d) for n, d in RATES.items()))
    return pl.concat(found)


@lru_cache(maxsize=32)
def _plan(columns: tuple[FeatureColumn, ...]) -> Plan:
    plan = plan_of(columns)
    if sampled := plan.tables.get("sampling_test"):
        sampled.add(category_fold())
    return plan


def _read(plan: Plan, knowledge: Knowledge) -> Mapping[str, Table]:
    """The tables of some columns, with all enterprises that have rows."""
    return {name: read_table(own, knowledge, None, None) for name, own in plan.tables.items()}


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


def _states(states: frozenset[str], knowledge: Knowledge) -> pl.DataFrame:
    """The records that put enterprises in a state: `STATES`."""
    found = [pl.DataFrame(schema=STATES)]
    if RED in states:
        found.append(red_points(knowledge))
    wanted = {name: _state_columns(name) for name in sorted(states - {RED})}
    plan = _plan(tuple({c.name: c for columns in wanted.values() for c in columns}.values()))
    tables = _read(plan, knowledge)
    for state, columns in wanted.items():
        for column in columns:
            table, place, _ = plan.places[column.name]["value"]
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
    return pl.DataFrame([table.rows["uscc"][row], table.record_ids[row]])


def _attribute_columns() -> set[str]:
    return {name for one in ATTRIBUTES.values() for name in one.meta.root_names()}
