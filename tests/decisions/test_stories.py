"""Every warning point has a story in which it must be raised and one in which it must not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import polars as pl
import pytest

from tests.decisions.storyteller import Story, code_of, stories
from xinheng.config import AlertSettings
from xinheng.decisions.alerts import deadlines
from xinheng.decisions.alerts.alert import NEXT, Alert
from xinheng.decisions.alerts.points import load_points
from xinheng.decisions.alerts.run import run_alerts
from xinheng.decisions.alerts.store import AlertStore
from xinheng.domain import ZONE
from xinheng.features.catalogue import catalogue
from xinheng.features.indicator import Indicator

STORIES = stories()
POINTS = {point.id: point for point in load_points()}
LOUD = AlertSettings(held_back=0.0)
"""No reminder is kept back by lot."""
LIKELY = 0.9
"""The risk that the model of a story sees where the story says nothing of it."""


def at_night(day: date) -> datetime:
    return datetime.combine(day, time(22), ZONE)


@dataclass(frozen=True)
class StoryModel:
    """A live model as the alerts see it; its risks are those of the story."""

    version: str = "story-1"
    alert_at: float = 0.5

    @property
    def indicators(self) -> Sequence[Indicator]:
        return [catalogue()["age_days"]]


def told_id(story: Story) -> str:
    return f"{story.point} {'is' if story.raised else 'is not'} raised: {story.told}"


@pytest.mark.parametrize("story", STORIES, ids=told_id)
def test_a_story_of_a_warning_point(
    story: Story, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = story.nights[0]

    def seen(_: object, values: pl.DataFrame) -> pl.DataFrame:
        chance = story.chances.get(night, LIKELY)
        return values.select("uscc", probability=pl.lit(chance))

    monkeypatch.setattr(deadlines, "score", seen)
    source, point = story.source(), POINTS[story.point]
    task = point.deadline.model if point.deadline else ""
    models: dict[str, Any] = {task: StoryModel()} if task else {}
    grace = {"640300": story.grace_days} if story.grace_days else {}
    settings = LOUD.model_copy(update={"grace_days": grace})
    raised: dict[date, Alert] = {}
    ended: dict[date, str] = {}
    with AlertStore.at(f"sqlite:///{tmp_path / 'operations.db'}") as store:
        for night in story.nights:
            at = at_night(night)
            run_alerts(store, source, [point], models, settings, as_of=at, at=at, officer="王科长")
            for one in store.alerts(states=[*NEXT], uscc=code_of("A")):
                if one.as_of == at:
                    raised[night] = one
                if not one.is_open and one.changed_at == at:
                    ended[night] = one.state
    assert [*raised] == ([story.raised] if story.raised else []), "the nights of the alert"
    if story.raised:
        alert = raised[story.raised]
        assert (alert.point, alert.level) == (point.id, story.level or point.level)
        assert alert.is_late == story.is_late
    assert [*ended] == ([story.ended] if story.ended else []), "the nights on which it was over"


def test_every_point_has_a_story_of_both_kinds() -> None:
    told = {(story.point, story.raised is not None) for story in STORIES}
    assert {point for point in POINTS if (point, True) not in told} == set()
    assert {point for point in POINTS if (point, False) not in told} == set()
    assert {point for point, _ in told} == {*POINTS}


def test_no_two_stories_are_told_alike() -> None:
    assert len({told_id(story) for story in STORIES}) == len(STORIES)
