"""One pass: the tables of a program read and folded for some questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from xinheng.features.coverage import Bools
from xinheng.features.engine.finish import NOBODY, Folded, Group
from xinheng.features.engine.program import SECTORAL, Program, narrowed
from xinheng.features.engine.table import Firms, Table, read_table
from xinheng.features.knowledge import Knowledge
from xinheng.features.sectors import members
from xinheng.features.vocabulary.fold import Floats, Ints
from xinheng.records.frames import legal_days, microseconds


@dataclass(frozen=True, slots=True)
class Numbered:
    """The questions of one part, as numbers."""

    firms: Firms
    firm_of: Ints
    moments: Ints
    today: Ints
    earliest: datetime


def numbered(question: pl.DataFrame) -> Numbered:
    """The questions (`uscc`, `as_of`) as numbers."""
    firms, moments = Firms(question["uscc"]), microseconds(question["as_of"])
    earliest = question["as_of"].min()
    assert isinstance(earliest, datetime)
    return Numbered(firms, firms.of(question["uscc"]), moments, legal_days(moments), earliest)


class Run:
    """A program with its tables, read and folded; those that tell the sectors come first."""

    def __init__(self, program: Program, asked: Numbered, knowledge: Knowledge) -> None:
        self.program, self.asked, self.knowledge = program, asked, knowledge
        self.folded = Folded.empty(len(asked.moments), program.folds)
        self.tables: dict[str, Table] = {}

    def sectors(self) -> Mapping[str, Bools]:
        """Which questions' enterprises are in each sector that the program is about."""
        self._read(SECTORAL)
        told: dict[str, Floats] = {}
        for group in self.program.membership:
            known = np.ones((len(self.asked.moments), len(group.columns)), dtype=bool)
            values = group.values(self.folded, self.asked.today, known, [NOBODY])
            told |= {c.name: values[:, i] for i, c in enumerate(group.columns)}
        return members(told) if told else {}

    def narrowed(self, absent: frozenset[str]) -> Run:
        """The same run without the columns of some sectors; what was read stays."""
        run = Run(narrowed(self.program, absent), self.asked, self.knowledge)
        for name in self.tables:
            run.adopt(name, self)
        return run

    def adopt(self, name: str, begun: Run) -> None:
        """Take over a table that another run has folded alike."""
        here, there = self.program.first[name], begun.program.first[name]
        size = len(self.program.plan.tables[name].rows)
        for own, other in (
            (self.folded.found, begun.folded.found),
            (self.folded.taken, begun.folded.taken),
        ):
            own[:, here : here + size] = other[:, there : there + size]
        self.tables[name] = begun.tables[name]
        self._keep(name)

    def read(self) -> None:
        """Read and fold all tables that are left; `facts` and `values` rest on them."""
        self._read(self.program.plan.tables)

    def facts(self) -> Mapping[str, Sequence[str | None]]:
        """What is told of each question's enterprise: its groups."""
        first = self.program.first
        return {
            name: self.tables[table].picked(fold, *self.folded.column(first[table] + fold))
            for name, (table, fold) in self.program.facts.items()
        }

    def values(self, group: Group, known: Bools, others: Sequence[Mapping[str, Floats]]) -> Floats:
        """Values of a group's columns."""
        return group.values(self.folded, self.asked.today, known, others)

    def _read(self, names: Iterable[str]) -> None:
        """Read and fold what has not been."""
        plans = self.program.plan.tables
        for name in names:
            if name not in plans or name in self.tables:
                continue
            table = read_table(plans[name], self.knowledge, self.asked.firms, self.asked.earliest)
            self.tables[name] = table
            if table.rows.height:
                first = self.program.first[name]
                table.fold(self.asked.firm_of, self.asked.moments, self.folded, first)
            self._keep(name)

    def _keep(self, name: str) -> None:
        """What the folds of a table that pick rows need of every row."""
        first, size = self.program.first[name], len(self.program.plan.tables[name].rows)
        if self.tables[name].rows.height:
            self.folded.is_read[first : first + size] = True
            for fold, text in self.program.picks[name]:
                self.folded.kept[fold] = self.tables[name].kept(text)
