"""What the store tells of runs, changes and assessments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from xinheng.decisions.causes.shares import Share, share_of_json
from xinheng.decisions.kept.keeping import Kind


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One assessment of everyone."""

    run_id: int
    as_of: datetime
    model_version: str
    lake_batch: int
    assessed: int
    made_at: str
    report: Mapping[str, Any]
    """What the night says of itself; empty for runs before there were reports."""
    sources: Mapping[str, str]
    """By table when its newest record became known, of those known then."""

    @classmethod
    def of(cls, row: RowMapping) -> RunFacts:
        names = ("run_id", "model_version", "lake_batch", "assessed", "made_at")
        told = {name: row[name] for name in names}
        as_of = datetime.fromisoformat(row["as_of"])
        said = {name: json.loads(row[name]) for name in ("report", "sources")}
        return cls(**told, as_of=as_of, **said)


@dataclass(frozen=True, slots=True)
class KeptChange:
    """One change of a class, as kept."""

    change_id: int
    run_id: int
    uscc: str
    as_of: str
    former: str
    present: str
    cause: str
    rules: tuple[str, ...]
    former_as_of: str | None
    """None, as the scores: of changes from before this was kept."""
    former_score: float | None
    score: float | None
    shares: tuple[Share, ...]

    @classmethod
    def of(cls, row: RowMapping) -> KeptChange:
        told = {
            "rules": tuple(json.loads(row["rules"])),
            "shares": tuple(share_of_json(one) for one in json.loads(row["shares"])),
            "former_as_of": row["former_as_of"] or None,
        }
        return cls(**{**row, **told})


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of an enterprise, as it was written when the assessment was made."""

    body: bytes
    """A JSON object in UTF-8."""
    region_code: str
    run_id: int = 0
    sources: str = "{}"
    """JSON: when the newest record of each source became known, at that assessment."""


@dataclass(frozen=True, slots=True)
class Past:
    """One assessment of an enterprise's history."""

    run_id: int
    kind: Kind
    made_at: str
    lake_batch: int
    answer: Mapping[str, Any]
    change: KeptChange | None = None
    """Of the class, where this assessment changed it."""
