"""A dry run: deliveries through the real gate, beside the present lake, and nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import polars as pl

from xinheng.errors import NotReady
from xinheng.records.codes.deployment import CodeTables, codes_of
from xinheng.records.intake.deliveries import Delivery
from xinheng.records.intake.report import Report
from xinheng.records.intake.take import ingest_all
from xinheng.records.lake import FINDINGS, PLATFORM_SCHEMAS, Lake
from xinheng.records.manifest import Batch, Snapshot
from xinheng.records.privacy.seal import Seal

FIRST_ROWS = 3
"""Rows of each fault that are shown."""
_OUTCOMES = {"reject": "rejected", "quarantine": "quarantined", "warn": "taken with a warning"}
_ORDER = {severity: place for place, severity in enumerate(_OUTCOMES)}


@dataclass(frozen=True, slots=True)
class Checked:
    """What would become of deliveries, and why."""

    reports: Sequence[Report]
    findings: pl.DataFrame
    """As the lake would keep them."""


def check_deliveries(
    deliveries: Sequence[Delivery],
    lake: Path,
    *,
    at: datetime,
    on_step: Callable[[str], None] = lambda _: None,
) -> Checked:
    """Judge deliveries as `ingest_all` does; neither the lake nor anything else is changed.

    Parameters
    ----------
    lake
        The lake's folder; where there is none, the rows are judged beside an empty one.
    """
    with TemporaryDirectory(prefix="xinheng-check-") as scratch:
        dry = _DryLake.beside(lake, Path(scratch))
        reports = ingest_all(deliveries, dry, at=at, on_step=on_step)
        found = pl.concat([pl.DataFrame(schema=PLATFORM_SCHEMAS[FINDINGS]), *dry.findings])
        return Checked(reports, found)


class _DryLake(Lake):
    """A lake to read from; what is written to it is forgotten, but for the findings."""

    def __init__(self, root: Path, home: Path, staging: Path) -> None:
        super().__init__(root)
        self.staging = staging
        self.findings: list[pl.DataFrame] = []
        self._home = home

    @classmethod
    def beside(cls, lake: Path, scratch: Path) -> Self:
        """The lake of a folder, or an empty one where there is none."""
        staging = scratch / "staging"
        try:
            return cls(lake, lake.parent, staging)
        except NotReady:
            return cls(Lake.at(scratch / "lake").root, lake.parent, staging)

    @property
    def codes(self) -> CodeTables:
        return codes_of(self._home)

    def seal(self) -> Seal:
        return Seal.random()

    @contextmanager
    def writing(self) -> Iterator[None]:
        yield

    def append(self, name: str, frame: pl.DataFrame) -> int:
        if name == FINDINGS:
            self.findings.append(frame)
        return 0

    def publish(
        self,
        batches: Sequence[Batch],  # noqa: ARG002  (nothing becomes visible)
        versions: Mapping[str, int],  # noqa: ARG002
        *,
        at: datetime,  # noqa: ARG002
    ) -> Snapshot:
        return self.snapshot


def describe_faults(findings: pl.DataFrame) -> list[str]:
    """Each kind of fault with its first rows, the gravest and commonest first, both languages."""
    kind = pl.col("message_en").str.replace_all(r"'[^']*'|\d+", "")
    grouped = (
        findings.with_columns(kind=kind, order=pl.col("severity").replace_strict(_ORDER))
        .sort("row", nulls_last=True)
        .group_by("file", "record_type", "severity", "check", "kind", "order", maintain_order=True)
        .agg(pl.len().alias("n"), pl.col("row", "message_en", "message_zh").head(FIRST_ROWS))
        .sort("order", "n", descending=[False, True], maintain_order=True)
    )
    lines: list[str] = []
    place = ""
    for fault in grouped.iter_rows(named=True):
        former, (place, *messages) = place, [*_lines(fault)]
        lines += messages if place == former else [place, *messages]
    return lines


def _lines(fault: Mapping[str, Any]) -> Iterator[str]:
    rows = [f"{row:,}" for row in fault["row"] if row is not None]
    more = f" and {fault['n'] - len(rows):,} more" if fault["n"] > len(rows) > 0 else ""
    place = f"row {', '.join(rows)}{more}" if rows else "the file as a whole"
    yield f"{fault['file']}: {_OUTCOMES[fault['severity']]} by {fault['check']}, {place}"
    for message in dict.fromkeys(fault["message_en"]):
        yield f"  {message}"
    yield f"  {fault['message_zh'][0]}"
