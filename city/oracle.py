"""The ceiling: what a forecaster would reach who knew every hidden chance.

Outcomes are drawn from these chances, so no model can rank better in the long run; how far a
model is from here, not from 1, is what is left to learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from xinheng.city.draws import Flags, Floats
from xinheng.errors import NotReady


@dataclass(frozen=True, slots=True)
class Task:
    """Where the truth keeps the chances of one task, and what is asked of them."""

    table: str
    chance: str
    outcome: str
    asked: str
    """SQL condition: the cases that a forecaster is asked about."""
    meaning: str
    keys: Mapping[str, str]
    """Columns of a row asked about by those of the truth that name the same case."""


TASKS: Mapping[str, Task] = {
    "inspection": Task(
        "inspection", "p_problem", "problem", "reason = 'random_draw'",
        "a problem found at a random visit",
        {"uscc": "uscc", "checked_on": "checked_on"},
    ),
    "annual_report": Task(
        "annual_report", "p_late_at_last_look", "late", "open_at_last_look",
        "an annual report late, given that it is open 74 hours before the deadline",
        {"uscc": "uscc", "report_year": "report_year"},
    ),
    "unpaid_fine": Task(
        "unpaid_fine", "p_unpaid_at_last_look", "unpaid", "open_at_last_look",
        "a fine unpaid on its due date, given that it is open 74 hours before",
        {"uscc": "uscc", "served_on": "opened_on"},
    ),
}  # fmt: skip
BUDGETS = (0.05, 0.10, 0.20)
"""Shares of the cases that an office can look at."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What perfect knowledge of the chances reaches on one task."""

    task: str
    meaning: str
    cases: int
    outcomes: int
    auc: float
    average_precision: float
    brier: float
    recall_at: Mapping[float, float]
    """Share of all outcomes among the riskiest cases, by budget."""
    precision_at: Mapping[float, float]

    @property
    def rate(self) -> float:
        return self.outcomes / self.cases


def ceilings(folder: Path) -> list[Ceiling]:
    """The ceiling of each task of a made-up city.

    Raises
    ------
    NotReady
        If the folder holds no truth.
    """
    if not (folder / "truth").is_dir():
        raise NotReady(f"there is no truth at {folder}", hint="run `xinheng city make` first")
    found = []
    for name, task in TASKS.items():
        path = folder / "truth" / f"{task.table}.parquet"
        if path.exists():
            rows = pl.scan_parquet(path, glob=False).filter(pl.sql_expr(task.asked)).collect()
            if rows[task.outcome].any() and not rows[task.outcome].all():
                found.append(_ceiling(name, task, rows))
    return found


def true_chances(folder: Path, rows: pl.DataFrame, task: str) -> Floats:
    """The true chance of each row that a model is asked about, in the order of the rows.

    For reports and fines it is the chance given that the duty is open: more than anybody is told
    whose proofs arrive late, so no model that reads the records can rank better.

    Raises
    ------
    NotReady
        If the folder holds no truth of the task, or a row is not of this city.
    """
    one = TASKS.get(task)
    path = folder / "truth" / f"{one.table if one else task}.parquet"
    if one is None or not path.exists():
        raise NotReady(
            f"there is no truth of {task} at {folder}", hint=f"there is {', '.join(TASKS)}"
        )
    own = pl.read_parquet(path, glob=False).with_columns(
        pl.col(name).cast(_kind(name)) for name in one.keys
    )
    told = own.unique([*one.keys], keep="first", maintain_order=True).select(*one.keys, one.chance)
    asked = rows.select(
        pl.col(there).cast(_kind(name)).alias(name) for name, there in one.keys.items()
    )
    found = asked.join(told, on=[*one.keys], how="left", maintain_order="left")[one.chance]
    if found.null_count():
        raise NotReady(
            f"{found.null_count():,} of {rows.height:,} cases are not in the truth at {folder}",
            hint="was the lake made from this city?",
        )
    return found.to_numpy()


def _kind(name: str) -> pl.DataType:
    return {"uscc": pl.String(), "report_year": pl.Int64()}.get(name, pl.Date())


def _ceiling(name: str, task: Task, rows: pl.DataFrame) -> Ceiling:
    chance, outcome = rows[task.chance].to_numpy(), rows[task.outcome].to_numpy()
    order = np.argsort(-chance, kind="stable")
    hits = np.cumsum(outcome[order])
    at = {share: max(1, int(share * hits.size)) for share in BUDGETS}
    return Ceiling(
        task=name,
        meaning=task.meaning,
        cases=hits.size,
        outcomes=int(hits[-1]),
        auc=_auc(chance, outcome),
        average_precision=float((hits / np.arange(1, hits.size + 1))[outcome[order]].mean()),
        brier=float(((chance - outcome) ** 2).mean()),
        recall_at={share: float(hits[n - 1] / hits[-1]) for share, n in at.items()},
        precision_at={share: float(hits[n - 1] / n) for share, n in at.items()},
    )


def _auc(chance: Floats, outcome: Flags) -> float:
    """Mann-Whitney statistic, ties counted half."""
    ranks = pl.Series(chance).rank("average").to_numpy()
    positive = outcome.sum()
    negative = outcome.size - positive
    return float((ranks[outcome].sum() - positive * (positive + 1) / 2) / (positive * negative))
