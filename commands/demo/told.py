"""What the demo prints at its end: in ten lines, whether its models mean anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xinheng.config import Home

if TYPE_CHECKING:
    from xinheng.models.promotions import Entry
    from xinheng.records.intake import Report


@dataclass(frozen=True, slots=True)
class Standing:
    """A task's live version."""

    task: str
    evaluation: Mapping[str, Any]
    """As `evaluation.json` tells it, the oracle's figures included."""
    trial: Entry | None
    """How it came to be on trial; None: it was promoted."""


def city_text(
    home: Home, reports: Sequence[Report], tickets: int, live: Sequence[Standing | str]
) -> str:
    """Records, models beside the oracle, classes, the last night, warnings, the list."""
    return "\n".join([*city_lines(reports, tickets, live), *_nights(home), *_listed(home)])


def city_lines(
    reports: Sequence[Report], tickets: int, live: Sequence[Standing | str]
) -> Iterator[str]:
    """Records, models beside the oracle, and what was found at visits by class."""
    yield _records(reports, tickets)
    standings = [one for one in live if isinstance(one, Standing)]
    yield from _models(standings)
    yield from (f"not trained: {why}" for why in live if isinstance(why, str))
    yield from (line for one in standings for line in _contract(one.evaluation))


def _records(reports: Sequence[Report], tickets: int) -> str:
    sums = dict.fromkeys(("offered", "accepted", "quarantined", "rejected", "duplicate"), 0)
    for table in (table for report in reports for table in report.tables):
        for key in sums:
            sums[key] += getattr(table, key)
    told = ", ".join(f"{n:,} {key}" for key, n in sums.items())
    return f"records: {told}; {tickets:,} tickets" if sums["offered"] else "records: taken before"


def _models(live: Sequence[Standing]) -> Iterator[str]:
    yield (
        f"{'model':<15}{'cases':>7}{'problems':>10}   {'AUC':<25}{'oracle':>8}"
        f"{'scorecard':>11}   standing"
    )
    for one in live:
        told = one.evaluation
        ours = told["rankers"]["Xinheng"]["auc"]
        others = [told["rankers"][name]["auc"]["value"] for name in ("oracle", "expert scorecard")]
        span = f"{ours['value']:.3f} ({ours['low']:.3f} to {ours['high']:.3f})"
        standing = (
            f"on trial: {', '.join(one.trial.failed_gates)} not held" if one.trial else "promoted"
        )
        yield (
            f"{one.task:<15}{told['cases']:>7,}{told['problems']:>10,}   {span:<25}"
            f"{others[0]:>8.3f}{others[1]:>11.3f}   {standing}"
        )


def _contract(told: Mapping[str, Any]) -> Iterator[str]:
    if not told["classes"]:
        return
    rates = ", ".join(
        f"{letter} {one['problems']:,} of {one['cases']:,}"
        for letter, one in told["classes"].items()
    )
    broken = told["contract_broken_at"]
    held = f"falls at {', '.join(broken)}" if broken else "rises from class to class"
    yield f"problems found at visits drawn by lot, by class: {rates}; {held}"


def _nights(home: Home) -> Iterator[str]:
    from xinheng.decisions.kept.store import DecisionStore

    with closing(DecisionStore.at(home.database_url)) as store:
        runs = store.runs(2)
    for one in reversed(runs):
        told = one.report
        classes = ", ".join(f"{letter} {n:,}" for letter, n in told["classes"].items())
        rules = sum(told["hard_rules"].values())
        raised = (told["alerts"] or {"raised": {}})["raised"]
        points = ", ".join(f"{point} {n}" for point, n in raised.items()) or "none"
        yield (
            f"night of {one.as_of:%Y-%m-%d}: {one.assessed:,} enterprises, {classes}; hard rules "
            f"held {rules:,} times; warnings: {points}"
        )


def _listed(home: Home) -> Iterator[str]:
    from xinheng.decisions.kept.store import DecisionStore

    with closing(DecisionStore.at(home.database_url)) as store:
        drawn = store.current_list()
    first = drawn.rows[0]
    yield (
        f"list {drawn.list_id} for {drawn.officer}: {len(drawn.rows)} names, the first is "
        f"{first.name_zh} ({first.uscc})"
    )
    yield from (f"  {sentence}" for sentence in first.reasons_zh[:2])
