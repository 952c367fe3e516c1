"""The numbers of one enterprise with the records that made them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from xinheng.features.catalogue import feature_columns
from xinheng.features.coverage import Coverage
from xinheng.features.engine.compute import answer
from xinheng.features.explain.evidence import Grounds, records_behind
from xinheng.features.indicator import Indicator
from xinheng.features.others.others import Others
from xinheng.features.source import Source


@dataclass(frozen=True, slots=True)
class Record:
    """A record behind a number; `uscc` is whose it is, for relations a neighbour's."""

    record_id: str
    uscc: str
    event_at: datetime
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Explained:
    """One value, its window and its records, newest first."""

    column: str
    name_zh: str
    name_en: str
    value: float | None
    unit: str
    window_days: int
    not_delivered: tuple[str, ...]
    """Tables that are not covered for the window: why a value is not known."""
    records: tuple[Record, ...]

    def line(self, language: str) -> str:
        """The value as a line of text."""
        value = "not known" if self.value is None else f"{self.value:g}"
        name = self.name_zh if language == "zh" else self.name_en
        gaps = f"\tnot delivered: {', '.join(self.not_delivered)}" if self.not_delivered else ""
        return f"{self.column}\t{value}\t{self.unit}\t{name}{gaps}"


def explained(
    indicators: Sequence[Indicator],
    uscc: str,
    as_of: datetime,
    source: Source,
    *,
    others: Others | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[Explained]:
    """Values of an enterprise as known at `as_of`, each with its window and its records.

    A value that is not known quotes no record.
    """
    columns = feature_columns(indicators)
    if others is None:
        others = Others.of(source, columns, as_of, on_step=on_step)
    question = pl.DataFrame({"uscc": [uscc], "as_of": [as_of]})
    told = answer(indicators, question, source, others=others)
    values, grounds = told.values.row(0, named=True), Grounds.of(told, others)
    coverage, region = Coverage(source), told.parts[0][1].run.facts()["region"][0]
    return [
        Explained(
            column=column.name,
            name_zh=column.indicator.name_zh,
            name_en=column.indicator.name_en,
            value=values[column.name],
            unit=column.indicator.unit,
            window_days=column.window_days,
            not_delivered=coverage.lacking(column.sources, column.window_days, as_of, region),
            records=tuple(
                Record(row["record_id"], row["uscc"], row["event_at"], row["known_at"])
                for row in records_behind(column, grounds, [0]).iter_rows(named=True)
                if values[column.name] is not None
            ),
        )
        for column in columns
    ]
