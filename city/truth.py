"""What the product never reads: how firms really are, and the chances behind what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from xinheng.city.draws import Floats, Ints
from xinheng.city.firms import SECTORS, Firms


@dataclass(slots=True)
class Truth:
    """Collected while the city lives, written at its end to `truth/`."""

    firms: Firms
    _latent: list[pl.DataFrame] = field(default_factory=list)
    _chances: dict[str, list[pl.DataFrame]] = field(default_factory=dict)

    def remember(self, day: int, states: Mapping[str, Floats], alive: Ints) -> None:
        """Hidden states of the living on the first day of a month, to two decimals."""
        columns = {
            name: pl.Series(np.round(100 * values[alive]).astype(np.int16))
            for name, values in states.items()
        }
        month = pl.Series([day]).cast(pl.Int32).cast(pl.Date).new_from_index(0, alive.size)
        self._latent.append(
            pl.DataFrame({"firm": pl.Series(alive.astype(np.int32)), "month": month, **columns})
        )

    def chance(self, task: str, who: Ints, columns: Mapping[str, pl.Series | Floats]) -> None:
        """True chances of an outcome that was then drawn, beside what happened."""
        if who.size:
            frame = pl.DataFrame({"uscc": self.firms.uscc.gather(who), **columns})
            self._chances.setdefault(task, []).append(frame)

    def write(self, folder: Path, dirt: Mapping[tuple[str, str], int]) -> None:
        """`firms`, `latent`, one table a task, and the slips that were made."""
        folder.mkdir(parents=True, exist_ok=True)
        firms = self.firms
        pl.DataFrame(
            {
                "firm": pl.Series(range(len(firms)), dtype=pl.Int32),
                "uscc": firms.uscc,
                "sector": pl.Series(list(SECTORS)).gather(firms.sector),
                "founded": pl.Series(firms.founded.astype(np.int32)).cast(pl.Date),
                "controller": firms.controller,
                "address": firms.address,
                "compliance_mean": firms.compliance_mean,
                "distress_mean": firms.distress_mean,
                "diligence_mean": firms.diligence_mean,
            }
        ).write_parquet(folder / "firms.parquet", statistics=False)
        if self._latent:
            pl.concat(self._latent).write_parquet(folder / "latent.parquet", statistics=False)
        for task, frames in self._chances.items():
            pl.concat(frames).write_parquet(folder / f"{task}.parquet", statistics=False)
        slips = [(table, kind, count) for (table, kind), count in sorted(dirt.items())]
        pl.DataFrame(slips, schema=["table", "kind", "slips"], orient="row").write_csv(
            folder / "dirt.csv"
        )
