"""The usable rows of one table as whole numbers, ready for the inner loop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xinheng.features.engine import kernel
from xinheng.features.engine.kernel import Arrays
from xinheng.features.engine.plan import FOREVER, TablePlan
from xinheng.features.knowledge import Knowledge
from xinheng.features.vocabulary.fold import Fold, Ints, Part
from xinheng.records.spans import FROM, UNTIL

CODE = "_firm"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of some firms: as the loop reads them, and as they were."""

    plan: TablePlan
    rows: pl.DataFrame
    arrays: Arrays

    def folded(self, firm_of: Ints, moments: Ints) -> tuple[Ints, Ints]:
        """Outcome and number of rows of each fold: two arrays (questions, folds)."""
        return kernel.fold_rows(self.arrays, firm_of, moments, self.plan.plans)

    def part(self, place: int, found: Ints, taken: Ints) -> Part:
        """One fold's outcome; of a picked row, what is kept of it."""
        fold = list(self.plan.folds.values())[place]
        own, n = found[:, place], taken[:, place]
        return Part(self._kept(fold, own, n) if fold.picks else own, n)

    def picked(self, place: int, found: Ints, taken: Ints) -> pl.Series:
        """What is kept of the row a fold picked, as it stands in the table."""
        fold = list(self.plan.folds.values())[place]
        rows, n = found[:, place], taken[:, place]
        told = self.rows[f"kept:{fold.kept_text}"]
        if told.len() == 0:
            return pl.Series([None], dtype=told.dtype).new_from_index(0, len(rows))
        return told.gather(np.where(n > 0, rows, 0)).set(pl.Series(n == 0), None)

    def _kept(self, fold: Fold, row: Ints, n: Ints) -> NDArray[np.float64]:
        assert fold.kept is not None
        if self.rows.height == 0:
            return np.full(len(row), np.nan)
        told = self.rows[f"kept:{fold.kept_text}"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        return np.where(n > 0, told[np.where(n > 0, row, 0)], np.nan)


def read_table(
    plan: TablePlan, knowledge: Knowledge, firms: pl.DataFrame, earliest: datetime | None
) -> Table:
    """Read what a plan needs of the firms (`uscc`, `_firm` from 0 up).

    No question is asked before the earliest moment; None: about all history.
    """
    reach = plan.reach_days
    since = None if reach is None or earliest is None else earliest - timedelta(days=reach)
    usable = knowledge.usable(plan.table, plan.columns, since)
    return table_of(plan, usable, firms)


def table_of(plan: TablePlan, usable: pl.DataFrame, firms: pl.DataFrame) -> Table:
    """Rows with their spans as the loop reads them."""
    own = usable.join(firms, on="uscc", how="inner")
    told = own.select(
        *(CODE, "uscc", "record_id", "event_at", "known_at", FROM, UNTIL),
        *(e.fill_null(value=False).alias(f"if:{t}") for t, e in plan.conditions.items()),
        *(e.cast(pl.Int64).fill_null(0).alias(f"value:{t}") for t, e in plan.values.items()),
        *(e.alias(f"bound:{t}") for t, e in plan.bounds.items()),
        *(e.alias(f"kept:{t}") for t, e in plan.kept.items()),
    )
    return Table(plan, told, _arrays(plan, told, firms.height))


def _arrays(plan: TablePlan, told: pl.DataFrame, firms: int) -> Arrays:
    code = told[CODE].cast(pl.Int64).to_numpy()
    first_row = np.zeros(firms + 1, dtype=np.int64)
    np.cumsum(np.bincount(code, minlength=firms), out=first_row[1:])
    picks = any(fold.picks for fold in plan.folds.values())
    rank = told["record_id"].rank("ordinal").cast(pl.Int64) if picks else told[CODE]
    return Arrays(
        first_row=first_row,
        order=np.argsort(code, kind="stable").astype(np.int64),
        event_at=_moments(told["event_at"], 0),
        known_at=_moments(told["known_at"], 0),
        rank=_ints(rank),
        since=_moments(told[FROM], 0),
        until=_moments(told[UNTIL], FOREVER),
        masks=_packed([told[f"if:{text}"] for text in plan.conditions], told.height),
        values=_stacked([_ints(told[f"value:{text}"]) for text in plan.values], told.height),
        bounds=_stacked(
            [_bound(told[f"bound:{text}"], is_end=text.endswith("ends")) for text in plan.bounds],
            told.height,
        ),
    )


def _bound(moments: pl.Series, *, is_end: bool) -> Ints:
    """A row without a moment has begun ever, or ends never."""
    return _moments(moments, FOREVER if is_end else -FOREVER)


def _moments(moments: pl.Series, missing: int) -> Ints:
    return _ints(moments.to_physical().fill_null(missing))


def _ints(values: pl.Series) -> Ints:
    return np.ascontiguousarray(values.cast(pl.Int64).to_numpy())


def _packed(conditions: list[pl.Series], height: int) -> NDArray[np.uint64]:
    words = np.zeros((len(conditions) // 64 + 1, height), dtype=np.uint64)
    for bit, condition in enumerate(conditions):
        words[bit // 64] |= condition.to_numpy().astype(np.uint64) << np.uint64(bit % 64)
    return words


def _stacked(arrays: list[Ints], height: int) -> Ints:
    return np.stack(arrays) if arrays else np.zeros((1, height), dtype=np.int64)
