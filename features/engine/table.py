"""The rows of one table as whole numbers, ready for the inner loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xinheng.features.engine import kernel
from xinheng.features.engine.finish import Folded
from xinheng.features.engine.kernel import Arrays
from xinheng.features.engine.places import firsts
from xinheng.features.engine.plan import RECORD, TablePlan
from xinheng.features.knowledge import DUTY_RECORD, OBLIGATION, UNDISPUTED, Knowledge
from xinheng.features.vocabulary.fold import Floats, Ints
from xinheng.records.frames import microseconds
from xinheng.records.spans import (
    STANDS,
    STANDS_NAME,
    UNTIL,
    usable_until,
)

MANY = 1_000
"""From so many rows on, codes are joined instead of looked up, and expressions run side by side."""
_STANDS = (STANDS & UNDISPUTED).fill_null(value=False)


class Firms:
    """The enterprises of a question, numbered from 0."""

    def __init__(self, usccs: pl.Series) -> None:
        self.usccs = usccs.unique(maintain_order=True) if len(usccs) > 1 else usccs
        self.codes = {uscc: code for code, uscc in enumerate(self.usccs.to_list())}

    def __len__(self) -> int:
        return len(self.usccs)

    def of(self, usccs: pl.Series) -> Ints:
        """The number of each code; -1 where it is not among them."""
        if len(usccs) < MANY:
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
    def records(self) -> pl.DataFrame:
        """`RECORD` of each row."""
        named = (
            self.rows if "record_id" in self.rows.columns else self.rows.with_columns(DUTY_RECORD)
        )
        return named.select(list(RECORD))

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
        duties = knowledge.duties()
        return _table(plan, duties, firms, partial(_of_spans, duties))
    reach = plan.reach_days
    since = None if reach is None or earliest is None else earliest - timedelta(days=reach)
    versions = knowledge.versions(plan.table, plan.columns, since)
    return _table(plan, versions, firms, partial(_of_versions, versions))


Ends = Callable[[pl.DataFrame], Ints]
"""From what was selected to when each row stops being usable."""


def _table(plan: TablePlan, rows: pl.DataFrame, firms: Firms | None, ends: Ends) -> Table:
    if rows.height == 0:
        return _empty(plan, 0 if firms is None else len(firms))
    is_version = plan.table != OBLIGATION
    made = rows.select_seq if rows.height < MANY else rows.select
    told = made(*plan.selection, *((_STANDS,) if is_version else ()))
    whose = firms or Firms(rows["uscc"])
    arrays = _arrays(plan, rows, told, whose, ends(told))
    return Table(plan, rows, told, arrays)


def _of_spans(rows: pl.DataFrame, _: pl.DataFrame) -> Ints:
    return microseconds(rows[UNTIL])


def _of_versions(rows: pl.DataFrame, told: pl.DataFrame) -> Ints:
    return usable_until(rows, told[STANDS_NAME].to_numpy(), public=True)


def _empty(plan: TablePlan, firms: int) -> Table:
    """A table without rows, made without asking for a single expression."""
    none, flat = np.zeros(0, dtype=np.int64), np.zeros((1, 0), dtype=np.int64)
    words = np.zeros((1, 0), dtype=np.uint64)
    first_row = np.zeros(firms + 1, dtype=np.int64)
    arrays = Arrays(first_row, none, none, none, none, none, none, words, flat, flat)
    return Table(plan, plan.no_rows, plan.no_rows, arrays)


def _arrays(
    plan: TablePlan, rows: pl.DataFrame, told: pl.DataFrame, firms: Firms, until: Ints
) -> Arrays:
    code, since = firms.of(rows["uscc"]), microseconds(rows["known_at"])
    conditions, values = len(plan.conditions), len(plan.conditions) + len(plan.values)
    made = told.get_columns()[: values + len(plan.bounds)]
    numbers = [column.to_numpy() for column in made]
    ours = np.flatnonzero((code >= 0) & (until > since))
    return Arrays(
        first_row=firsts(code[ours], len(firms)),
        order=ours[np.argsort(code[ours], kind="stable")],
        event_at=microseconds(rows["event_at"]),
        known_at=since,
        rank=_rank(rows["record_id"]) if any(plan.picks) else code,
        since=since,
        until=until,
        masks=_packed(numbers[:conditions]),
        values=np.stack(numbers[conditions:values]),
        bounds=_stacked(numbers[values:], told.height),
    )


def _rank(record_ids: pl.Series) -> Ints:
    """The order of the record ids."""
    if len(record_ids) < MANY:
        ids = record_ids.to_list()
        rank = np.empty(len(ids), dtype=np.int64)
        rank[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
        return rank
    return record_ids.rank("ordinal").cast(pl.Int64).to_numpy()


def _packed(conditions: list[NDArray[np.bool_]]) -> NDArray[np.uint64]:
    """Words of 64 conditions, the first the lowest bit: (words, rows)."""
    size = -(-len(conditions) // 64)
    bits = np.zeros((len(conditions[0]), 8 * size), dtype=np.uint8)
    packed = np.packbits(np.stack(conditions, axis=1), axis=1, bitorder="little")
    bits[:, : packed.shape[1]] = packed
    return np.ascontiguousarray(bits.view("<u8").T)


def _stacked(arrays: list[Ints], height: int) -> Ints:
    return np.stack(arrays) if arrays else np.zeros((1, height), dtype=np.int64)
