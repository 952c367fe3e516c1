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
    parts = []
    for number, delivery in enumerate(books.deliveries):
        books.sent[number] = told = _delivered(books, number)
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
            parts.append(_months(books, number, delivery, name, told[name], state="unknown"))
        fine = [name for name in told if name not in doubts and number not in books.refused]
        parts += [
            _months(books, number, delivery, name, told[name], state="covered") for name in fine
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


def _delivered(books: Books, number: int) -> dict[str, int]:
    """Source rows of each table of a delivery."""
    offered = books.stage.offered()
    told: dict[str, int] = {}
    for i, source in enumerate(books.sources):
        if source.delivery == number:
            told[source.part.name] = told.get(source.part.name, 0) + offered.get(i, (0, 0, 0))[2]
    return told


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
    books: Books, number: int, delivery: Delivery, name: str, rows: int, state: str
) -> pl.DataFrame:
    files = [i for i, s in enumerate(books.sources) if s.delivery == number and s.part.name == name]
    own = books.counted().filter(pl.col(FILE).is_in(files), pl.col("outcome") != "warned")
    manifest = delivery.manifest
    assert manifest is not None
    first, last = manifest.period_from.replace(day=1), manifest.period_to
    every = pl.date_range(first, last, "1mo", eager=True).alias("month")
    told = every.to_frame().join(_departments(own, manifest).sort(pl.all()), how="cross")
    return told.with_columns(
        batch_id=pl.lit(delivery.batch_id),
        record_type=pl.lit(name),
        state=pl.lit(state),
        rows=pl.lit(rows),
    ).select(pl.col(n).cast(d) for n, d in PLATFORM_SCHEMAS[COVERAGE].items())


def _departments(own: pl.DataFrame, manifest: Manifest) -> pl.DataFrame:
    """Departments with the regions of their rows; a delivery says something without any row.

    One whose manifest names a region speaks of that region only, whatever its rows name.
    """
    if manifest.region:
        return pl.DataFrame(
            {"source_dept": [manifest.department], "region_code": [manifest.region]}
        )
    named = own.select("source_dept", "region_code").unique().drop_nulls("region_code")
    whole = {"source_dept": [manifest.department], "region_code": [NO_REGION]}
    return pl.concat([named, pl.DataFrame(whole, schema=named.schema)])


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
