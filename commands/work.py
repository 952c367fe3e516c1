"""Steps that several commands take: warn, draw a list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from xinheng.config import Home

if TYPE_CHECKING:
    import polars as pl

    from xinheng.decisions.alerts.run import RunReport
    from xinheng.decisions.lists import InspectionList
    from xinheng.models.calibration import Floats
    from xinheng.records.intake import Report
    from xinheng.training.control.promote import Promoted


def warn(home: Home, as_of: datetime, *, at: datetime, on_step: Callable[[str], None]) -> RunReport:
    """Run the warning points as of a moment and keep what they raise."""
    from xinheng.decisions.alerts.points import load_points
    from xinheng.decisions.alerts.run import run_alerts
    from xinheng.decisions.alerts.store import AlertStore
    from xinheng.decisions.office import live_models
    from xinheng.records.lake import Lake

    points, models = load_points(home.warning_points), live_models(home)
    with AlertStore.at(home.database_url) as store:
        return run_alerts(
            store, Lake(home.lake), points, models, home.settings.alerts,
            as_of=as_of, at=at, officer=home.settings.officer, on_step=on_step,
        )  # fmt: skip


def take_in(  # noqa: PLR0913  (what an intake depends on)
    home: Home,
    path: Path,
    *,
    known_at: datetime,
    at: datetime,
    mapping: Path | None = None,
    buckets: int = 1,
    on_step: Callable[[str], None],
) -> tuple[list[Report], int, int]:
    """Take deliveries into the lake and open their tickets.

    Parameters
    ----------
    known_at
        When rows became known whose delivery does not say it.

    Returns
    -------
    The reports, the tickets opened, the records that had waited and are released.
    """
    from xinheng.records.intake import find_deliveries, ingest_all
    from xinheng.records.lake import Lake
    from xinheng.records.sources.mapping import load_mapping
    from xinheng.records.tickets.desk import keep_step, retry
    from xinheng.records.tickets.store import TicketStore

    on_step("looking for deliveries")
    wanted = load_mapping(mapping) if mapping else None
    found = find_deliveries(path, wanted, at=known_at, scored_until=last_scored(home))
    lake = Lake.at(home.lake, buckets=buckets)
    reports = ingest_all(found, lake, at=known_at, on_step=on_step)
    on_step("tickets")
    store = TicketStore.at(home.database_url)
    opened = keep_step(store, lake, at=at)
    released, _ = retry(store, lake, at=at)
    store.close()
    return list(reports), opened, released


def last_scored(home: Home) -> datetime | None:
    """Moment of the newest run of everyone; a home that has no database has none."""
    if not (home.settings.database_url or (home.root / "operations.db").exists()):
        return None
    from xinheng.decisions.kept.store import DecisionStore

    store = DecisionStore.at(home.database_url)
    newest = store.last_run()
    store.close()
    return newest.as_of if newest else None


def chances_of(truth: Path, version: str) -> Callable[[pl.DataFrame], Floats]:
    """The true chances of a made-up city for the rows of a version's task."""
    from xinheng.city.oracle import true_chances
    from xinheng.training.control.versions import task_of

    task = task_of(version)
    named = task if task in {"annual_report", "unpaid_fine"} else "inspection"
    return lambda rows: true_chances(truth, rows, named)


def go_live_or_try(
    home: Home, version: str, *, by: str, reason: str, at: datetime, on_step: Callable[[str], None]
) -> Promoted:
    """Make a version live, on trial where it does not hold every gate; alias and card follow."""
    from xinheng.training.control.card import write_card
    from xinheng.training.control.promote import promote_or_try
    from xinheng.training.control.tracking import CHAMPION, set_alias
    from xinheng.training.control.versions import task_of

    done = promote_or_try(home, version, at=at, by=by, reason=reason, on_step=on_step)
    set_alias(home.mlruns, task_of(version), version, CHAMPION)
    write_card(home, version, at=at)
    return done


def draw_list(
    home: Home, *, top: int, officer: str, at: datetime, stale: bool = False
) -> InspectionList:
    """Draw from the current run and keep the list."""
    from xinheng.decisions.age import Age
    from xinheng.decisions.kept.store import DecisionStore
    from xinheng.decisions.lists import draw

    store = DecisionStore.at(home.database_url)
    age = Age(store.current_run().as_of, at, home.settings.scores.stale_days)
    named = officer or home.settings.officer
    drawn = draw(store.riskiest(top), top=top, officer=named, age=age, stale=stale)
    store.keep_list(drawn)
    return drawn
