"""The records behind the values of one enterprise, as tests ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from xinheng.features.explain.evidence import Grounds, records_behind
from xinheng.features.indicator import FeatureColumn
from xinheng.features.source import Source


def evidence(
    columns: Sequence[FeatureColumn], uscc: str, as_of: datetime, source: Source
) -> dict[str, pl.DataFrame]:
    """By column name, newest first: `RECORDS` without `q`."""
    grounds = Grounds.read(columns, pl.DataFrame({"uscc": [uscc], "as_of": [as_of]}), source)
    return {one.name: records_behind(one, grounds, [0]).drop("q") for one in columns}
