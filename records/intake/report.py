"""What became of the rows of one delivery: the books that must balance."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from xinheng.records.sources.origins import FILE, ROW

REASON_LIMIT = 5
"""Different reasons of rejection that a report quotes for one table."""


@dataclass(frozen=True, slots=True)
class TableReport:
    """What became of the rows that one file offered to one table."""

    file: str
    record_type: str
    offered: int
    left_out: int
    """By the mapping's row filter, or empty cells of an unpivoted file."""
    accepted: int
    quarantined: int
    rejected: int
    duplicate: int
    warned: int = 0
    """Of the accepted."""
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ended = self.left_out + self.accepted + self.quarantined + self.rejected + self.duplicate
        assert ended == self.offered, f"{self.offered} rows offered, {ended} accounted for"


@dataclass(frozen=True, slots=True)
class Report:
    """One ingest. A delivery that was taken before adds nothing and says so."""

    batch_id: str
    already_taken: bool
    tables: tuple[TableReport, ...]
    notes: tuple[str, ...] = ()
    """What is said of the batch as a whole: refused, incomplete."""


def commonest(findings: pl.DataFrame) -> dict[int, tuple[str, ...]]:
    """The first rejected row of each kind of reason, as `row 7: ...`, by `FILE`."""
    graver = (pl.col("severity") == "reject") & (pl.col("check") != "QC06")
    text = pl.col("check") + " " + pl.col("message_en")  # `pl.format` fails on some empty frames
    rejected = findings.filter(graver).with_columns(text=text)
    values = r"'[^']*'|[0-9a-f]{16}|\d"
    kinds = rejected.with_columns(kind=pl.col("text").str.replace_all(values, ""))
    grouped = (
        kinds.sort(FILE, ROW)
        .group_by(FILE, "kind", maintain_order=True)
        .agg(pl.len().alias("n"), pl.col(ROW).first(), pl.col("text").first())
        .sort("n", descending=True, maintain_order=True)
    )
    told: dict[int, tuple[str, ...]] = {}
    for row in grouped.iter_rows(named=True):
        more = f" (and {row['n'] - 1} alike)" if row["n"] > 1 else ""
        lines = told.get(row[FILE], ())
        if len(lines) < REASON_LIMIT:
            place = "" if row[ROW] is None else f"row {row[ROW]}: "
            told[row[FILE]] = (*lines, f"{place}{row['text']}{more}")
    return told
