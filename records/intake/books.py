"""The books of one intake: what became of every row, file by file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from xinheng.records.duties.days import legal_day
from xinheng.records.intake.deliveries import Delivery
from xinheng.records.intake.judging.judge import Verdict
from xinheng.records.intake.refusals import (
    PERSONAL_DATA,
    REFUSED,
    rejected,
    rejected_findings,
    with_refusals,
)
from xinheng.records.intake.report import Report, TableReport, commonest
from xinheng.records.intake.staging import FOUND_SCHEMA, Source, Stage
from xinheng.records.lake import COUNTS, COVERAGE, FINDINGS, PLATFORM_SCHEMAS, REJECTED
from xinheng.records.sources.origins import FILE, ROW, WIDE
from xinheng.records.sources.reading import read_frames

TOLD_DUPLICATES = 1_000
"""Duplicates of one delivery and table that are kept as findings; all are counted."""
OUTCOMES = ("accepted", "quarantined", "rejected", "duplicate")
_FOUND = {**FOUND_SCHEMA, "record_type": pl.String()}
_COUNTED: dict[str, pl.DataType] = {
    FILE: pl.Int32(),
    "record_type": pl.String(),
    "source_dept": pl.String(),
    "region_code": pl.String(),
    "month": pl.Date(),
    "outcome": pl.String(),
    "n": pl.Int64(),
}
_CONTENT: dict[str, pl.DataType] = {FILE: pl.Int32(), ROW: pl.Int64(), "content": pl.String()}


@dataclass(slots=True)
class Books:
    """Findings and counts of the deliveries that are taken together."""

    deliveries: Sequence[Delivery]
    sources: Sequence[Source]
    stage: Stage
    refused: set[int] = field(default_factory=set)
    """Deliveries with personal data: none of their rows is taken."""
    notes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    sent: dict[int, dict[str, int]] = field(default_factory=dict)
    """Source rows by delivery and table."""
    coverage: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema=PLATFORM_SCHEMAS[COVERAGE])
    )
    _findings: list[pl.DataFrame] = field(default_factory=list)
    _counts: list[pl.DataFrame] = field(default_factory=list)

    def enter_form(self, name: str, findings: pl.DataFrame) -> None:
        """Rows that could not be read; call for all tables before any is judged further."""
        personal = findings.filter(pl.col("check") == PERSONAL_DATA)
        self.refused |= {self.sources[i].delivery for i in personal[FILE].unique()}
        self.tell(name, findings)
        self._count(name, rejected(findings), "rejected")

    def enter(self, name: str, verdict: Verdict) -> None:
        """Enter the findings about a table, and its rows that do not become versions."""
        self.tell(name, verdict.findings)
        self.tell(name, self._first(verdict.duplicates))
        self._count(name, rejected(verdict.findings), "rejected")
        self._count(name, verdict.duplicates, "duplicate")

    def enter_kept(self, name: str, kept: pl.DataFrame) -> pl.DataFrame:
        """Enter rows that become versions; returns them for the lake, with their batch."""
        own = kept.filter(pl.col(ROW).is_not_null())
        held = pl.col("quality_status") == "quarantined"
        for rows, outcome in (
            (own.filter(held), "quarantined"),
            (own.filter(~held), "accepted"),
            (own.filter(pl.col("quality_status") == "warned"), "warned"),
        ):
            self._count(name, rows, outcome)
        batch = pl.col(FILE).replace_strict(self._batch_ids(), return_dtype=pl.String)
        return kept.with_columns(batch_id=batch).drop(FILE, ROW)

    def _first(self, duplicates: pl.DataFrame) -> pl.DataFrame:
        """As many duplicates of each delivery as are kept as findings."""
        number = {i: s.delivery for i, s in enumerate(self.sources)}
        delivery = pl.col(FILE).replace_strict(number, return_dtype=pl.Int32)
        ordered = duplicates.sort(FILE, ROW).with_columns(_delivery=delivery)
        return (
            ordered.group_by("_delivery", maintain_order=True)
            .head(TOLD_DUPLICATES)
            .drop("_delivery")
        )

    def tell(self, name: str, findings: pl.DataFrame) -> None:
        if findings.height:
            told = findings.with_columns(pl.col(ROW) % WIDE, record_type=pl.lit(name))
            self._findings.append(told.select(pl.col(n).cast(d) for n, d in _FOUND.items()))

    def kept(self, name: str) -> int:
        """Rows of a table that go into the lake."""
        own = self.counted().filter(
            pl.col("record_type") == name, pl.col("outcome").is_in(["accepted", "quarantined"])
        )
        return int(own["n"].sum())

    def reports(self) -> list[Report]:
        """The report of each delivery; asserts that the books balance."""
        offered, reasons, tally = self.stage.offered(), commonest(self.findings()), self._tally()
        told = [
            _table_report(source, offered.get(i, (0, 0, 0)), tally.get(i, {}), reasons.get(i, ()))
            for i, source in enumerate(self.sources)
        ]
        return [
            Report(
                delivery.batch_id,
                already_taken=False,
                tables=tuple(t for t, s in zip(told, self.sources, strict=True) if s.delivery == i),
                notes=self._notes(i),
            )
            for i, delivery in enumerate(self.deliveries)
        ]

    def platform_frames(self) -> dict[str, pl.DataFrame]:
        """Findings, rejected rows, counts and coverage, as the lake keeps them."""
        findings = self.findings()
        return {
            FINDINGS: self._named(findings, FINDINGS),
            REJECTED: self._named(self._sent(findings), REJECTED),
            COUNTS: self._named(self.counted(), COUNTS),
            COVERAGE: self.coverage,
        }

    def findings(self) -> pl.DataFrame:
        """All findings; of a refused delivery only why it is refused."""
        if not self._findings:
            return pl.DataFrame(schema=_FOUND)
        found = pl.concat(self._findings)
        files = self.refused_files()
        return with_refusals(found, self.sources, files, self._senders()) if files else found

    def counted(self) -> pl.DataFrame:
        """Rows by file, table, department, region, month of the event and outcome."""
        if not self._counts:
            return pl.DataFrame(schema=_COUNTED)
        key = [name for name in _COUNTED if name != "n"]
        counts = pl.concat(self._counts)
        if files := self.refused_files():
            own = counts.filter(~pl.col(FILE).is_in(files))
            counts = pl.concat([own, self._refused_counts(files)])
        return counts.group_by(key).agg(pl.col("n").sum()).sort(key)

    def _refused_counts(self, files: Sequence[int]) -> pl.DataFrame:
        """Rows of refused deliveries: all are rejected, and nothing else is kept of them."""
        offered, senders = self.stage.offered(), self._senders()
        rows = [
            {
                FILE: i, "record_type": self.sources[i].part.name, "source_dept": senders[i],
                "outcome": "rejected", "n": offered.get(i, (0, 0, 0))[1],
            }
            for i in files
        ]  # fmt: skip
        return pl.DataFrame(rows, schema=_COUNTED)

    def _senders(self) -> dict[int, str]:
        """Which department sent each refused file: as its rows say, else as the manifest does."""
        found = pl.concat(self._findings).filter(pl.col("check") == PERSONAL_DATA)
        said = {self.sources[i].delivery: d for i, d in found.select(FILE, "source_dept").rows()}
        named = {i: delivery.manifest for i, delivery in enumerate(self.deliveries)}
        return {
            i: said.get(s.delivery) or (m.department if (m := named[s.delivery]) else "")
            for i, s in enumerate(self.sources)
            if s.delivery in self.refused
        }

    def _notes(self, number: int) -> tuple[str, ...]:
        own = (REFUSED,) if number in self.refused else ()
        return own + self.notes.get(number, ())

    def refused_files(self) -> list[int]:
        """Files of the deliveries with personal data."""
        return [i for i, s in enumerate(self.sources) if s.delivery in self.refused]

    def _count(self, name: str, rows: pl.DataFrame, outcome: str) -> None:
        if rows.height == 0:
            return
        region = pl.col("region_code") if "region_code" in rows.columns else pl.lit(None)
        month = legal_day(pl.col("event_at")).dt.truncate("1mo")
        counted = rows.group_by(
            pl.col(FILE), "source_dept", region.cast(pl.String).alias("region_code"),
            month.alias("month"),
        ).agg(n=pl.len())  # fmt: skip
        named = counted.with_columns(record_type=pl.lit(name), outcome=pl.lit(outcome))
        self._counts.append(named.select(pl.col(n).cast(d) for n, d in _COUNTED.items()))

    def _tally(self) -> dict[int, dict[str, int]]:
        found: dict[int, dict[str, int]] = {}
        for row in self.counted().group_by(FILE, "outcome").agg(pl.col("n").sum()).rows():
            found.setdefault(row[0], {})[row[1]] = row[2]
        return found

    def _sent(self, findings: pl.DataFrame) -> pl.DataFrame:
        """Rejected rows with what was sent, so that nothing is lost; not of a refused batch."""
        files = self.refused_files()
        own = rejected_findings(findings).filter(~pl.col(FILE).is_in(files))
        rows = own.group_by(FILE, ROW, "record_type", maintain_order=True).agg(
            reasons=pl.format("{} {}", "check", "message_en").str.join("; ")
        )
        sent = [self._content(i, rows.filter(pl.col(FILE) == i)[ROW]) for i in rows[FILE].unique()]
        content = pl.concat(sent) if sent else pl.DataFrame(schema=_CONTENT)
        return rows.join(content, on=[FILE, ROW], how="left", maintain_order="left")

    def _content(self, number: int, wanted: pl.Series) -> pl.DataFrame:
        """Source rows of one file as they came."""
        source, done = self.sources[number], 0
        rows = wanted.unique().sort()
        found = [pl.DataFrame(schema=_CONTENT)]
        for frame in read_frames(source.file, source.mapping):
            here = rows.filter((rows > done) & (rows <= done + frame.height))
            chosen = frame[here - done - 1].select(content=pl.struct(pl.all()).struct.json_encode())
            own = pl.lit(number, dtype=pl.Int32).alias(FILE)
            found.append(chosen.select(own, here.alias(ROW), "content"))
            done += frame.height
        return pl.concat(found)

    def _batch_ids(self) -> dict[int, str]:
        return {i: self.deliveries[s.delivery].batch_id for i, s in enumerate(self.sources)}

    def _named(self, frame: pl.DataFrame, name: str) -> pl.DataFrame:
        """With batch and file by name, in the columns of a platform table."""
        files = {i: s.file.name for i, s in enumerate(self.sources)}
        number = pl.col(FILE)
        told = frame.with_columns(
            batch_id=number.replace_strict(self._batch_ids(), return_dtype=pl.String),
            file=number.replace_strict(files, return_dtype=pl.String),
        )
        if ROW in told.columns:
            told = told.rename({ROW: "row"})
        return told.select(pl.col(n).cast(d) for n, d in PLATFORM_SCHEMAS[name].items())


def _table_report(
    source: Source, offered: tuple[int, int, int], tally: dict[str, int], reasons: tuple[str, ...]
) -> TableReport:
    rows, shaped, _ = offered
    return TableReport(
        file=source.file.name,
        record_type=source.part.name,
        offered=rows,
        left_out=rows - shaped,
        accepted=tally.get("accepted", 0),
        quarantined=tally.get("quarantined", 0),
        rejected=tally.get("rejected", 0),
        duplicate=tally.get("duplicate", 0),
        warned=tally.get("warned", 0),
        reasons=reasons,
    )
