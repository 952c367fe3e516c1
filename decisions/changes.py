"""Class changes between two runs, each with its cause; worsening is not told twice a week."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import polars as pl

from xinheng.config import ClassSettings
from xinheng.features.source import Source
from xinheng.models.score import LETTERS
from xinheng.records.codes.succession import Successions
from xinheng.records.tables import tables

if TYPE_CHECKING:
    from xinheng.decisions.assess import Assessment

Cause = Literal["rules", "model", "facts", "time"]
"""A hard rule began or ended; another model version; records arrived; none of these."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an enterprise stood at the run before."""

    risk_class: str
    model_class: str
    settled_class: str
    model_version: str
    rules: tuple[str, ...]
    """Ids of the hard rules that held."""


@dataclass(frozen=True, slots=True)
class ClassChange:
    """One enterprise whose class is another than at the run before."""

    uscc: str
    former: str
    present: str
    cause: Cause
    rules: tuple[str, ...]
    """Ids of the hard rules that hold now."""


def settled(by_score: str, score: float, before: Standing | None, settings: ClassSettings) -> str:
    """The class by score once flapping is taken out (domain README, section 7).

    An improvement counts at once. A worsening by the score alone counts when the score said so
    at the run before too, or lies `margin` points beyond the cut; else as far as either holds.
    """
    if before is None or by_score <= before.settled_class:
        return by_score
    for place in range(LETTERS.index(by_score), LETTERS.index(before.settled_class), -1):
        said_before = before.model_class >= LETTERS[place]
        if said_before or score >= settings.cuts[place - 1] + settings.margin:
            return LETTERS[place]
    return before.settled_class


def class_changes(
    found: Sequence[Assessment], before: Mapping[str, Standing], touched: Collection[str]
) -> list[ClassChange]:
    """The changes since the run before; a firm that was not scored then has none.

    Parameters
    ----------
    touched
        Enterprises of which records became known since then.
    """
    changes = []
    for one in found:
        former = before.get(one.uscc)
        if former is None or former.risk_class == one.risk_class:
            continue
        rules = tuple(str(rule["id"]) for rule in one.hard_rules)
        cause = _cause(one, former, rules, touched)
        changes.append(ClassChange(one.uscc, former.risk_class, one.risk_class, cause, rules))
    return changes


def inherited(
    before: Mapping[str, Standing], codes: Successions, at: datetime
) -> Mapping[str, Standing]:
    """How each stood before; a firm with a new code stands as it did under its former one."""
    if not codes.pieces:
        return before
    found = dict(before)
    for present in {codes.present(code, at) for code in codes.pieces}:
        formers = [one.uscc for one in codes.former(present, at) if one.uscc in before]
        if formers:
            found.setdefault(present, before[formers[0]])
    return found


def touched(source: Source, since: datetime, until: datetime) -> frozenset[str]:
    """Firms of which a version of a record became known in `(since, until]`, by present code."""
    first, last = since.astimezone(UTC), until.astimezone(UTC)
    recent = (pl.col("known_at") > first) & (pl.col("known_at") <= last)
    codes, part = source.successions(), source.part
    strangers = codes.strangers(part[:1], part[1]) if part else []
    named = [
        source.rows(name, whose).filter(recent).select("uscc").unique()
        for name in tables()
        if source.covered_from(name) is not None
        for whose in ((None, strangers) if strangers else (None,))
    ]
    return frozenset(
        codes.present(uscc, until)
        for found in pl.collect_all(named)
        for uscc in found["uscc"].to_list()
    )


def _cause(
    one: Assessment, former: Standing, rules: tuple[str, ...], touched: Collection[str]
) -> Cause:
    if {*rules} != {*former.rules}:
        return "rules"
    if one.model_version != former.model_version:
        return "model"
    return "facts" if one.uscc in touched else "time"
