"""Is a group treated worse? False alarms and missed problems by sector, size, age and district.

The strata come from the register and serve the report only; none is an input by being here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
import polars as pl
from fairlearn.metrics import MetricFrame, count, false_negative_rate, false_positive_rate
from numpy.typing import NDArray

from xinheng.models.calibration import Floats
from xinheng.records.lake import Lake
from xinheng.records.versions import standing
from xinheng.training.judging.contract import rate

FALSE_ALARM_LIMIT = 1.5
"""Times the average (domain README, section 13)."""
LEAST_CASES = 50
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Group:
    """One group of one kind, e.g. district 640302."""

    kind: str
    name: str
    cases: int
    flagged: float | None
    """Share of the cases that are flagged."""
    false_alarms: float | None
    """Share of the cases without a problem that are flagged; None: there is no such case."""
    missed: float | None
    """Share of the problems that are not flagged; None: there is no problem."""
    times_average: float | None
    """False alarms against the average of all."""
    is_over: bool
    """More than 1.5 times the average, and not by chance (95 % Wilson)."""
    is_small: bool = False
    """Fewer cases than `LEAST_CASES`: too few to tell anything."""


def strata(lake: Lake, rows: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """`sector`, `size`, `age` and `district` of each row, as last registered by `as_of`."""
    register = standing(lake.rows("entity"), as_of).select(
        "uscc", "industry_code", "registered_capital_fen", "established_on",
        "registered_region_code",
    )  # fmt: skip
    known = register.collect().unique("uscc", keep="last", maintain_order=True)
    joined = rows.select("uscc", "as_of").join(known, on="uscc", how="left", maintain_order="left")
    years = (pl.col("as_of").dt.date() - pl.col("established_on")).dt.total_days() / 365.25
    return joined.select(
        sector=pl.col("industry_code").str.head(1),
        size=_band(pl.col("registered_capital_fen") / 1e8, (1, 10), "million yuan"),
        age=_band(years, (1, 3, 10), "years"),
        district=pl.col("registered_region_code"),
    ).with_columns(pl.all().fill_null(UNKNOWN))


def _band(value: pl.Expr, edges: tuple[float, ...], unit: str) -> pl.Expr:
    """A band of a number: `under 1 years`, `1 to 3 years`, `10 years and more`."""
    names = [f"under {edges[0]} {unit}"]
    names += [f"{low} to {high} {unit}" for low, high in pairwise(edges)]
    names += [f"{edges[-1]} {unit} and more"]
    reached = pl.sum_horizontal((value >= edge).cast(pl.Int64) for edge in edges)
    return pl.when(value.is_not_null()).then(reached.replace_strict(dict(enumerate(names))))


def group_report(label: Floats, flagged: NDArray[np.bool_], groups: pl.DataFrame) -> list[Group]:
    """Every group of every kind; what cannot be told of one is None, never 0."""
    found: list[Group] = []
    metrics = {
        "cases": count,
        "false_alarms": false_positive_rate,
        "missed": false_negative_rate,
        "flagged": lambda _, told: float(np.mean(told)),
    }
    for kind in groups.columns:
        frame = MetricFrame(
            metrics=metrics, y_true=label, y_pred=flagged.astype(np.float64),
            sensitive_features=groups[kind].to_numpy(),
        )  # fmt: skip
        average = float(frame.overall["false_alarms"])
        for name, row in frame.by_group.iterrows():
            inside = (groups[kind] == str(name)).to_numpy()
            found.append(
                _group(kind, str(name), row.to_dict(), average, label[inside], flagged[inside])
                if row["cases"] >= LEAST_CASES
                else _too_small(kind, str(name), int(row["cases"]))
            )
    return found


def _too_small(kind: str, name: str, cases: int) -> Group:
    return Group(kind, name, cases, None, None, None, None, is_over=False, is_small=True)


def _group(
    kind: str,
    name: str,
    told: dict[str, float],
    average: float,
    label: Floats,
    flagged: NDArray[np.bool_],
) -> Group:
    innocent = flagged[label == 0]
    false_alarms = float(told["false_alarms"]) if innocent.size else None
    times = false_alarms / average if average and false_alarms is not None else None
    certain = bool(innocent.size) and rate(innocent.size, int(innocent.sum())).low > average
    return Group(
        kind=kind,
        name=name,
        cases=int(told["cases"]),
        flagged=float(told["flagged"]),
        false_alarms=false_alarms,
        missed=float(told["missed"]) if (label != 0).any() else None,
        times_average=times,
        is_over=times is not None and times > FALSE_ALARM_LIMIT and certain,
    )
