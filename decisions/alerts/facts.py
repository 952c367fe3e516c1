"""Events and states: records that became known, and measures that came to hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from xinheng.decisions.alerts.deadlines import Watch
from xinheng.decisions.alerts.finding import Finding
from xinheng.decisions.alerts.measures import Measured, measured
from xinheng.decisions.alerts.points import RANK, Event, Level, Point
from xinheng.features.declared import expression
from xinheng.features.explain.evidence import Grounds, evidence_ids
from xinheng.features.knowledge import Knowledge
from xinheng.features.source import Source
from xinheng.records.in_force.proof_columns import OBSERVABLE
from xinheng.records.spans import FROM, UNTIL

FIRST_RUN = timedelta(days=1)
"""The first run takes the facts of the last day for new."""
FACT = pl.concat_str("source_system", "source_record_no", separator="/")
"""Which fact a record tells, in whatever version."""


def events(
    points: Sequence[Point], usccs: Sequence[str], source: Source, watch: Watch
) -> list[Finding]:
    """Findings of all points about records that became usable since the run before."""
    knowledge = Knowledge(source, watch.at)
    everyone = pl.Series(usccs, dtype=pl.String()).implode()
    found: list[Finding] = []
    for point in points:
        for event in point.events:
            if not _has_news(event, knowledge, watch):
                continue
            rows = _new(event, knowledge, watch, point.id).filter(pl.col("uscc").is_in(everyone))
            found += [
                Finding(
                    point=point,
                    level=point.level,
                    uscc=row["uscc"],
                    subject=f"{event.table}:{row['fact']}",
                    record_ids=(row["record_id"],),
                    event_at=row["event_at"],
                )
                for row in rows.iter_rows(named=True)
            ]
    return found


def usable_facts(
    points: Sequence[Point], source: Source, at: datetime
) -> dict[str, frozenset[str]]:
    """By point the subjects that still hold: repaired, withdrawn and ended ones are not there."""
    knowledge = Knowledge(source, at)
    held: dict[str, frozenset[str]] = {}
    for point in points:
        for event in point.events:
            rows = _holding(event, knowledge, at, point.id)
            now = frozenset(f"{event.table}:{fact}" for fact in rows["fact"])
            held[point.id] = held.get(point.id, frozenset()) | now
    return held


def _has_news(event: Event, knowledge: Knowledge, watch: Watch) -> bool:
    """Whether any record of the table became known in the time that is looked at."""
    newest = knowledge.versions(event.table, ())["known_at"].max()
    return isinstance(newest, datetime) and newest > _since(event, watch)


def _since(event: Event, watch: Watch) -> datetime:
    return (watch.before or watch.at - FIRST_RUN) - timedelta(hours=event.after_hours)


def _new(event: Event, knowledge: Knowledge, watch: Watch, where: str) -> pl.DataFrame:
    waited, since = timedelta(hours=event.after_hours), _since(event, watch)
    recent = watch.at - timedelta(days=event.recent_days) - waited
    return _holding(event, knowledge, watch.at, where).filter(
        pl.col(FROM) > since, pl.col(FROM) <= watch.at - waited, pl.col("event_at") > recent
    )


def _holding(event: Event, knowledge: Knowledge, at: datetime, where: str) -> pl.DataFrame:
    condition = expression(event.where, event.table, where=where)
    begins = [FROM, *([OBSERVABLE] if event.is_proven else [])]
    names = {*condition.meta.root_names(), "source_system", "source_record_no", *begins[1:]}
    return (
        knowledge.usable(event.table, names)
        .with_columns(pl.max_horizontal(begins).alias(FROM))
        .filter(condition, pl.col(FROM) <= at, at < pl.col(UNTIL))
        .with_columns(fact=FACT)
        .sort("event_at", "record_id")
    )


def states(
    points: Sequence[Point],
    everyone: pl.DataFrame,
    source: Source,
    *,
    held: Mapping[str, frozenset[str]] | None,
    on_step: Callable[[str], None] = lambda _: None,
) -> tuple[list[Finding], dict[str, frozenset[str]]]:
    """Findings of points that came to hold, and who every point holds for.

    Parameters
    ----------
    everyone
        `uscc`, `as_of` of who is warned of.
    held
        By point, for whom it held at the run before; None at the first run, which finds nothing:
        what holds then is the baseline.
    """
    own = [point for point in points if point.state]
    if not own:
        return [], {}
    told = measured(
        [one for point in own for one in point.state], everyone, source, on_step=on_step
    )
    found: list[Finding] = []
    holding: dict[str, frozenset[str]] = {}
    for point in own:
        flags = np.all([told.holds(one) for one in point.state], axis=0)
        now = [told.usccs[place] for place in np.flatnonzero(flags)]
        holding[point.id] = frozenset(now)
        if held is not None:
            new = [uscc for uscc in now if uscc not in held.get(point.id, frozenset())]
            found += _found(point, new, told, everyone, source)
    return found, holding


def _found(
    point: Point, new: Sequence[str], told: Measured, everyone: pl.DataFrame, source: Source
) -> list[Finding]:
    if not new:
        return []
    columns = [measure.asked.columns[0] for measure in point.state]
    asked = everyone.filter(pl.col("uscc").is_in(list(new))).select("uscc", "as_of")
    records = evidence_ids(columns, Grounds.read(columns, asked, source))
    first = dict(zip(told.usccs, told.now[point.state[0].name].tolist(), strict=True))
    return [
        Finding(
            point=point,
            level=_level(point, first[uscc]),
            uscc=uscc,
            record_ids=tuple(
                dict.fromkeys(one for c in columns for one in records.get((uscc, c.name), ()))
            ),
        )
        for uscc in new
    ]


def _level(point: Point, value: float) -> Level:
    graver = point.graver
    if graver and value >= graver.at_least and RANK[graver.level] > RANK[point.level]:
        return graver.level
    return point.level
