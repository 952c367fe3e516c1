"""Who is asked about and when: one `(uscc, as_of)` row a visit, with its label and its period."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from xinheng.errors import BadDelivery, BadMapping, UnknownName
from xinheng.features.declared import expression
from xinheng.records.lake import Lake
from xinheng.records.sources.mapping import Mapping
from xinheng.records.sources.reading import delivered_files, read_file
from xinheng.records.sources.shaping import sql
from xinheng.records.versions import KEY, SCORABLE
from xinheng.training.study import Listing, Period, Study

LABEL, GRADE, DAY, PERIOD = "label", "grade", "day", "period"


def cohort(study: Study, mapping: Mapping, lake: Lake, data: Path) -> pl.DataFrame:
    """Visits of the study: `uscc`, `as_of`, `day`, `label`, `period` (train, test or none).

    With the default cut-off `as_of` is the start of the day of the visit: what became known on
    that day or later, its own result above all, is not known yet. `day` is that of the event, or
    the day asked about where that is a deadline.

    Raises
    ------
    BadMapping
        If a period is empty or has one kind of label only.
    """
    rows = _records(study, lake)
    if study.cohort.listed_in:
        rows = _listed(rows, study.cohort.listed_in, mapping, data)
    asked = rows.with_columns(
        cut_off_of(study, mapping).alias("as_of"),
        *_labels(study, rows),
        _day(study, mapping).alias(DAY),
    ).filter(pl.col(LABEL).is_not_null())
    if study.cohort.still_open:
        asked = asked.filter(pl.col("event_at") > pl.col("as_of"))
    marked = asked.with_columns(_period(study, asked).alias(PERIOD)).sort("as_of", "record_id")
    for name in ("train", "test"):
        found = marked.filter(pl.col(PERIOD) == name)[LABEL]
        if found.n_unique() < 2:
            raise BadMapping(
                f"the {name} period has {found.len()} rows and {int(found.sum())} problems",
                hint="look at [split], [cohort] and [label] of study.toml",
            )
        _check_grades(study, marked.filter(pl.col(PERIOD) == name), name)
    return marked


def _day(study: Study, mapping: Mapping) -> pl.Expr:
    if study.cohort.cut_off == "due":
        return pl.col("due_on")
    return pl.col("event_at").dt.convert_time_zone(mapping.time_zone).dt.date()


def _check_grades(study: Study, rows: pl.DataFrame, period: str) -> None:
    """Every grade occurs in every period, and no other."""
    if not study.label.grades:
        return
    found, wanted = set(rows[GRADE].unique()), set(range(len(study.label.grades)))
    if found != wanted:
        raise BadMapping(
            f"label.grade gives {sorted(found)} in the {period} period, "
            f"expected 0 to {max(wanted)} ({', '.join(study.label.grades)})",
            hint="grades that hardly occur are better joined",
        )


def _labels(study: Study, rows: pl.DataFrame) -> list[pl.Expr]:
    """The label, and with grades how grave it was."""
    table, label = study.cohort.table, study.label
    where = "label.grade" if label.grades else "label.condition"

    def told(text: str) -> pl.Expr:
        if study.cohort.listed_in:
            return sql(text, rows, where=where)
        return expression(text, table, where=where)

    problem = told(label.problem).cast(pl.Float64).alias(LABEL)
    return [problem, told(label.grade).cast(pl.Int64).alias(GRADE)] if label.grades else [problem]


def cut_off_of(study: Study, mapping: Mapping) -> pl.Expr:
    """The moment each record is asked about."""
    event, zone = pl.col("event_at"), mapping.time_zone
    midnight = pl.col("due_on").cast(pl.Datetime("us")).dt.offset_by("1d")
    moments = {
        "start_of_day": event.dt.convert_time_zone(zone).dt.truncate("1d"),
        "event": event,
        "known": pl.col("known_at"),
        "due": midnight.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null"),
    }
    moment = moments[study.cohort.cut_off].dt.convert_time_zone("UTC")
    return moment - pl.duration(hours=study.cohort.lead_hours)


def _records(study: Study, lake: Lake) -> pl.DataFrame:
    """The newest version of each record of the cohort's table, where it is in the cohort."""
    versions = lake.rows(study.cohort.table).sort("version").collect()
    newest = versions.unique(KEY, keep="last", maintain_order=True)
    rows = newest.filter(
        pl.col("operation") != "withdraw", pl.col("quality_status").is_in(SCORABLE)
    )
    if not study.cohort.where:
        return rows
    return rows.filter(expression(study.cohort.where, study.cohort.table, where="cohort.where"))


def _listed(rows: pl.DataFrame, listing: Listing, mapping: Mapping, data: Path) -> pl.DataFrame:
    files = {file.name: file for file in delivered_files(data)}
    if listing.file not in files:
        raise BadDelivery(f"{data} has no file {listing.file!r}, which lists the cohort")
    frame = read_file(files[listing.file], mapping)
    if listing.column not in frame.columns:
        raise UnknownName(f"column of {listing.file}", listing.column, frame.columns)
    keys = frame.with_columns(pl.col(listing.column).cast(pl.String).alias("_listed"))
    joined = rows.join(
        keys, left_on=listing.key, right_on="_listed", how="inner", suffix="__listed"
    )
    if joined.height == 0:
        raise BadMapping(f"no {listing.key} of the cohort is in {listing.file}:{listing.column}")
    return joined


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
