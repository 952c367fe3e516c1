"""What is done for some columns, laid out once and used for every question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xinheng.features.coverage import Deliveries, Delivery
from xinheng.features.engine.finish import Group
from xinheng.features.engine.plan import Place, Plan, TablePlan, plan_of
from xinheng.features.indicator import GENERAL, FeatureColumn
from xinheng.features.knowledge import OBLIGATION
from xinheng.features.others.groups import ATTRIBUTES, attribute_fold, category_fold
from xinheng.features.sectors import membership
from xinheng.features.vocabulary.fold import Floats, Ints

SECTORAL = ("entity", "licence", "sector_profile")
"""The tables that tell the sectors of an enterprise, which are read before the others."""


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A plan, where its folds stand among all, and the columns in groups."""

    columns: tuple[FeatureColumn, ...]
    places: Ints
    """Where the columns stand among all that are asked for."""
    plan: Plan
    first: Mapping[str, int]
    """Where the folds of each table begin."""
    folds: int
    picks: Mapping[str, Sequence[tuple[int, str]]]
    """By table the folds that pick a row for a column, and what they keep of it."""
    facts: Mapping[str, tuple[str, int]]
    """Table and fold of what is told of an enterprise: its groups."""
    groups: tuple[Group, ...]
    membership: tuple[Group, ...]
    """Of the columns that tell the sectors, where a column asks for them."""
    deliveries: Deliveries
    """What must be delivered for each column."""

    names: tuple[str, ...]
    """Of the columns."""
    scopes: Mapping[str, Ints]
    """By sector the columns that are about it."""
    without_rows: Floats
    """What each column is where there are no rows; NaN for none, or where others decide."""


@lru_cache(maxsize=32)
def program_of(columns: tuple[FeatureColumn, ...]) -> Program:
    """Lay out some columns."""
    is_sectoral = any(column.indicator.scope != GENERAL for column in columns)
    everything = np.arange(len(columns))
    return _laid_out(columns, everything, membership() if is_sectoral else (), {})


@lru_cache(maxsize=32)
def narrowed(program: Program, absent: frozenset[str]) -> Program:
    """The program without the columns of some sectors; `SECTORAL` tables are laid out as before."""
    there = np.array(
        [i for i, c in enumerate(program.columns) if c.indicator.scope not in absent],
        dtype=np.int64,
    )
    columns = tuple(program.columns[i] for i in there)
    kept = {name: table for name, table in program.plan.tables.items() if name in SECTORAL}
    return _laid_out(columns, program.places[there], (), kept)


def _laid_out(
    columns: tuple[FeatureColumn, ...],
    places: Ints,
    sectoral: tuple[FeatureColumn, ...],
    tables: Mapping[str, TablePlan],
) -> Program:
    plan = plan_of((*columns, *sectoral), tables)
    facts = _facts(plan)
    first, folds = {}, 0
    for name, table in plan.tables.items():
        first[name], folds = folds, folds + len(table.rows)
    groups = _groups(columns, plan, first)
    return Program(
        columns,
        places,
        plan,
        first,
        folds,
        picks={name: _picks(first[name], table) for name, table in plan.tables.items()},
        facts=facts,
        groups=groups,
        membership=_groups(sectoral, plan, first),
        deliveries=Deliveries(tuple(Delivery(c.sources, c.window_days) for c in columns)),
        names=tuple(column.name for column in columns),
        scopes=_scopes(columns),
        without_rows=_without_rows(groups, len(columns)),
    )


def _scopes(columns: Sequence[FeatureColumn]) -> Mapping[str, Ints]:
    named = [column.indicator.scope for column in columns]
    return {
        scope: np.flatnonzero([one == scope for one in named])
        for scope in sorted({*named} - {GENERAL})
    }


def _without_rows(groups: Sequence[Group], columns: int) -> Floats:
    found = np.full(columns, np.nan)
    for group in groups:
        if not group.columns[0].indicator.value.looks_at_others:
            found[group.places] = group.without_rows[0]
    return found


def _facts(plan: Plan) -> Mapping[str, tuple[str, int]]:
    entity = plan.tables.setdefault("entity", TablePlan("entity"))
    facts = {name: ("entity", entity.add(attribute_fold(name))) for name in ATTRIBUTES}
    if sampled := plan.tables.get("sampling_test"):
        facts["category"] = ("sampling_test", sampled.add(category_fold()))
    return facts


def _picks(first: int, table: TablePlan) -> Sequence[tuple[int, str]]:
    names = {attribute_fold(name).text for name in ATTRIBUTES} | {category_fold().text}
    return [
        (first + place, fold.kept_text)
        for place, fold in enumerate(table.folds.values())
        if fold.picks and fold.text not in names
    ]


def _groups(
    columns: Sequence[FeatureColumn], plan: Plan, first: Mapping[str, int]
) -> tuple[Group, ...]:
    together: dict[object, list[int]] = {}
    for number, column in enumerate(columns):
        alike = (
            column.indicator.value.finish,
            column.indicator.value.looks_at_others,
            tuple((part, fold.picks) for part, fold in column.folds.items()),
            _own(column, plan.places[column.name]),
            column.indicator.logarithmic,
        )
        together.setdefault(alike, []).append(number)
    return tuple(_group(columns, numbers, plan, first) for numbers in together.values())


def _group(
    columns: Sequence[FeatureColumn], numbers: Sequence[int], plan: Plan, first: Mapping[str, int]
) -> Group:
    chosen = tuple(columns[number] for number in numbers)
    places = [plan.places[column.name] for column in chosen]
    folds = {
        part: (np.array([first[one[part].table] + one[part].fold for one in places]), fold.picks)
        for part, fold in chosen[0].folds.items()
    }
    return Group(chosen, np.array(numbers), folds, _own(chosen[0], places[0]))


def _own(column: FeatureColumn, places: Mapping[str, Place]) -> tuple[str, ...]:
    """Parts a row of which makes a value known.

    A duty is there without a record, so it says nothing where its proofs are not delivered.
    """
    if column.indicator.table == OBLIGATION:
        return ()
    return tuple(part for part, place in places.items() if place.is_own)
