"""Who is asked about and when: one `(uscc, as_of)` row a record, with its label."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xinheng.errors import BadDelivery, BadMapping, UnknownName
from xinheng.features.declared import expression
from xinheng.records.lake import Lake
from xinheng.records.sources.mapping import Mapping, placeholders
from xinheng.records.sources.origins import formatted, sql
from xinheng.records.sources.reading import delivered_files, read_file
from xinheng.records.versions import KEY, SCORABLE
from xinheng.training.cohorts.duties import duties_asked
from xinheng.training.cohorts.task import Asked, Listing, Task
from xinheng.training.studies.study import Period, Study

LABEL, GRADE, DAY, PERIOD, WEIGHT = "label", "grade", "day", "period", "weight"
HONEST = "is_honest"
"""Whether figures are told of the row: not for earlier looks and visits chosen by risk."""

Days = NDArray[np.int64]


def days_of(rows: pl.DataFrame) -> Days:
    """Whole days of the rows."""
    return rows[DAY].to_physical().cast(pl.Int64).to_numpy()


def cohort(study: Study, mapping: Mapping, lake: Lake, data: Path) -> pl.DataFrame:
    """Rows of the study: `uscc`, `as_of`, `day`, `label`, `period` (train, test or none).

    With the default cut-off `as_of` is the start of the day of the visit: what became known on
    that day or later, its own result above all, is not known yet. `day` is that of the event, or
    the day asked about where that is a deadline.

    Raises
    ------
    BadMapping
        If a period is empty or has one kind of label only.
    """
    listing = study.cohort.listed_in
    listed = (listing, mapping, data) if listing else None
    asked = _asked(study, lake, mapping.time_zone, lake.known_until(), listed=listed)
    marked = asked.with_columns(_period(study, asked).alias(PERIOD), _honest(None, asked))
    return _checked(marked, study)


def task_cohort(task: Task, lake: Lake, zone: str, until: datetime) -> pl.DataFrame:
    """Rows of a deployment's task whose outcome had matured by `until`; the last are the test.

    Raises
    ------
    BadMapping
        If a period is empty or has one kind of label only.
    """
    asked = _asked(task, lake, zone, until)
    if asked.height == 0:
        raise BadMapping(
            f"task {task.name} has no matured outcome by {until:%Y-%m-%d}",
            hint=f"look at the records of {task.cohort.table}, and at the date",
        )
    last = until - timedelta(days=task.cohort.maturation_days)
    first = (last - timedelta(days=task.test_days)).date()
    period = pl.when(pl.col(DAY) > first).then(pl.lit("test")).otherwise(pl.lit("train"))
    marked = asked.with_columns(period.alias(PERIOD), _honest(task, asked))
    return _checked(marked, task)


def _asked(
    asked: Asked,
    lake: Lake,
    zone: str,
    until: datetime,
    *,
    listed: tuple[Listing, Mapping, Path] | None = None,
) -> pl.DataFrame:
    """The cohort with its labels, days and weights; rows without a label are left out."""
    cohort, until = asked.cohort, until.astimezone(UTC)
    if cohort.of_duties:
        rows = duties_asked(cohort, lake, until)
        rows = rows.with_columns(*_labels(asked, rows))
        day = pl.col("due_at").dt.convert_time_zone(zone).dt.offset_by("-1us").dt.date()
    else:
        rows = _records(asked, lake, until)
        rows = _listed(rows, *listed) if listed else rows
        rows = rows.with_columns(
            *_labels(asked, rows), cut_off_of(asked, zone).alias("as_of"), look=pl.lit(0)
        )
        day = _day(asked, zone)
    rows = rows.with_columns(day.alias(DAY), _weight(asked).alias(WEIGHT)).filter(
        pl.col(LABEL).is_not_null(), pl.col("event_at") <= _matured(asked, until)
    )
    if cohort.still_open and not cohort.of_duties:
        rows = rows.filter(pl.col("event_at") > pl.col("as_of"))
    return rows.sort("as_of", "record_id")


def _matured(asked: Asked, until: datetime) -> datetime:
    if asked.cohort.of_duties or not asked.cohort.maturation_days:
        return until + timedelta(days=36_500)  # looked at already, or not asked for
    return until - timedelta(days=asked.cohort.maturation_days)


def _weight(asked: Asked) -> pl.Expr:
    """Inverse of the probability of selection, clipped; 1 where that is not known."""
    if asked.weights is None:
        return pl.lit(1.0)
    odds = 1.0 / pl.col(asked.weights.column).cast(pl.Float64)
    return odds.clip(1.0, asked.weights.most).fill_null(1.0).fill_nan(1.0)


def _honest(task: Task | None, rows: pl.DataFrame) -> pl.Expr:
    """Rows of which figures are told."""
    last_look = pl.col("look") == pl.col("look").min()
    if task is None or not task.honest:
        return last_look.alias(HONEST)
    return (last_look & sql(task.honest, rows, where="honest")).alias(HONEST)


def _checked(marked: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """Each period has every outcome."""
    for name in ("train", "test"):
        rows = marked.filter(pl.col(PERIOD) == name)
        need_both_outcomes(rows, f"the {name} period")
        _check_grades(asked, rows, name)
    return marked


def need_both_outcomes(rows: pl.DataFrame, what: str) -> None:
    """Refuse rows of which no figure can be told.

    Raises
    ------
    BadMapping
        If there is none, or all came out alike.
    """
    if rows[LABEL].n_unique() < 2:
        raise BadMapping(
            f"{what} has {rows.height} rows and {int(rows[LABEL].sum())} problems",
            hint="look at the split, the cohort and the label",
        )


def _day(asked: Asked, zone: str) -> pl.Expr:
    if asked.cohort.cut_off == "due":
        return pl.col("due_on")
    return pl.col("event_at").dt.convert_time_zone(zone).dt.date()


def _check_grades(asked: Asked, rows: pl.DataFrame, period: str) -> None:
    """Every grade occurs in every period, and no other."""
    if not asked.label.grades:
        return
    found, wanted = set(rows[GRADE].unique()), set(range(len(asked.label.grades)))
    if found != wanted:
        raise BadMapping(
            f"label.grade gives {sorted(found)} in the {period} period, "
            f"expected 0 to {max(wanted)} ({', '.join(asked.label.grades)})",
            hint="grades that hardly occur are better joined",
        )


def _labels(asked: Asked, rows: pl.DataFrame) -> list[pl.Expr]:
    """The label, and with grades how grave it was."""
    table, label = asked.cohort.table, asked.label
    where = "label.grade" if label.grades else "label.condition"

    def told(text: str) -> pl.Expr:
        if asked.cohort.of_duties or asked.cohort.listed_in:
            return sql(text, rows, where=where)
        return expression(text, table, where=where)

    problem = told(label.problem).cast(pl.Float64).alias(LABEL)
    return [problem, told(label.number).cast(pl.Int64).alias(GRADE)] if label.grades else [problem]


def cut_off_of(asked: Asked, zone: str) -> pl.Expr:
    """The moment each record is asked about."""
    event = pl.col("event_at")
    midnight = pl.col("due_on").cast(pl.Datetime("us")).dt.offset_by("1d")
    moments = {
        "start_of_day": event.dt.convert_time_zone(zone).dt.truncate("1d"),
        "event": event,
        "known": pl.col("known_at"),
        "due": midnight.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null"),
    }
    moment = moments[asked.cohort.cut_off].dt.convert_time_zone("UTC")
    return moment - pl.duration(hours=asked.cohort.lead_hours)


def _records(asked: Asked, lake: Lake, until: datetime) -> pl.DataFrame:
    """The newest version known by then of each record of the cohort's table, if in the cohort."""
    known = lake.rows(asked.cohort.table).filter(pl.col("known_at") <= until)
    versions = known.sort("version").collect()
    newest = versions.unique(KEY, keep="last", maintain_order=True)
    rows = newest.filter(
        pl.col("operation") != "withdraw", pl.col("quality_status").is_in(SCORABLE)
    )
    if not asked.cohort.where:
        return rows
    return rows.filter(expression(asked.cohort.where, asked.cohort.table, where="cohort.where"))


def _listed(rows: pl.DataFrame, listing: Listing, mapping: Mapping, data: Path) -> pl.DataFrame:
    files = {file.name: file for file in delivered_files(data)}
    if listing.file not in files:
        raise BadDelivery(f"{data} has no file {listing.file!r}, which lists the cohort")
    frame = read_file(files[listing.file], mapping)
    keys = frame.with_columns(_listing_key(listing, frame).alias("_listed"))
    joined = rows.join(
        keys.unique("_listed", keep="first", maintain_order=True),
        left_on=listing.key,
        right_on="_listed",
        how="inner",
        suffix="__listed",
    )
    if joined.height == 0:
        named = listing.column or listing.format
        raise BadMapping(f"no {listing.key} of the cohort is in {listing.file}:{named}")
    return joined


def _listing_key(listing: Listing, frame: pl.DataFrame) -> pl.Expr:
    """The key of a listing's rows, made as a mapping makes it."""
    for name in [listing.column] if listing.column else placeholders(listing.format):
        if name not in frame.columns:
            raise UnknownName(f"column of {listing.file}", name, frame.columns)
    if listing.column:
        return pl.col(listing.column).cast(pl.String)
    return formatted(listing.format)


def _period(study: Study, asked: pl.DataFrame) -> pl.Expr:
    train, test = study.split.train, study.split.test
    return (
        pl.when(_inside(test, asked, "split.test"))
        .then(pl.lit("test"))
        .when(_inside(train, asked, "split.train"))
        .then(pl.lit("train"))
    )


def _inside(period: Period, asked: pl.DataFrame, where: str) -> pl.Expr:
    inside = pl.lit(value=True)
    if period.first:
        inside &= pl.col(DAY) >= period.first
    if period.last:
        inside &= pl.col(DAY) <= period.last
    return inside & sql(period.where, asked, where=where) if period.where else inside
