"""Records held in memory, asked like the lake: those of one request, or of a test."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import polars as pl

from xinheng.records.lake import stored_schema


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
        self._frames = {name: _completed(name, frame) for name, frame in frames.items()}
        self._covered = dict(covered or {})
        self._notes = notes

    def rows(
        self,
        name: str,
        usccs: Sequence[str] | None = None,
        *,
        buckets: Collection[int] | None = None,  # noqa: ARG002  (all is in one)
    ) -> pl.LazyFrame:
        if name not in self._frames:
            return pl.LazyFrame(schema=stored_schema(name))
        frame = self._frames[name].lazy()
        return frame if usccs is None else frame.filter(pl.col("uscc").is_in(list(usccs)))

    def covered_from(self, name: str) -> datetime | None:
        if name in self._covered or name not in self._frames:
            return self._covered.get(name)
        first = self._frames[name]["known_at"].min()
        return first if isinstance(first, datetime) else None

    def coverage(self) -> pl.DataFrame | None:
        return self._notes


def _completed(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    schema = stored_schema(name)
    return frame.select(
        (pl.col(c) if c in frame.columns else pl.lit(None)).cast(dtype).alias(c)
        for c, dtype in schema.items()
    )
