"""Thin data are refused in one line, before the work."""

from __future__ import annotations

import polars as pl

from xinheng.config import TrainSettings
from xinheng.errors import NotReady
from xinheng.training.cohorts.cohort import DAY, LABEL, PERIOD
from xinheng.training.cohorts.task import Task


def need_enough(visits: pl.DataFrame, task: Task, least: TrainSettings) -> None:
    """Refuse a training period of which nothing could be learned.

    Parameters
    ----------
    visits
        Rows asked about of both periods, with their labels.

    Raises
    ------
    NotReady
        If rows, problems or rows without one are too few; it says how many there are, how many are
        wanted and what helps.
    """
    rows = visits.filter(pl.col(PERIOD) == "train")
    problems = int(rows[LABEL].sum())
    alike = min(problems, rows.height - problems)
    if rows.height >= least.least_rows and alike >= least.least_problems:
        return
    span = f" of {rows[DAY].min()!s} to {rows[DAY].max()!s}" if rows.height else ""
    raise NotReady(
        f"{task.name}: {rows.height:,} rows{span} with {problems:,} problems are too few to learn "
        f"from; at least {least.least_rows:,} rows are wanted, {least.least_problems:,} of them "
        f"with a problem and {least.least_problems:,} without",
        hint=_help(task),
    )


def _help(task: Task) -> str:
    pooled = "use the general class (risk_class), which pools all sectors; " if task.sector else ""
    shorter = f"test on less than {task.test_days:,} days (test_days in a file of HOME/tasks); "
    return (
        f"{pooled}take in earlier years; {shorter}or lower least_rows and least_problems under "
        "[training] in xinheng.toml, if you know why"
    )
