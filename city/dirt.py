"""What goes wrong on the way: duplicates, wrong codes and names, slips of unit, missing months.

Each slip is counted, so that the truth says how dirty the deliveries are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from xinheng.city.draws import generator

_UNITS = {"penalty": "fine_amount_yuan", "annual_report": "revenue_yuan"}
_WORDS = {
    "inspection": "result", "complaint": "channel", "penalty": "severity", "tax_record": "kind",
}  # fmt: skip
_BLANKS = {"inspection": "matter_code", "penalty": "illegal_act_code", "licence": "licence_no"}


@dataclass(slots=True)
class Dirt:
    """Slips drawn by seed, department and half-month."""

    seed: int
    rates: Mapping[str, float]
    """Of each slip, of `assumptions.toml`."""
    clean: bool = False
    made: dict[tuple[str, str], int] = field(default_factory=dict)
    """Number of slips by table and kind."""

    def misses(self, department: str, half: int) -> bool:
        """Whether a department fails to deliver a half-month; it sends it with the next."""
        if self.clean:
            return False
        missed = generator(self.seed, f"miss {department}", half).random() < self.rates["missed"]
        if missed:
            self._count("*", "missed", 1)
        return bool(missed)

    def told(self, rows: int, department: str, half: int) -> int:
        """Rows that the manifest promises."""
        rng = generator(self.seed, f"count {department}", half)
        if self.clean or rng.random() >= self.rates["miscounted"]:
            return rows
        self._count("*", "miscounted", 1)
        return rows + int(rng.integers(1, 30))

    def soil(
        self, rows: pl.DataFrame, table: str, department: str, half: int
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Rows as they are sent, and rows that are sent again with the next delivery."""
        if self.clean or table == "entity":
            return rows, rows.clear()
        rng = generator(self.seed, f"soil {department} {table}", half)
        drawn = (
            rng.random((rows.height, 3))
            if rows.height < 100_000
            else rng.random((rows.height, 3), dtype=np.float32)
        )
        again = rows.filter(pl.Series(drawn[:, 0] < self.rates["duplicate"]))
        self._count(table, "duplicate", again.height)
        wrong_code = pl.Series(drawn[:, 1] < self.rates["wrong_code"])
        wrong_name = pl.Series(drawn[:, 1] > 1 - self.rates["wrong_name"])
        again = pl.concat([again, rows.filter(wrong_code | wrong_name)])
        soiled = rows.with_columns(
            uscc=pl.when(wrong_code).then(_mistyped()).otherwise("uscc"),
            entity_name=pl.when(wrong_name)
            .then(pl.lit("示例市误登有限公司"))
            .otherwise("entity_name"),
        )
        self._count(table, "wrong_code", int(wrong_code.sum()))
        self._count(table, "wrong_name", int(wrong_name.sum()))
        return self._slipped(soiled, table, pl.Series(drawn[:, 2])), again

    def _slipped(self, rows: pl.DataFrame, table: str, drawn: pl.Series) -> pl.DataFrame:
        """Blank key fields, words outside the dictionary, 元 taken for 万元."""
        if table in _BLANKS:
            hit = drawn < self.rates["blank"]
            column = _BLANKS[table]
            rows = rows.with_columns(pl.when(~hit).then(pl.col(column)).alias(column))
            self._count(table, "blank", int(hit.sum()))
        if table in _WORDS:
            hit = (drawn > 0.5) & (drawn < 0.5 + self.rates["unknown_word"])
            column = _WORDS[table]
            rows = rows.with_columns(
                pl.when(hit).then(pl.lit("其它情形")).otherwise(column).alias(column)
            )
            self._count(table, "unknown_word", int(hit.sum()))
        if table in _UNITS:
            hit = drawn > 1 - self.rates["unit_slip"]
            column = _UNITS[table]
            value = pl.col(column)
            rows = rows.with_columns(pl.when(hit).then((value / 10_000).round(2)).otherwise(value))
            self._count(table, "unit_slip", int(hit.sum()))
        return rows

    def _count(self, table: str, kind: str, number: int) -> None:
        if number:
            self.made[table, kind] = self.made.get((table, kind), 0) + number


def _mistyped() -> pl.Expr:
    """The code with its last two characters exchanged, or the last one repeated."""
    last, before = pl.col("uscc").str.slice(17, 1), pl.col("uscc").str.slice(16, 1)
    same = last == before
    return pl.concat_str(
        pl.col("uscc").str.slice(0, 16),
        pl.when(same).then(pl.lit("Y")).otherwise(last),
        pl.when(same).then(pl.lit("T")).otherwise(before),
    )
