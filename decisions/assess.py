"""An assessment: score, class and reasons with their records, for any enterprises at a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any

import polars as pl

from xinheng.config import ClassSettings, Scheme
from xinheng.decisions.changes import Standing
from xinheng.decisions.classes import known_share, with_classes
from xinheng.decisions.gathered import Gathered, gathered
from xinheng.decisions.hard_rules import Fired, HardRule, lifted, load_rules
from xinheng.features.catalogue import feature_columns
from xinheng.features.engine.parts import FEW
from xinheng.features.knowledge import Knowledge
from xinheng.features.others.others import Others
from xinheng.features.population import TOLD
from xinheng.features.source import Source, buckets_of
from xinheng.models.artifact import RiskModel
from xinheng.models.reasons.reason import Explanation, explain
from xinheng.models.score import score

REASONS_KEPT = 10
OUTCOMES = pl.List(pl.String())
CHUNK = 5_000
"""Enterprises explained at a time, to bound memory."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is told about one enterprise."""

    uscc: str
    name_zh: str
    as_of: datetime
    model_version: str
    risk_class: str
    model_class: str
    low_confidence: bool
    score: float
    probability: float
    log_odds: float
    base_value: float
    other_contributions: float
    """Log-odds of the reasons beyond the listed ones."""
    reasons: tuple[dict[str, Any], ...]
    last_inspection: str | None
    data_gaps: tuple[str, ...]
    """Record tables that no department delivered by then."""
    hard_rules: tuple[dict[str, Any], ...] = ()
    """Rules that hold, with basis, records and how they end."""
    settled_class: str = ""
    """By the score once flapping is taken out, before the rules for thin data and hard rules."""
    outcomes: tuple[str, ...] = ()
    """Grades of a visit's outcome that cannot be ruled out at the model's coverage."""
    region_code: str = ""
    """GB/T 2260 code of the registered address."""
    sectors: tuple[dict[str, Any], ...] = ()
    """What the models of its sectors say, where they are live."""
    obligations: tuple[dict[str, Any], ...] = ()
    """Open and overdue duties, the next due first, with the chance of missing the deadline."""
    authority_duties: tuple[dict[str, Any], ...] = ()
    """What authorities owe the enterprise, the next due first; never held against it."""
    repairs: tuple[dict[str, Any], ...] = ()
    """From which day on the repair of each record may be asked for, and what must come first."""

    def as_json(self) -> dict[str, Any]:
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return told | {"as_of": self.as_of.isoformat()}


def assess(  # noqa: PLR0913  (what one assessment depends on)
    model: RiskModel,
    source: Source,
    as_of: datetime,
    classes: ClassSettings,
    *,
    rules: Sequence[HardRule] | None = None,
    before: Mapping[str, Standing] | None = None,
    usccs: Sequence[str] | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[Assessment]:
    """Assess the registered enterprises, or some of them, by what was known at `as_of`.

    The riskiest come first; equal scores by code.

    Parameters
    ----------
    rules
        Hard rules after the model; by default those delivered with Xinheng.
    before
        How each stood at the run before, so that classes do not flap.
    """
    wanted = load_rules() if rules is None else rules
    others = Others.of(source, model.columns, as_of, on_step=on_step)
    found: list[Assessment] = []
    for part in buckets_of(source, usccs):
        told = gathered([model], wanted, part, as_of, usccs=usccs, others=others, on_step=on_step)
        found += judged(model, told, classes, before=before, on_step=on_step)
    return riskiest_first(found)


def riskiest_first(found: Iterable[Assessment]) -> list[Assessment]:
    """Equal scores by code."""
    return sorted(found, key=lambda a: (-a.log_odds, a.uscc))


def judged(
    model: RiskModel,
    told: Gathered,
    classes: ClassSettings,
    *,
    before: Mapping[str, Standing] | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[Assessment]:
    """What a model says of those of whom all that it reads was gathered, in their order."""
    if told.everyone.height == 0:
        return []
    on_step("scores and classes")
    scored, holds = graded(model, told, classes, before=before)
    outcomes = pl.Series("outcomes", _outcomes(model, scored), dtype=OUTCOMES)
    scored = scored.hstack([_last_visits(told), outcomes])
    gaps = _gaps(model, told.source, told.as_of)
    names: dict[str, list[str]] = {}
    for column in model.columns:
        names.setdefault(column.indicator.id, []).append(column.name)
    found: list[Assessment] = []
    for start in range(0, scored.height, CHUNK):
        on_step(f"reasons of {min(start + CHUNK, scored.height):,} of {scored.height:,}")
        explanations = explain(model, told.features.slice(start, CHUNK), most=REASONS_KEPT)
        records = _records(model, told, start, explanations)
        rows = scored.slice(start, CHUNK).iter_rows(named=True)
        found += [
            _ruled(
                _assessment(row, explanation, records, names, model, gaps),
                holds.get(row["uscc"], ()),
                classes.scheme,
            )
            for row, explanation in zip(rows, explanations, strict=True)
        ]
    return found


def graded(
    model: RiskModel,
    told: Gathered,
    classes: ClassSettings,
    *,
    before: Mapping[str, Standing] | None = None,
) -> tuple[pl.DataFrame, Mapping[str, tuple[Fired, ...]]]:
    """Scores and classes before hard rules, and the rules that hold; without reasons."""
    known = known_share(model, told.features).alias("known_share")
    scored = score(model, told.features).hstack([*(told.everyone[name] for name in TOLD), known])
    same = {u: one for u, one in (before or {}).items() if one.model_version == model.version}
    holds = told.holds(str(model.facts.get("sector", "")))
    return with_classes(scored, classes, same), holds


def _ruled(one: Assessment, holds: Sequence[Fired], scheme: Scheme) -> Assessment:
    told = tuple(rule.as_json() for rule in holds)
    return replace(one, risk_class=lifted(one.risk_class, holds, scheme), hard_rules=told)


def _outcomes(model: RiskModel, scored: pl.DataFrame) -> list[list[str]]:
    """By row the names of the grades in its set; empty without grades."""
    if model.ordered is None or model.sets is None:
        return [[]] * scored.height
    held = model.sets.holds(model.ordered.at_least(scored["log_odds"].to_numpy()))
    names = model.ordered.names
    return [[name for name, is_in in zip(names, row, strict=True) if is_in] for row in held]


def _records(
    model: RiskModel, told: Gathered, start: int, explanations: Sequence[Explanation]
) -> dict[tuple[str, str], list[str]]:
    """Of each row, from `start` on, the records behind the columns of its own reasons."""
    asked: dict[str, list[int]] = {}
    for row, explanation in enumerate(explanations, start=start):
        for reason in explanation.reasons:
            asked.setdefault(reason.indicator, []).append(row)
    return told.records([c for c in model.columns if c.indicator.id in asked], asked)


def _assessment(
    row: dict[str, Any],
    explanation: Explanation,
    records: dict[tuple[str, str], list[str]],
    names: Mapping[str, Sequence[str]],
    model: RiskModel,
    gaps: tuple[str, ...],
) -> Assessment:
    behind = {
        reason.indicator: [
            one for name in names[reason.indicator] for one in records.get((row["uscc"], name), ())
        ]
        for reason in explanation.reasons
    }
    return Assessment(
        uscc=row["uscc"],
        name_zh=row["name_zh"],
        as_of=row["as_of"],
        model_version=model.version,
        risk_class=row["risk_class"],
        model_class=row["model_class"],
        low_confidence=row["low_confidence"],
        score=round(row["score"], 1),
        probability=row["probability"],
        log_odds=row["log_odds"],
        base_value=explanation.base_value,
        other_contributions=explanation.others,
        reasons=tuple(
            reason.as_json() | {"record_ids": list(dict.fromkeys(behind[reason.indicator]))}
            for reason in explanation.reasons
        ),
        last_inspection=row["last_inspection"] and str(row["last_inspection"]),
        data_gaps=gaps,
        outcomes=tuple(row["outcomes"]),
        region_code=row["region_code"] or "",
        settled_class=row["settled_class"],
    )


def _last_visits(told: Gathered) -> pl.Series:
    """The day of the last visit to each, `last_inspection`."""
    asked = told.everyone["uscc"].to_list()
    few = asked if len(asked) <= FEW else None
    visits = Knowledge(told.source, told.as_of, usccs=few).known("inspection", ("checked_on",))
    last: dict[str, date] = {}
    for uscc, day in zip(visits["uscc"].to_list(), visits["checked_on"].to_list(), strict=True):
        if day is not None and day > last.get(uscc, date.min):
            last[uscc] = day
    return pl.Series("last_inspection", [last.get(uscc) for uscc in asked], dtype=pl.Date())


def _gaps(model: RiskModel, source: Source, as_of: datetime) -> tuple[str, ...]:
    """Tables that the indicators of the model's scopes read and nobody delivered by `as_of`."""
    columns = feature_columns(model.inputs.indicators())
    read = dict.fromkeys(table for column in columns for table in column.sources)
    covered = {name: source.covered_from(name) for name in read}
    return tuple(name for name, since in covered.items() if since is None or since > as_of)
