"""Small tables of a lake as frames in memory, for who asks of few enterprises again and again.

Opening a table's files costs some milliseconds each time, however little is in them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

LARGEST = 4_000_000
"""Bytes of a table's files up to which it is held."""
Schema = Mapping[str, pl.DataType]


class Held:
    """The rows of small tables; files never change, so that a grown table is read on."""

    def __init__(self) -> None:
        self._tables: dict[str, tuple[frozenset[str], pl.DataFrame]] = {}

    def rows(self, name: str, sizes: Mapping[str, int], schema: Schema) -> pl.DataFrame | None:
        """All rows of a table; None: it is too large.

        Parameters
        ----------
        sizes
            Bytes of each of its files.
        schema
            Its columns; null where they are younger than a file.
        """
        if sum(sizes.values()) > LARGEST:
            self._tables.pop(name, None)
            return None
        paths = frozenset(sizes)
        before, frame = self._tables.get(name, (frozenset(), None))
        if frame is not None and before == paths:
            return frame
        if frame is not None and before < paths:
            frame = pl.concat([frame, _read(paths - before, schema)], rechunk=True)
        else:
            frame = _read(paths, schema)
        self._tables[name] = (paths, frame)
        return frame


def _read(paths: Collection[str], schema: Schema) -> pl.DataFrame:
    return pl.read_parquet(
        sorted(paths),
        columns=list(schema),
        schema=dict(schema),
        missing_columns="insert",
        glob=False,
    )
