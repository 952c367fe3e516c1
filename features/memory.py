"""Records held in memory, asked like the lake: those of one request, or of a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

import polars as pl

from xinheng.records.asked import Asked
from xinheng.records.lake import stored_schema
from xinheng.records.tables import tables


class Memory:
    """A source over frames by table name; columns that a frame lacks are null.

    A table is covered from its first record, or from `covered` where that is given.
    """

    buckets = 1

    def __init__(
        self,
        frames: Mapping[str, pl.DataFrame],
        *,
        covered: Mapping[str, datetime] | None = None,
        notes: pl.DataFrame | None = None,
    ) -> None:
        self._frames = {name: _completed(name, frames.get(name)) for name in tables()}
        self._codes = {name: {*frame["uscc"].unique()} for name, frame in self._frames.items()}
        self._covered = dict(covered or {})
        self._notes = notes

    def rows(self, name: str, usccs: Sequence[str] | None = None) -> pl.LazyFrame:
        frame = self._frames[name]
        if usccs is None or self._codes[name] <= {*usccs}:
            return frame.lazy()
        return frame.lazy().filter(pl.col("uscc").is_in(list(usccs)))

    def versions(self, name: str, asked: Asked) -> pl.DataFrame:
        if asked.usccs is None or self._codes[name] <= {*asked.usccs}:
            return self._frames[name]
        return self._frames[name].filter(pl.col("uscc").is_in(list(asked.usccs)))

    def covered_from(self, name: str) -> datetime | None:
        if name in self._covered:
            return self._covered[name]
        first = self._frames[name]["known_at"].min()
        return first if isinstance(first, datetime) else None

    def coverage(self) -> pl.DataFrame | None:
        return self._notes


@cache
def _empty(name: str) -> pl.DataFrame:
    return pl.DataFrame(schema=stored_schema(name))


def _completed(name: str, frame: pl.DataFrame | None) -> pl.DataFrame:
    if frame is None or frame.height == 0:
        return _empty(name)
    schema = stored_schema(name)
    if frame.schema == schema:
        return frame
    return frame.select(
        (pl.col(c) if c in frame.columns else pl.lit(None)).cast(dtype).alias(c)
        for c, dtype in schema.items()
    )
