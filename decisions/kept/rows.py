"""An assessment as rows of the database, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import polars as pl

from xinheng.database import as_text
from xinheng.decisions.assess import Assessment
from xinheng.decisions.causes.shares import ClassChange
from xinheng.decisions.measures import approval_check, measures_of

_TUPLES = (
    "reasons", "data_gaps", "hard_rules", "outcomes", "sectors", "obligations",
    "authority_duties", "repairs",
)  # fmt: skip


def as_told(one: Assessment) -> dict[str, Any]:
    """All that is told of an enterprise, with the measures that its class recommends."""
    return one.as_json() | {"measures": [asdict(each) for each in measures_of(one.risk_class)]}


ASSESSED: dict[str, pl.DataType] = {
    "uscc": pl.String(),
    "risk_class": pl.String(),
    "score": pl.Float64(),
    "name_zh": pl.String(),
    "answer": pl.String(),
    "as_of": pl.String(),
    "settled_class": pl.String(),
    "night_class": pl.String(),
    "model_version": pl.String(),
    "rules": pl.String(),
    "log_odds": pl.Float64(),
    "region_code": pl.String(),
    "approval": pl.String(),
}
"""What is kept of an assessment: what is told, and what is asked of it."""
_ANSWERED = ("uscc", "risk_class", "score", "name_zh", "answer")
_CURRENT = tuple(name for name in ASSESSED if name not in ("answer", "name_zh"))


def kept_row(one: Assessment) -> dict[str, Any]:
    """An assessment as `ASSESSED`; its night's class is that by the score alone."""
    rules = tuple(str(rule["id"]) for rule in one.hard_rules)
    approval = approval_check(one.uscc, one.risk_class, rules)
    return {
        "uscc": one.uscc,
        "risk_class": one.risk_class,
        "score": one.score,
        "name_zh": one.name_zh,
        "answer": json.dumps(as_told(one), ensure_ascii=False, separators=(",", ":")),
        "as_of": as_text(one.as_of),
        "settled_class": one.settled_class or one.model_class,
        "night_class": one.model_class,
        "model_version": one.model_version,
        "rules": json.dumps(rules),
        "log_odds": one.log_odds,
        "region_code": one.region_code,
        "approval": json.dumps(asdict(approval), separators=(",", ":")),
    }


def answer_row(run_id: int, place: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of one run, of one of `ASSESSED`."""
    return {"run_id": run_id, "place": place} | {name: row[name] for name in _ANSWERED}


def current_row(run_id: int, lake_batch: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of the newest assessment, of one of `ASSESSED`."""
    return {"run_id": run_id, "lake_batch": lake_batch} | {name: row[name] for name in _CURRENT}


def change_row(run_id: int, as_of: datetime, one: ClassChange) -> dict[str, Any]:
    told = asdict(one)
    written = {name: json.dumps(told[name]) for name in ("rules", "shares")}
    moments = {"as_of": as_text(as_of), "former_as_of": as_text(one.former_as_of)}
    return told | written | moments | {"run_id": run_id}


def assessment_of(told: dict[str, Any]) -> Assessment:
    """Back from what was told; what older versions did not tell is empty."""
    known = {one.name for one in fields(Assessment)}
    given = {name: value for name, value in told.items() if name in known}
    lists = {name: tuple(told.get(name, ())) for name in _TUPLES}
    return Assessment(**given | lists | {"as_of": datetime.fromisoformat(told["as_of"])})
