"""Legal days as moments: they begin and end at midnight in Asia/Shanghai."""

from __future__ import annotations

import polars as pl

from xinheng.domain import ZONE
from xinheng.records.tables import MOMENT


def first_moment(day: pl.Expr) -> pl.Expr:
    """The first moment of a legal day, in UTC."""
    local = day.cast(pl.Datetime("us")).dt.replace_time_zone(
        str(ZONE), ambiguous="earliest", non_existent="null"
    )
    return local.dt.convert_time_zone("UTC").cast(MOMENT)


def legal_day(moment: pl.Expr) -> pl.Expr:
    """The legal day on which a moment falls."""
    return moment.dt.convert_time_zone(str(ZONE)).dt.date()
