"""The rows of one table as whole numbers, ready for the inner loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xinheng.features.engine import kernel
from xinheng.features.engine.finish import Folded
from xinheng.features.engine.kernel import Arrays
from xinheng.features.engine.places import grouped
from xinheng.features.engine.plan import FOREVER, TablePlan
from xinheng.features.knowledge import DUTY_RECORD, OBLIGATION, Knowledge
from xinheng.features.vocabulary.fold import Edge, Floats, Ints
from xinheng.records.frames import (
    FEW,
    NONE,
    days,
    first_moments,
    microseconds,
    ranks,
    truths,
    wholes,
)
from xinheng.records.in_force.intervals import InForce
from xinheng.records.spans import UNTIL

_Number = TypeVar("_Number", np.bool_, np.int64)


class Firms:
    """The enterprises of a question, numbered from 0."""

    def __init__(self, usccs: pl.Series) -> None:
        self.usccs = usccs.unique(maintain_order=True) if len(usccs) > 1 else usccs
        self.codes = {uscc: code for code, uscc in enumerate(self.usccs.to_list())}

    def __len__(self) -> int:
        return len(self.usccs)

    def of(self, usccs: pl.Series) -> Ints:
        """The number of each code; -1 where it is not among them."""
        if len(usccs) <= FEW:
            return np.array([self.codes.get(u, -1) for u in usccs.to_list()], dtype=np.int64)
        numbered = pl.DataFrame({"uscc": self.usccs}).with_row_index("code")
        asked = pl.DataFrame({"uscc": usccs})
        found = asked.join(numbered, on="uscc", how="left", maintain_order="left")
        return found["code"].cast(pl.Int64).fill_null(-1).to_numpy()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of some firms: as the loop reads them, and as they were."""

    plan: TablePlan
    rows: pl.DataFrame
    """The records as they are known, or duties."""
    told: pl.DataFrame
    """What the plan selects of each row, in the same order."""
    arrays: Arrays

    @property
    def record_ids(self) -> pl.Series:
        """The id of the record behind each row."""
        if "record_id" in self.rows.columns:
            return self.rows["record_id"]
        return self.rows.select(DUTY_RECORD).to_series()

    def fold(self, firm_of: Ints, moments: Ints, folded: Folded, first: int) -> None:
        """Fill in the folds of this table, which begin at `first`."""
        kernel.fold_rows(
            self.arrays, firm_of, moments, self.plan.plans, folded.found, folded.taken, first
        )

    def kept(self, text: str) -> Floats:
        """What is kept of each row."""
        return self.told[f"kept:{text}"].to_numpy().astype(np.float64)

    def picked(self, place: int, row: Ints, n: Ints) -> list[str | None]:
        """What is kept of the rows that a fold picked, as it stands in the table."""
        told = self.told[f"kept:{self.plan.kept_texts[place]}"].to_list() or [None]
        return [told[one] if taken else None for one, taken in zip(row, n, strict=True)]


def read_table(
    plan: TablePlan, knowledge: Knowledge, firms: Firms | None, earliest: datetime | None
) -> Table:
    """Read what a plan needs of some firms, or of all that have rows.

    No question is asked before the earliest moment; None: about all history.
    """
    if plan.table == OBLIGATION:
        return _table(plan, _of_duties(knowledge.duties()), firms)
    reach = plan.reach_days
    since = None if reach is None or earliest is None else earliest - timedelta(days=reach)
    return _table(plan, knowledge.in_force(plan.table, plan.columns, since), firms)


def _of_duties(duties: pl.DataFrame) -> InForce:
    return InForce(duties, microseconds(duties["known_at"]), microseconds(duties[UNTIL]))


def _table(plan: TablePlan, known: InForce, firms: Firms | None) -> Table:
    rows = known.rows
    if rows.height == 0:
        return _empty(plan, 0 if firms is None else len(firms))
    made = rows.select_seq if rows.height <= FEW else rows.select
    told = made(*plan.selection)
    return Table(plan, rows, told, _arrays(plan, known, told, firms or Firms(rows["uscc"])))


def _empty(plan: TablePlan, firms: int) -> Table:
    """A table without rows, made without asking for a single expression."""
    none, flat = np.zeros(0, dtype=np.int64), np.zeros((1, 0), dtype=np.int64)
    words = np.zeros((1, 0), dtype=np.uint64)
    first_row = np.zeros(firms + 1, dtype=np.int64)
    arrays = Arrays(first_row, none, none, none, none, none, none, words, flat, flat)
    return Table(plan, plan.no_rows, plan.no_rows, arrays)


def _arrays(plan: TablePlan, known: InForce, told: pl.DataFrame, firms: Firms) -> Arrays:
    rows, since, until = known
    code = firms.of(rows["uscc"])
    made, height = iter(told.get_columns()), rows.height
    atoms = np.empty((len(plan.atoms), height), dtype=bool)
    _fill(atoms, plan.fixed_atoms, made, truths)
    values = np.empty((len(plan.values), height), dtype=np.int64)
    _fill(values, plan.fixed_values, made, wholes)
    edges = [_moments(edge, next(made)) for edge in plan.edges]
    first_row, order = grouped(code, until > since, len(firms))
    return Arrays(
        first_row=first_row,
        order=order,
        event_at=microseconds(rows["event_at"]),
        known_at=microseconds(rows["known_at"]),
        rank=ranks(rows["record_id"]) if any(plan.picks) else code,
        since=since,
        until=until,
        masks=kernel.packed(atoms, plan.needs),
        values=values,
        bounds=_bounds(plan, edges, height),
    )


def _moments(edge: Edge, told: pl.Series) -> Ints:
    """The moments of an edge, `NONE` where there is none."""
    if edge.days_on is None:
        return microseconds(told)
    day = days(told)
    return first_moments(np.where(day == NONE, NONE, day + edge.days_on))


def _bounds(plan: TablePlan, edges: Sequence[Ints], height: int) -> Ints:
    """Moments from or until which a row takes part: (bounds, rows)."""
    bounds = np.empty((max(1, len(plan.bounds)), height), dtype=np.int64)
    for place, (is_end, parts) in enumerate(plan.bounds):
        missing, pick = (FOREVER, np.minimum) if is_end else (-FOREVER, np.maximum)
        told = (np.where(edges[part] == NONE, missing, edges[part]) for part in parts)
        bounds[place] = reduce(pick, told)
    return bounds


def _fill(
    found: NDArray[_Number],
    fixed: Mapping[int, int],
    made: Iterator[pl.Series],
    of: Callable[[pl.Series], NDArray[_Number]],
) -> None:
    """Fill in row by row what is the same for all records, and what was made of each."""
    for place in range(len(found)):
        found[place] = fixed[place] if place in fixed else of(next(made))
