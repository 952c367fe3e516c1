"""The second label: what became of firms that nobody visited (domain README, section 8).

Checks go where risk is expected, so labels do too. Firms without a visit are judged by what other
authorities found: a new ordinary-procedure penalty, an abnormal listing other than for the annual
report, or a serious listing within the year.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from xinheng.features.population import sector_population
from xinheng.records.in_force.rules import is_valid, rule_columns
from xinheng.records.lake import Lake
from xinheng.records.versions import standing

HORIZON = timedelta(days=365)
FOUND: Mapping[str, str] = {
    "penalty": "procedure = 'ordinary'",
    "abnormal_list": "reason <> 'annual_report'",
    "serious_list": "true",
}
"""What counts as a problem, by table."""


def unvisited(lake: Lake, until: datetime, *, sector: str = "") -> pl.DataFrame:
    """Firms on the register a year before `until` that were not visited up to `until`.

    `uscc`, `as_of` (a year before `until`) and `label`: 1 if something was found in that year.
    """
    as_of = until - HORIZON
    everyone = sector_population(lake, as_of, sector)
    visited = standing(lake.rows("inspection"), until).select("uscc").unique().collect()
    asked = everyone.select("uscc", "as_of").join(visited, on="uscc", how="anti")
    found = pl.concat([_found(lake, table, as_of, until) for table in FOUND]).unique()
    labelled = asked.join(found, on="uscc", how="left", maintain_order="left")
    return labelled.with_columns(pl.col("label").fill_null(0.0))


def _found(lake: Lake, table: str, as_of: datetime, until: datetime) -> pl.DataFrame:
    """Enterprises with an event of a table in the year, as known at its end; not annulled."""
    rows = standing(lake.rows(table), until).filter(
        pl.col("event_at") > as_of, pl.col("event_at") <= until, pl.sql_expr(FOUND[table])
    )
    found = rows.select("uscc", *rule_columns(table)).collect()
    usccs = found.filter(is_valid(table, found)).select("uscc").unique()
    return usccs.with_columns(label=pl.lit(1.0))
