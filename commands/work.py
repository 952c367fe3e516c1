"""Steps that several commands take: warn, draw a list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from xinheng.config import Home

if TYPE_CHECKING:
    from xinheng.decisions.alerts.run import RunReport
    from xinheng.decisions.lists import InspectionList


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


def draw_list(home: Home, *, top: int, officer: str, at: datetime) -> InspectionList:
    """Draw from the current run and keep the list."""
    from xinheng.decisions.kept.store import DecisionStore
    from xinheng.decisions.lists import draw

    store = DecisionStore.at(home.database_url)
    drawn = draw(store.riskiest(top), top=top, officer=officer or home.settings.officer, at=at)
    store.keep_list(drawn)
    return drawn
