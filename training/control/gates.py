"""What a version must hold before it goes live; each gate says what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from xinheng.config import GateSettings
from xinheng.features.indicator import FeatureColumn
from xinheng.models.artifact import RiskModel
from xinheng.models.calibration import Floats
from xinheng.training.control.paired import Difference, Moves
from xinheng.training.judging.added import Added
from xinheng.training.judging.evaluate import expected_calibration_error

DRAWS = 400
STEPS = (0.5, 3.0)
"""By how much an indicator is worsened, in its own unit."""
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition of promotion."""

    name: str
    is_passed: bool
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A version that wants to go live, with what is known of it."""

    model: RiskModel
    evaluation: Mapping[str, Any]
    """As `evaluation.json` tells it."""
    probability: Floats
    """Of the honest test rows."""
    label: Floats
    features: pl.DataFrame
    """Of the honest test rows."""
    against: Mapping[str, Difference] | None
    """Figures of the live version and of this one on the same cases; None: none is live."""
    moves: Moves | None
    added: Sequence[Added]
    """What records added in thought did to the model's answers."""
    alone: str
    """Why there is nothing to compare with; empty where there is."""


def gates(candidate: Candidate, settings: GateSettings) -> Iterator[Gate]:
    """Every gate, in the order in which people look at them."""
    checks: tuple[Callable[[Candidate, GateSettings], Gate], ...] = (
        window, leaks, capacity, calibration, contract, monotone, records, fairness, stability,
        reasons,
    )  # fmt: skip
    for check in checks:
        yield check(candidate, settings)


def window(candidate: Candidate, settings: GateSettings) -> Gate:
    """Long enough a training period, with enough problems."""
    facts = candidate.model.facts
    first, last = (date.fromisoformat(day) for day in str(facts["data_window"]).split(".."))
    days, problems = (last - first).days + 1, int(facts["problems"])
    return Gate(
        "window",
        days >= settings.least_days and problems >= settings.least_problems,
        f"trained on {days:,} days with {problems:,} problems "
        f"(at least {settings.least_days:,} and {settings.least_problems:,})",
    )


def leaks(candidate: Candidate, _: GateSettings) -> Gate:
    """No column that knows the outcome, and no order of time that is broken."""
    told = candidate.evaluation
    named = [f"{one['column']} (AUC {one['auc']:.3f})" for one in told["suspects"]]
    dealt, late = told["shuffled"], int(told["rows_after_event"])
    is_chance = dealt["low"] <= dealt["auc"] <= dealt["high"]
    return Gate(
        "leaks",
        not named and late == 0 and is_chance,
        f"suspicious columns: {', '.join(named) or 'none'}; {late:,} rows after their event; "
        f"labels dealt anew give AUC {dealt['auc']:.3f} "
        f"(chance {dealt['low']:.3f} to {dealt['high']:.3f})",
    )


def capacity(candidate: Candidate, _: GateSettings) -> Gate:
    """Not worse than the live version at the inspection capacity, nor in the whole order."""
    if candidate.against is None:
        return Gate("capacity", is_passed=True, told=candidate.alone)
    worse, told = [], []
    for name in ("precision_at_capacity", "auc"):
        one = candidate.against[name]
        told.append(
            f"{name} {one.second:.3f}, live {one.first:.3f} "
            f"(difference {one.gap.low:+.3f} to {one.gap.high:+.3f})"
        )
        if one.gap.high < 0:
            worse.append(name)
    return Gate("capacity", not worse, "; ".join(told))


def calibration(candidate: Candidate, settings: GateSettings) -> Gate:
    """Probabilities mean what they say, as far as so many cases can tell."""
    found = expected_calibration_error(candidate.label, candidate.probability)
    chance = chance_error(candidate.probability, seed=int(candidate.label.size))
    limit = max(settings.most_ece, chance)
    return Gate(
        "calibration",
        found <= limit,
        f"calibration error {found:.3f}, at most {limit:.3f} "
        f"(a perfect forecast of these cases stays below {chance:.3f})",
    )


def chance_error(probability: Floats, *, seed: int, draws: int = DRAWS) -> float:
    """The calibration error that a perfect forecast stays below, 39 times in 40."""
    rng = np.random.default_rng(seed)
    found = [
        expected_calibration_error(
            (rng.random(probability.size) < probability).astype(np.float64), probability
        )
        for _ in range(draws)
    ]
    return float(np.quantile(found, 0.975))


def contract(candidate: Candidate, _: GateSettings) -> Gate:
    """Problems rise from class to class."""
    classes = candidate.evaluation["classes"]
    if not classes:
        return Gate("contract", is_passed=True, told="its score becomes no class")
    told = ", ".join(f"{c} {r['problems']} of {r['cases']}" for c, r in classes.items())
    broken = candidate.evaluation["contract_broken_at"]
    return Gate("contract", not broken, f"{told}; falls at: {', '.join(broken) or 'nowhere'}")


def monotone(candidate: Candidate, _: GateSettings) -> Gate:
    """Worsening an indicator that has a direction never lowers the risk."""
    model, rows = candidate.model, candidate.features.head(300)
    directed = [c for c in model.columns if c.monotone and not c.indicator.categorical]
    before = model.log_odds(rows)
    wrong = [c.name for c in directed if _falls(model, rows, before, c)]
    told = f"{len(directed)} columns with a direction; against it: {', '.join(wrong) or 'none'}"
    return Gate("monotone", not wrong, told)


def _falls(model: RiskModel, rows: pl.DataFrame, before: Floats, column: FeatureColumn) -> bool:
    """Whether worsening a column that is known lowers the risk of any row."""
    known = rows[column.name].is_not_null().to_numpy()
    for step in STEPS:
        worse = rows.with_columns(pl.col(column.name) + step * column.monotone)
        if (model.log_odds(worse)[known] < before[known] - ROUNDING).any():
            return True
    return False


def records(candidate: Candidate, _: GateSettings) -> Gate:
    """A bad record never lowers the risk of its firm, a clean inspection never raises it."""
    wrong = [f"{one.record} {one.wrong:,} of {one.firms:,}" for one in candidate.added if one.wrong]
    asked = sum(one.firms for one in candidate.added)
    return Gate(
        "records",
        not wrong,
        f"{asked:,} records added in thought; the wrong way: {', '.join(wrong) or 'none'}",
    )


def fairness(candidate: Candidate, _: GateSettings) -> Gate:
    """No group has more than 1.5 times the average false alarms."""
    over = [
        f"{one['kind']} {one['name']} ({one['times_average']:.2f} times)"
        for one in candidate.evaluation["groups"]
        if one["is_over"]
    ]
    told = f"groups over 1.5 times the average of false alarms: {', '.join(over) or 'none'}"
    return Gate("fairness", not over, told)


def stability(candidate: Candidate, settings: GateSettings) -> Gate:
    """Classes do not jump about between two versions."""
    if candidate.moves is None:
        return Gate("stability", is_passed=True, told=candidate.alone)
    share = candidate.moves.share
    return Gate(
        "stability",
        share <= settings.most_moves,
        f"{share:.1%} of {candidate.moves.asked:,} would change class or alert "
        f"(at most {settings.most_moves:.0%})",
    )


def reasons(candidate: Candidate, settings: GateSettings) -> Gate:
    """Nor do the reasons that people were told."""
    if candidate.moves is None:
        return Gate("reasons", is_passed=True, told=candidate.alone)
    return Gate(
        "reasons",
        candidate.moves.flips <= settings.most_flips,
        f"{candidate.moves.flips:.1%} of the top three reasons are others "
        f"(at most {settings.most_flips:.0%})",
    )
