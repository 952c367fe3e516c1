"""Deadlines: which duties are to be warned of now (domain README, section 10).

A warning must leave 72 hours before the deadline even after a night without a run. So a duty is
looked at `ahead` before its last snapshot, and again at every run until it is too late; what was
too small a risk at the first look may still be warned of at a later one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from xinheng.config import AlertSettings
from xinheng.decisions.alerts.finding import Finding
from xinheng.decisions.alerts.points import Point
from xinheng.features.coverage import serves
from xinheng.features.engine.compute import compute
from xinheng.features.knowledge import Knowledge
from xinheng.features.source import Source
from xinheng.models.artifact import RiskModel
from xinheng.models.score import score
from xinheng.records.duties.days import first_moment
from xinheng.records.duties.ledger import standing_duties
from xinheng.records.tables import MOMENT

RENEWAL = "licence_renewal"
SNAPSHOT = timedelta(hours=2)
"""The last look lies so long before the warning must have left."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The moment of a run and of the one before."""

    at: datetime
    before: datetime | None
    """None: the first run."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", self.at.astimezone(UTC))
        if self.before is not None:
            object.__setattr__(self, "before", self.before.astimezone(UTC))


def deadlines(
    points: Sequence[Point],
    duties: pl.DataFrame,
    source: Source,
    watch: Watch,
    models: Mapping[str, RiskModel],
    settings: AlertSettings,
) -> list[Finding]:
    """Findings of all points about deadlines.

    Parameters
    ----------
    duties
        The ledger at the moment of the run, of those who are warned of.
    models
        Live models by task; a point whose model is not live finds nothing.
    """
    found: list[Finding] = []
    duties = _with_ends(points, duties, source, watch.at)
    for point in points:
        wanted = point.deadline
        if wanted is None or (wanted.model and wanted.model not in models):
            continue
        near = _near(point, duties, source, watch, settings)
        if wanted.model:
            found += _likely(point, near, source, watch, models[wanted.model])
        else:
            found += [_finding(point, row) for row in near.iter_rows(named=True)]
    return found


def _with_ends(
    points: Sequence[Point], duties: pl.DataFrame, source: Source, at: datetime
) -> pl.DataFrame:
    """Duties with `ends_at`: when the licence ends that is to be renewed."""
    if not any(point.deadline and point.deadline.of == "ends_at" for point in points):
        return duties
    usccs = duties.filter(pl.col("kind") == RENEWAL)["uscc"].unique().to_list()
    held = Knowledge(source, at, usccs=usccs).usable("licence", {"valid_to"})
    ends = held.select(
        source_record_id="record_id",
        ends_at=first_moment(pl.col("valid_to").dt.offset_by("1d")).cast(MOMENT),
    )
    own = ends.unique("source_record_id", keep="last", maintain_order=True)
    return duties.join(own, on="source_record_id", how="left", maintain_order="left")


def with_grace(
    duties: pl.DataFrame, register: pl.DataFrame, settings: AlertSettings
) -> pl.DataFrame:
    """Duties with the end of the grace period (LC04) that the settings give their regions.

    Of several regions that contain a firm's own the smallest counts.
    """
    if not settings.grace_days:
        return duties
    largest_first = sorted(settings.grace_days, key=lambda code: len(code.rstrip("0")))
    days = {
        region: settings.grace_days[code]
        for region in register["region_code"].unique().drop_nulls()
        for code in largest_first
        if serves(code, region)
    }
    own = register.select("uscc", _grace=pl.col("region_code").replace_strict(days, default=None))
    end = pl.col("due_at") + pl.duration(days=pl.col("_grace").cast(pl.Int64))
    is_theirs = (pl.col("kind") == "annual_report") & pl.col("_grace").is_not_null()
    grace = pl.when(is_theirs).then(end).otherwise("grace_until")
    beside = duties.join(own, on="uscc", how="left", maintain_order="left")
    return beside.with_columns(grace_until=grace).drop("_grace")


def _near(
    point: Point, duties: pl.DataFrame, source: Source, watch: Watch, settings: AlertSettings
) -> pl.DataFrame:
    """Duties for which the point's time has come and has not gone."""
    wanted = point.deadline
    assert wanted is not None
    own = duties.filter(pl.col("kind") == wanted.kind, pl.col(wanted.of).is_not_null())
    if wanted.rule:
        own = own.filter(pl.col("due_rule").str.starts_with(wanted.rule))
    end, at = pl.col(wanted.of), pl.lit(watch.at)
    own = own.with_columns(_end=end, _by=end - timedelta(hours=wanted.hours))
    if not wanted.is_ahead:
        recent = timedelta(days=settings.recent_days)
        is_recent = (pl.col("_by") <= at) & (pl.col("_by") > at - recent)
        return own.filter(pl.col("state").is_in(wanted.waits), is_recent)
    early = SNAPSHOT + timedelta(hours=settings.ahead_hours)
    near = own.filter(
        pl.col("state").is_in(wanted.waits), pl.col("_by") - early <= at, at < pl.col("_end")
    )
    if not wanted.model or watch.before is None:
        return near
    # whoever was looked at in time is not warned of too late
    is_late = (at > pl.col("_by")) & (pl.lit(watch.before) >= pl.col("_by") - early)
    seen = _known_before(near.filter(is_late), source, watch.before)
    return near.filter(~(is_late & pl.col("obligation_id").is_in(seen)))


def _known_before(late: pl.DataFrame, source: Source, before: datetime) -> list[str]:
    """Of some duties those that the run before could look at: their records had arrived."""
    if late.height == 0:
        return []
    usccs = late["uscc"].unique().to_list()
    spans = Knowledge(source, before, usccs=usccs).duty_spans
    known = {*standing_duties(spans, before)["obligation_id"]}
    return [one for one in late["obligation_id"].to_list() if one in known]


def _likely(
    point: Point, near: pl.DataFrame, source: Source, watch: Watch, model: RiskModel
) -> list[Finding]:
    """Of the duties those whose risk is above the alert budget."""
    if near.height == 0:
        return []
    question = near.select("uscc").unique(maintain_order=True).with_columns(as_of=pl.lit(watch.at))
    scored = score(model, compute(model.indicators, question, source))
    threshold = 1.0 if model.alert_at is None else model.alert_at
    risky = near.join(scored.select("uscc", "probability"), on="uscc").filter(
        pl.col("probability") >= threshold
    )
    return [
        _finding(point, row, row["probability"], threshold, model.version)
        for row in risky.iter_rows(named=True)
    ]


def _finding(
    point: Point,
    row: Mapping[str, object],
    probability: float | None = None,
    threshold: float | None = None,
    version: str = "",
) -> Finding:
    end, by = row["_end"], row["_by"]
    assert isinstance(end, datetime)
    assert isinstance(by, datetime)
    record = row["source_record_id"]
    return Finding(
        point=point,
        level=point.level,
        uscc=str(row["uscc"]),
        subject=str(row["obligation_id"]),
        record_ids=(str(record),) if record else (),
        due_at=end,
        deliver_by=by if point.deadline and point.deadline.is_ahead else None,
        probability=probability,
        threshold=threshold,
        model_version=version,
    )
