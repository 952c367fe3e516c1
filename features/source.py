"""Where records come from, as the engine asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import polars as pl

from xinheng.records.asked import Asked


class Source(Protocol):
    """Where records come from: the lake, or the records of one request."""

    @property
    def buckets(self) -> int: ...

    def versions(self, name: str, asked: Asked) -> pl.DataFrame:
        """Versions of a table's records, at least the columns and rows that are asked for."""
        ...

    def rows(self, name: str, usccs: Sequence[str] | None = None) -> pl.LazyFrame:
        """All versions of a table's records: of all, or of some enterprises."""
        ...

    def covered_from(self, name: str) -> datetime | None: ...

    def coverage(self) -> pl.DataFrame | None:
        """Delivery notes as `xinheng.records.lake.NOTES`, if departments sent any."""
        ...
