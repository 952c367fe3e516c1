"""An assessment as rows of the database, and back."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from xinheng.database import as_text
from xinheng.decisions.assess import Assessment
from xinheng.decisions.changes import ClassChange
from xinheng.decisions.measures import approval_check, measures_of

_TUPLES = ("reasons", "data_gaps", "hard_rules", "outcomes", "sectors", "obligations")


def as_told(one: Assessment) -> dict[str, Any]:
    """All that is told of an enterprise, with the measures that its class recommends."""
    return one.as_json() | {"measures": [asdict(each) for each in measures_of(one.risk_class)]}


def answer_row(run_id: int, place: int, one: Assessment) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "uscc": one.uscc,
        "place": place,
        "risk_class": one.risk_class,
        "score": one.score,
        "name_zh": one.name_zh,
        "answer": json.dumps(as_told(one), ensure_ascii=False, separators=(",", ":")),
    }


def current_row(
    run_id: int, lake_batch: int, one: Assessment, night_class: str | None = None
) -> dict[str, Any]:
    """The row of the newest assessment.

    Parameters
    ----------
    night_class
        By the score alone at the last run of everyone; by default this is one.
    """
    rules = tuple(str(rule["id"]) for rule in one.hard_rules)
    approval = approval_check(one.uscc, one.risk_class, rules)
    return {
        "uscc": one.uscc,
        "run_id": run_id,
        "lake_batch": lake_batch,
        "as_of": as_text(one.as_of),
        "risk_class": one.risk_class,
        "settled_class": one.settled_class or one.model_class,
        "night_class": night_class or one.model_class,
        "model_version": one.model_version,
        "rules": json.dumps(rules),
        "log_odds": one.log_odds,
        "region_code": one.region_code,
        "approval": json.dumps(asdict(approval), separators=(",", ":")),
    }


def change_row(run_id: int, as_of: datetime, one: ClassChange) -> dict[str, Any]:
    told = asdict(one) | {"rules": json.dumps(one.rules)}
    return told | {"run_id": run_id, "as_of": as_text(as_of)}


def assessment_of(told: dict[str, Any]) -> Assessment:
    """Back from what was told; what older versions did not tell is empty."""
    known = {one.name for one in fields(Assessment)}
    given = {name: value for name, value in told.items() if name in known}
    lists = {name: tuple(told.get(name, ())) for name in _TUPLES}
    return Assessment(**given | lists | {"as_of": datetime.fromisoformat(told["as_of"])})
