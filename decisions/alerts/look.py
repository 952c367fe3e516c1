"""What is so at the moment of a run, and what the points find in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from xinheng.config import AlertSettings
from xinheng.decisions.alerts.deadlines import Watch, deadlines, with_grace
from xinheng.decisions.alerts.facts import events, states, usable_facts
from xinheng.decisions.alerts.finding import Finding
from xinheng.decisions.alerts.over import Present
from xinheng.decisions.alerts.points import Point
from xinheng.features.knowledge import Knowledge
from xinheng.features.population import population
from xinheng.features.source import Source
from xinheng.models.artifact import RiskModel
from xinheng.records.duties.ledger import standing_duties


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a run saw."""

    watch: Watch
    present: Present
    found: tuple[Finding, ...]

    @property
    def baseline(self) -> dict[str, int]:
        """At the first run, by point of how many a state held already."""
        if self.watch.before is not None:
            return {}
        return {point: len(usccs) for point, usccs in self.present.holding.items() if usccs}


def look(  # noqa: PLR0913  (what is looked at)
    points: Sequence[Point],
    source: Source,
    models: Mapping[str, RiskModel],
    settings: AlertSettings,
    *,
    watch: Watch,
    held: Mapping[str, frozenset[str]],
    on_step: Callable[[str], None],
) -> Seen:
    """Find what every point says of everyone on the register.

    Parameters
    ----------
    held
        By point of whom a state held at the run before.
    """
    on_step("who is warned of")
    register = population(source, watch.at)
    everyone = register.select("uscc", "as_of")
    usccs = everyone["uscc"].to_list()
    on_step("duties and their deadlines")
    duties = standing_duties(Knowledge(source, watch.at).duty_spans, watch.at)
    duties = with_grace(duties.filter(pl.col("uscc").is_in(usccs)), register, settings)
    due = deadlines(points, duties, source, watch, models, settings)
    on_step("records that became known")
    new = events(points, usccs, source, watch)
    on_step("states that came to hold")
    came, holding = states(
        points,
        everyone,
        source,
        held=None if watch.before is None else held,
        on_step=lambda step: on_step(f"states: {step}"),
    )
    present = Present(
        at=watch.at,
        usccs=frozenset(usccs),
        duties=dict(duties.select("obligation_id", "state").iter_rows()),
        holding=holding,
        facts=usable_facts(points, source, watch.at),
    )
    return Seen(watch, present, (*due, *new, *came))
