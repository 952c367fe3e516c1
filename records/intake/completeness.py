"""Coverage: which table, region and month a department has delivered, and whether all of it.

QC34: a delivery that lacks rows of its manifest, or is far smaller or larger than those before,
leaves its period not covered; the absence of a record then says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median

import polars as pl

from xinheng.records.gate.catalogue import rules
from xinheng.records.intake.books import Books
from xinheng.records.intake.deliveries import Delivery, Manifest
from xinheng.records.intake.staging import FOUND_SCHEMA
from xinheng.records.lake import COVERAGE, PLATFORM_SCHEMAS, Lake
from xinheng.records.sources.origins import FILE

LEAST, MOST = 0.5, 2.0
"""Times the usual number of rows of the same department, table and length of period."""
FORMER = 6
"""Deliveries that make up what is usual; fewer than three say nothing."""
MIN_FORMER = 3
_NAMED = ["source_dept", "region_code"]
NO_REGION = ""
"""Stands for the department as a whole, whatever regions its rows name."""
SMALL = 20
"""Deliveries of usually fewer rows are too uneven to be judged by size."""


def complete(books: Books, lake: Lake) -> None:
    """Enter the coverage of each delivery, and a note where it is in doubt.

    One without a manifest does not say that it is complete.
    """
    has_manifests = any(delivery.manifest for delivery in books.deliveries)
    former = _former(lake) if has_manifests else []
    regions = _regions(books) if has_manifests else {}
    books.sent = _delivered(books)
    parts = []
    for number, delivery in enumerate(books.deliveries):
        told = books.sent[number]
        if delivery.manifest is None:
            books.notes[number] = books.notes.get(number, ()) + tuple(
                f"{name}: no rows; only a manifest says for which days" for name in told
                if not told[name]
            )  # fmt: skip
            continue
        before = [line for line in former if line.arrived_at < delivery.at]
        lines, doubts = _judged(delivery, delivery.manifest, told, before)
        for name, note in doubts.items():
            books.notes[number] = (*books.notes.get(number, ()), f"QC34 {name}: {note[0]}")
            books.tell(name, _finding(books, number, name, note))
        states = dict.fromkeys(doubts, "unknown")
        if number not in books.refused:
            states |= {name: "covered" for name in told if name not in doubts}
        parts += [
            _months(delivery, name, told[name], regions.get((number, name)), state)
            for name, state in states.items()
        ]
        former += lines
    if parts:
        books.coverage = pl.concat(parts)


def coverage(lake: Lake) -> pl.LazyFrame:
    """What is known of each table, department, region and month: the newest word counts."""
    numbers = lake.batches(["batch_id", "number"]).lazy()
    told = lake.told(COVERAGE).join(numbers, on="batch_id", how="left")
    key = ["record_type", "source_dept", "region_code", "month"]
    return (
        told.sort("number")
        .group_by(key)
        .agg(pl.col("state").last(), pl.col("rows").sum())
        .sort(key)
    )


def _delivered(books: Books) -> dict[int, dict[str, int]]:
    """Source rows by delivery and table."""
    offered = books.stage.offered()
    rows: dict[int, dict[str, int]] = {number: {} for number in range(len(books.deliveries))}
    for i, source in enumerate(books.sources):
        own = rows[source.delivery]
        own[source.part.name] = own.get(source.part.name, 0) + offered.get(i, (0, 0, 0))[2]
    return rows


def _regions(books: Books) -> dict[tuple[int, str], pl.DataFrame]:
    """Departments and regions that rows name, by delivery and table."""
    number = {i: source.delivery for i, source in enumerate(books.sources)}
    named = books.counted().filter(pl.col("outcome") != "warned").select(
        pl.col(FILE).replace_strict(number, return_dtype=pl.Int64).alias("_delivery"),
        *_NAMED, "record_type",
    )  # fmt: skip
    by_table = named.unique().partition_by("_delivery", "record_type", as_dict=True)
    return {(own, name): rows.select(_NAMED) for (own, name), rows in by_table.items()}


@dataclass(frozen=True, slots=True)
class _Line:
    """What one delivery brought of one table."""

    department: str
    table: str
    period_from: date
    days: int
    rows: int
    arrived_at: datetime

    def is_like(self, other: _Line) -> bool:
        """The same table of the same department, for as long, in the same part of the month."""
        return (
            (self.department, self.table) == (other.department, other.table)
            and abs(self.days - other.days) <= self.days // 4
            and (self.period_from.day > 15) == (other.period_from.day > 15)
        )

    def is_a_year_after(self, other: _Line) -> bool:
        return self.is_like(other) and 350 <= (self.period_from - other.period_from).days <= 380


def _judged(
    delivery: Delivery, manifest: Manifest, told: dict[str, int], former: Sequence[_Line]
) -> tuple[list[_Line], dict[str, tuple[str, str]]]:
    days = (manifest.period_to - manifest.period_from).days + 1
    first = manifest.period_from
    lines = [
        _Line(manifest.department, name, first, days, rows, delivery.at)
        for name, rows in told.items()
    ]
    doubts: dict[str, tuple[str, str]] = {}
    for line in lines:
        expected = _promised(delivery, line.table, line.rows)
        if expected is None:
            expected = _unusual(line, former)
        if expected is not None:
            doubts[line.table] = _note(delivery.batch_id, line, expected, manifest)
    return lines, doubts


def _promised(delivery: Delivery, name: str, rows: int) -> int | None:
    """Rows that the manifest promises for a table, where another number came."""
    files = {file for file, part in delivery.assigned() if part.name == name}
    promised = sum(delivery.promised(file) for file in files)
    return promised if promised != rows else None


def _unusual(line: _Line, former: Sequence[_Line]) -> int | None:
    """What is usual for such a delivery, where this one is far from it.

    Only a regular feed has a usual size; where the year before was alike, it is the season.
    """
    same = [one.rows for one in former if line.is_like(one)][-FORMER:]
    if len(same) < MIN_FORMER or (usual := int(median(same))) < SMALL:
        return None
    if not all(_near(rows, usual) for rows in same) or _near(line.rows, usual):
        return None
    seasons = [one.rows for one in former if line.is_a_year_after(one)]
    return None if any(_near(line.rows, rows) for rows in seasons) else usual


def _near(rows: int, usual: int) -> bool:
    return LEAST * usual <= rows <= MOST * usual


def _note(batch_id: str, line: _Line, expected: int, manifest: Manifest) -> tuple[str, str]:
    """The message of QC34 in English and Chinese."""
    period = f"{manifest.period_from}/{manifest.period_to}"
    said = {"batch_id": batch_id, "n": line.rows, "expected": expected, "period": period}
    rule = rules()["QC34"]
    return rule.message_en.format(**said), rule.message_zh.format(**said)


def _finding(books: Books, number: int, name: str, note: tuple[str, str]) -> pl.DataFrame:
    """QC34 as a finding of the whole file, told by its department."""
    file = next(
        i for i, s in enumerate(books.sources) if s.delivery == number and s.part.name == name
    )
    manifest = books.deliveries[number].manifest
    said = {
        FILE: file,
        "source_dept": manifest.department if manifest else None,
        "check": "QC34",
        "severity": rules()["QC34"].severity,
        "field": "batch_id",
        "message_en": note[0],
        "message_zh": note[1],
    }
    return pl.DataFrame([{n: said.get(n) for n in FOUND_SCHEMA}], schema=FOUND_SCHEMA)


def _months(
    delivery: Delivery, name: str, rows: int, named: pl.DataFrame | None, state: str
) -> pl.DataFrame:
    manifest = delivery.manifest
    assert manifest is not None
    first, last = manifest.period_from.replace(day=1), manifest.period_to
    every = pl.date_range(first, last, "1mo", eager=True).alias("month")
    departments = _departments(named, manifest).sort(pl.all())
    return (
        every.to_frame()
        .join(departments, how="cross")
        .with_columns(
            batch_id=pl.lit(delivery.batch_id),
            record_type=pl.lit(name),
            state=pl.lit(state),
            rows=pl.lit(rows),
        )
        .select(pl.col(n).cast(d) for n, d in PLATFORM_SCHEMAS[COVERAGE].items())
    )


def _departments(named: pl.DataFrame | None, manifest: Manifest) -> pl.DataFrame:
    """Departments with the regions of their rows; a delivery says something without any row.

    One whose manifest names a region speaks of that region only, whatever its rows name.
    """
    region = manifest.region or NO_REGION
    own = pl.DataFrame({"source_dept": [manifest.department], "region_code": [region]})
    if manifest.region or named is None:
        return own
    return pl.concat([named.drop_nulls("region_code"), own])


def _former(lake: Lake) -> list[_Line]:
    """Deliveries with a manifest that the lake has, oldest first."""
    known = lake.batches().filter(pl.col("department") != "")
    return [
        _Line(department, name, first, days, rows, arrived_at)
        for department, first, days, told, arrived_at in known.select(
            "department", "period_from", "period_days", "table_rows", "arrived_at"
        ).iter_rows()
        for name, rows in json.loads(told).items()
    ]
