"""What a night says of itself: counts, moves, what was known, how long it took."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from xinheng.decisions.alerts.run import RunReport, plain
from xinheng.decisions.office import Office
from xinheng.features.catalogue import feature_columns
from xinheng.records.lake import Lake


@dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """What a night did."""

    run_id: int
    as_of: datetime
    lake_batch: int
    models: Mapping[str, str]
    """By task the version."""
    assessed: int
    classes: Mapping[str, int]
    low_confidence: int
    hard_rules: Mapping[str, int]
    """By rule for how many it held."""
    duties: int
    """Open and overdue."""
    moves: Mapping[str, int]
    """Class changes as `B>C`."""
    causes: Mapping[str, int]
    sources: Mapping[str, str]
    """By table that was delivered when its newest record became known."""
    silent: Sequence[str]
    """Tables that the models read and nobody delivered."""
    parts: int
    gone_on_with: int
    """Parts that a run which was broken off had done."""
    seconds: Mapping[str, float]
    """By step."""
    alerts: RunReport | None
    no_alerts: str
    """Why none were looked for."""

    def as_json(self) -> dict[str, Any]:
        alerts = self.alerts and plain(self.alerts)
        told = {name: getattr(self, name) for name in self.__slots__}
        return told | {"as_of": self.as_of.isoformat(), "alerts": alerts}


def counted(parts: Sequence[Path]) -> dict[str, Any]:
    """What the parts of a night add up to."""
    names = ("risk_class", "low_confidence", "rules", "known_duties", "former", "cause")
    rows = pl.read_parquet(list(parts), columns=list(names), glob=False)
    changed = rows.filter(pl.col("former").is_not_null())
    moves = changed.select(pl.format("{}>{}", "former", "risk_class")).to_series()
    held = Counter(rule for rules in rows["rules"] for rule in json.loads(rules))
    return {
        "assessed": rows.height,
        "classes": _counts(rows["risk_class"]),
        "low_confidence": int(rows["low_confidence"].sum()),
        "hard_rules": dict(sorted(held.items())),
        "duties": int(rows["known_duties"].sum()),
        "moves": _counts(moves),
        "causes": _counts(changed["cause"]),
    }


def silent(office: Office, lake: Lake, as_of: datetime) -> tuple[str, ...]:
    """Tables that the models read and nobody had delivered by then."""
    columns = feature_columns(office.indicators)
    read = dict.fromkeys(table for column in columns for table in column.sources)
    since = {name: lake.covered_from(name) for name in read}
    return tuple(name for name, first in since.items() if first is None or first > as_of)


def _counts(told: pl.Series) -> dict[str, int]:
    return dict(sorted(Counter(told.to_list()).items()))
