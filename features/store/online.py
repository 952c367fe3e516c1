"""The latest vector of each enterprise in the operational database, for serving."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from sqlalchemy import Column, Engine, Integer, LargeBinary, String, Table, delete, insert, select

from xinheng.database import METADATA, open_database
from xinheng.errors import NotFound, NotReady
from xinheng.features.catalogue import feature_columns, version_of
from xinheng.features.engine.compute import compute
from xinheng.features.indicator import Indicator
from xinheng.features.others.others import Others
from xinheng.features.population import population
from xinheng.records.lake import Lake

BATCH = 500
"""Enterprises written at a time; also bounds the variables of one SQL statement."""
CHUNK = 20_000
"""Enterprises computed at a time."""

VECTOR = Table(
    "feature_vector",
    METADATA,
    Column("uscc", String(18), primary_key=True),
    Column("as_of", String(40), nullable=False),
    Column("catalogue", String(12), nullable=False),
    Column("lake_batch", Integer, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("vector", LargeBinary, nullable=False),
)
"""`vector`: the catalogue's columns as 64-bit floats, little-endian; NaN: not known."""


@dataclass(frozen=True, slots=True)
class Vector:
    """What was known of one enterprise when it was last looked at."""

    uscc: str
    as_of: datetime
    catalogue: str
    lake_batch: int
    made_at: datetime
    values: Mapping[str, float | None]


class OnlineStore:
    """The latest vectors; a refresh replaces those of its enterprises, all at once."""

    def __init__(self, engine: Engine, indicators: Sequence[Indicator]) -> None:
        self.engine = engine
        self.indicators = tuple(indicators)
        self.names = [column.name for column in feature_columns(self.indicators)]
        self.catalogue = version_of(self.indicators)

    @classmethod
    def at(cls, url: str, indicators: Sequence[Indicator]) -> OnlineStore:
        return cls(open_database(url), indicators)

    def close(self) -> None:
        self.engine.dispose()

    def refresh(
        self,
        lake: Lake,
        as_of: datetime,
        *,
        at: datetime,
        usccs: Sequence[str] | None = None,
        others: Others | None = None,
        on_step: Callable[[str], None] = lambda _: None,
    ) -> int:
        """Compute the vectors of everyone on the register, or of some; how many there are.

        Of some enterprises only their buckets are read. One that is no longer registered loses
        its vector.
        """
        asked = population(lake, as_of, usccs).select("uscc", "as_of")
        if others is None:
            columns = feature_columns(self.indicators)
            others = Others.of(lake, columns, as_of, on_step=on_step)
        values = compute(self.indicators, asked, lake, others=others, on_step=on_step)
        gone = sorted({*(usccs or self._known())} - {*asked["uscc"]})
        with self.engine.begin() as connection:
            for some in _batches([*gone, *values["uscc"]]):
                connection.execute(delete(VECTOR).where(VECTOR.c.uscc.in_(some)))
            for rows in values.iter_slices(BATCH):
                connection.execute(insert(VECTOR), self._stored(rows, lake, at))
        return values.height

    def vector(self, uscc: str) -> Vector:
        """The latest vector of an enterprise.

        Raises
        ------
        NotFound
            If there is none.
        NotReady
            If it was made by another version of the catalogue.
        """
        with self.engine.connect() as connection:
            row = connection.execute(select(VECTOR).where(VECTOR.c.uscc == uscc)).one_or_none()
        if row is None:
            raise NotFound(
                f"there is no feature vector of {uscc}", hint="xinheng features refresh makes it"
            )
        if row.catalogue != self.catalogue:
            raise NotReady(
                f"the vector of {uscc} is of catalogue {row.catalogue}, this is {self.catalogue}",
                hint="run xinheng features refresh",
            )
        numbers = np.frombuffer(row.vector, dtype="<f8")
        told = {
            name: None if np.isnan(number) else float(number)
            for name, number in zip(self.names, numbers, strict=True)
        }
        moments = (datetime.fromisoformat(text) for text in (row.as_of, row.made_at))
        as_of, made_at = moments
        return Vector(uscc, as_of, row.catalogue, row.lake_batch, made_at, told)

    def count(self) -> int:
        """How many enterprises have a vector."""
        return len(self._known())

    def _known(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.execute(select(VECTOR.c.uscc)).scalars())

    def _stored(self, rows: pl.DataFrame, lake: Lake, at: datetime) -> list[dict[str, object]]:
        numbers = rows.select(pl.col(self.names).fill_null(float("nan"))).to_numpy()
        return [
            {
                "uscc": uscc,
                "as_of": as_of.isoformat(),
                "catalogue": self.catalogue,
                "lake_batch": lake.snapshot.number,
                "made_at": at.isoformat(),
                "vector": vector.astype("<f8").tobytes(),
            }
            for (uscc, as_of), vector in zip(
                rows.select("uscc", "as_of").iter_rows(), numbers, strict=True
            )
        ]


def _batches(usccs: list[str]) -> list[list[str]]:
    return [usccs[first : first + BATCH] for first in range(0, len(usccs), BATCH)]
