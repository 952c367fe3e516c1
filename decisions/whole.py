"""The whole of what is told of an enterprise: general class, sector views and duties."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from xinheng.decisions.assess import Assessment, judged, riskiest_first
from xinheng.decisions.changes import Standing
from xinheng.decisions.duties import days_left, pending_of, repairs_of
from xinheng.decisions.gathered import Gathered, gathered, indicators_of
from xinheng.decisions.office import Office, sector_of
from xinheng.features.catalogue import feature_columns
from xinheng.features.others.others import Others
from xinheng.features.source import Source, buckets_of
from xinheng.models.artifact import RiskModel
from xinheng.models.score import score
from xinheng.records.duties.ledger import standing_duties
from xinheng.records.duties.spans import AUTHORITY
from xinheng.records.frames import is_in, where

LOOKED_AHEAD = timedelta(days=30)
"""The earliest look that deadline models are taught; what is due later has no chance yet."""
SECTOR_REASONS = 5


def assess_whole(  # noqa: PLR0913  (what it depends on)
    office: Office,
    source: Source,
    as_of: datetime,
    *,
    before: Mapping[str, Standing] | None = None,
    usccs: Sequence[str] | None = None,
    others: Others | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[Assessment]:
    """Assess everyone on the register or some, the riskiest first, by all live models.

    Parameters
    ----------
    before
        How each stood before, so that classes do not flap.
    others
        What is known of all others at that moment, where it has been read for all models.
    """
    as_of = as_of.astimezone(UTC)
    around = [
        others or Others.of(source, feature_columns(indicators_of(group)), as_of, on_step=on_step)
        for group in office.groups
    ]
    found: list[Assessment] = []
    for part in buckets_of(source, usccs):
        found += assess_part(
            office, part, as_of, around, before=before, usccs=usccs, on_step=on_step
        )
    return riskiest_first(found)


def assess_part(  # noqa: PLR0913  (what it depends on)
    office: Office,
    source: Source,
    as_of: datetime,
    around: Sequence[Others],
    *,
    before: Mapping[str, Standing] | None = None,
    usccs: Sequence[str] | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[Assessment]:
    """Assess those of whom a source has records; its tables are read once for all models.

    Parameters
    ----------
    around
        What is known of all others, for each group of models that agree.
    """
    told: dict[int, Gathered] = {}
    for group, others in zip(office.groups, around, strict=True):
        found = gathered(
            group, office.rules, source, as_of, usccs=usccs, others=others, on_step=on_step
        )
        told |= {id(model): found for model in group}
    general = told[id(office.general)]
    assessed = judged(office.general, general, office.classes, before=before, on_step=on_step)
    views = _views(office, told, on_step)
    standing = standing_duties(general.duty_spans, as_of.astimezone(UTC))
    firms, authorities = _duties(office, told, general, pending_of(source, standing))
    repairs = repairs_of(general.knowledge, standing, as_of)
    return [
        replace(
            one,
            sectors=tuple(views.get(one.uscc, ())),
            obligations=tuple(firms.get(one.uscc, ())),
            authority_duties=tuple(authorities.get(one.uscc, ())),
            repairs=tuple(repairs.get(one.uscc, ())),
        )
        for one in assessed
    ]


def _views(
    office: Office, told: Mapping[int, Gathered], on_step: Callable[[str], None]
) -> dict[str, list[dict[str, Any]]]:
    """By enterprise what each model of its sectors says."""
    found: dict[str, list[dict[str, Any]]] = {}
    for task, model in office.sector_models.items():
        on_step(f"sector view {task}")
        inside = told[id(model)].of_sector(sector_of(model))
        for one in judged(model, inside, office.classes):
            found.setdefault(one.uscc, []).append(_view(task, model, one))
    return found


def _view(task: str, model: RiskModel, one: Assessment) -> dict[str, Any]:
    kept = one.as_json()
    names = (
        "model_version", "risk_class", "model_class", "low_confidence", "score", "probability",
        "hard_rules", "outcomes",
    )  # fmt: skip
    reasons = kept["reasons"][:SECTOR_REASONS]
    return {"task": task, "sector": sector_of(model), **{n: kept[n] for n in names}} | {
        "reasons": reasons
    }


Duties = dict[str, list[dict[str, Any]]]


def _duties(
    office: Office, told: Mapping[int, Gathered], general: Gathered, pending: pl.DataFrame
) -> tuple[Duties, Duties]:
    """By enterprise its duties with the chance of missing each, and what authorities owe it."""
    chances = {
        kind: dict(score(model, told[id(model)].features).select("uscc", "probability").iter_rows())
        for kind, model in office.deadline_models.items()
    }
    known = frozenset(general.everyone["uscc"])
    firms: Duties = {}
    authorities: Duties = {}
    for row in where(pending, is_in(pending["uscc"], known)).iter_rows(named=True):
        model = office.deadline_models.get(row["kind"])
        chance = chances[row["kind"]].get(row["uscc"]) if model and _is_near(row, general) else None
        found = authorities if row["owed_by"] == AUTHORITY else firms
        found.setdefault(row["uscc"], []).append(_duty(row, general.as_of, chance, model))
    return firms, authorities


def _is_near(row: Mapping[str, Any], told: Gathered) -> bool:
    """Open, and due within the time that deadline models look ahead."""
    return bool(row["state"] == "open" and row["due_at"] <= told.as_of + LOOKED_AHEAD)


def _duty(
    row: Mapping[str, Any], as_of: datetime, chance: float | None, model: RiskModel | None
) -> dict[str, Any]:
    names = ("obligation_id", "kind", "state", "due_rule", "is_due_certain", "amount_fen")
    is_told = model is not None and chance is not None
    return {
        **{name: row[name] for name in names},
        "opened_on": row["opened_on"] and row["opened_on"].isoformat(),
        "due_at": row["due_at"] and row["due_at"].isoformat(),
        "days_left": row["due_at"] and days_left(row["due_at"], as_of),
        "probability": chance,
        "alert_at": model.alert_at if is_told and model else None,
        "model_version": model.version if is_told and model else "",
    }
