"""A run of everyone, written part by part, and current at once or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import polars as pl
from sqlalchemy import Connection, Engine, bindparam, delete, select, update

from xinheng.decisions.causes.shares import ClassChange
from xinheng.decisions.kept.keeping import (
    RunHead,
    insert_all,
    insert_assessed,
    insert_changes,
    insert_run,
)
from xinheng.decisions.kept.rows import ASSESSED, current_row
from xinheng.decisions.kept.tables import ASSESSMENT, CURRENT, RUN

Frames = Callable[[], Iterator[pl.DataFrame]]
"""The parts of a run, as often as they are asked for: `ASSESSED`, and maybe more."""


def keep_everyone(
    engine: Engine, frames: Frames, head: RunHead, changes: Sequence[ClassChange] = ()
) -> int:
    """Keep a run of everyone with its changes; its number.

    The answers are written first, in short steps that keep nobody waiting; then all of them
    become current in one. What a broken try left is taken away. Whoever was assessed meanwhile
    by a later batch of the lake stays as that says.
    """
    light = pl.concat([part.select(_LIGHT) for part in frames()])
    ranked = light.sort("log_odds", "uscc", descending=[True, False])
    place = {uscc: number for number, uscc in enumerate(ranked["uscc"], start=1)}
    with engine.begin() as connection:
        _forget_open(connection)
        run_id = insert_run(connection, head.row("open"))
    for part in frames():
        with engine.begin() as connection:
            rows = part.select(list(ASSESSED)).iter_rows(named=True)
            insert_assessed(connection, run_id, ((place[row["uscc"]], row) for row in rows))
    with engine.begin() as connection:
        _make_current(connection, run_id, light, head.lake_batch)
        connection.execute(update(RUN).where(RUN.c.run_id == run_id).values(kind="all"))
        insert_changes(connection, run_id, head.as_of, changes)
    return run_id


_LIGHT = [name for name in ASSESSED if name != "answer"]


def _forget_open(connection: Connection) -> None:
    """What a run that was broken off had written; nobody was told of it."""
    broken = select(RUN.c.run_id).where(RUN.c.kind == "open")
    connection.execute(delete(ASSESSMENT).where(ASSESSMENT.c.run_id.in_(broken)))
    connection.execute(delete(RUN).where(RUN.c.kind == "open"))


def _make_current(
    connection: Connection, run_id: int, light: pl.DataFrame, lake_batch: int
) -> None:
    later = select(CURRENT.c.uscc).where(CURRENT.c.lake_batch > lake_batch)
    kept = {*connection.execute(later).scalars()}
    connection.execute(delete(CURRENT).where(CURRENT.c.lake_batch <= lake_batch))
    rows = light.iter_rows(named=True)
    told = [current_row(run_id, lake_batch, row) for row in rows if row["uscc"] not in kept]
    insert_all(connection, CURRENT, told)
    said = [
        {"code": uscc, "night": night}
        for uscc, night in light.select("uscc", "night_class").iter_rows()
        if uscc in kept
    ]
    if said:
        change = update(CURRENT).where(CURRENT.c.uscc == bindparam("code"))
        connection.execute(change.values(night_class=bindparam("night")), said)
