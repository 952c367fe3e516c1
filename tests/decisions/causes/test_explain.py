"""A class change compares one moment: with and without what is new, and why it differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.cities import CityHome
from tests.serving.live import LiveHome, like, listing, tied
from xinheng.decisions.assess import Assessment
from xinheng.decisions.causes.explain import World, class_changes
from xinheng.decisions.causes.news import news_of, news_since
from xinheng.decisions.causes.past import Cut
from xinheng.decisions.causes.shares import ClassChange, Share
from xinheng.decisions.changes import Standing
from xinheng.decisions.kept.facts import KeptChange
from xinheng.decisions.office import Office, office_of
from xinheng.decisions.whole import assess_whole
from xinheng.features.catalogue import feature_columns
from xinheng.features.others.others import Others
from xinheng.features.source import View
from xinheng.records.asked import Asked
from xinheng.records.inbox.store import Sent
from xinheng.records.lake import Lake

THEN, NOW = datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC)
"""Far enough apart for many classes of so small a city to change."""


class Earlier(View):
    """A lake in which nothing has become known since a moment: the slow second opinion."""

    def __init__(self, lake: Lake, until: datetime) -> None:
        super().__init__(lake)
        self.until = until

    def versions(self, name: str, asked: Asked) -> pl.DataFrame:
        wanted = replace(asked, columns=[*dict.fromkeys((*asked.columns, "known_at"))])
        return self._source.versions(name, wanted).filter(pl.col("known_at") <= self.until)


@dataclass
class Compared:
    """A city at two moments."""

    world: World
    before: dict[str, Standing]
    found: list[Assessment]
    changes: list[ClassChange]


def stood(one: Assessment, batch: int, office: Office) -> Standing:
    return Standing(
        one.risk_class, one.model_class, one.settled_class, one.model_version,
        tuple(rule["id"] for rule in one.hard_rules), one.score, one.as_of, batch, office.ruling,
    )  # fmt: skip


@pytest.fixture(scope="module")
def compared(city: CityHome) -> Compared:
    office, lake = office_of(city.home), Lake(city.home.lake)
    number = lake.snapshot.number
    former = assess_whole(office, lake, THEN)
    before = {one.uscc: stood(one, number, office) for one in former}
    others = Others.of(lake, feature_columns(office.indicators), NOW)
    found = assess_whole(office, lake, NOW, before=before, others=others)
    tied_by = others.needs.sought.tied_by
    news = news_of(news_since(lake, Cut(THEN, number), NOW, tied_by))
    world = World(office=office, lake=lake, as_of=NOW, others=others, until=NOW, news=news)
    return Compared(world, before, found, class_changes(world, found, before))


def points(shares: tuple[Share, ...]) -> Decimal:
    return sum((Decimal(str(one.points)) for one in shares), Decimal(0))


def test_shares_add_up_to_the_change_and_name_what_is_new(compared: Compared) -> None:
    assert len(compared.changes) > 20
    known_at = dict(
        pl.concat(
            compared.world.lake.rows(name).select("record_id", "known_at").collect()
            for name in compared.world.lake.snapshot.delta_versions
            if not name.startswith("_")
        ).iter_rows()
    )
    for one in compared.changes:
        told = Decimal(str(one.score)) - Decimal(str(one.former_score))
        assert points(one.shares) == told
        assert one.shares[-1].present == one.present
        assert [share.cause for share in one.shares if share.cause in ("model", "rules")] == []
        for share in one.shares:
            if share.cause in ("facts", "related"):
                assert all(THEN < known_at[record] <= NOW for record in share.record_ids)
    assert {one.cause for one in compared.changes} >= {"time", "facts"}


def test_only_those_whose_class_is_another_have_a_change(compared: Compared) -> None:
    told = {one.uscc: (one.former, one.present) for one in compared.changes}
    assert told == {
        one.uscc: (compared.before[one.uscc].risk_class, one.risk_class)
        for one in compared.found
        if one.uscc in compared.before and compared.before[one.uscc].risk_class != one.risk_class
    }


def test_time_is_what_the_old_records_alone_would_say_now(compared: Compared) -> None:
    """Of firms and neighbours, by a lake that knows nothing newer; rates of groups are as now."""
    world = compared.world
    lake = Earlier(world.lake, THEN)
    read = Others.of(lake, feature_columns(world.office.indicators), NOW)
    traces = replace(read.traces, rates=world.others.traces.rates)
    others = Others(read.needs, traces, read.coverage)
    slow = {
        one.uscc: one.score
        for one in assess_whole(world.office, lake, NOW, before=compared.before, others=others)
    }
    related = 0
    for one in compared.changes:
        time = next(share for share in one.shares if share.cause == "time")
        assert round(one.former_score + time.points, 1) == slow[one.uscc]
        related += any(share.cause == "related" and share.points for share in one.shares)
    assert related > 0, "some are moved by those around them"


def test_other_models_and_other_rules_have_shares_of_their_own(compared: Compared) -> None:
    world, one = compared.world, compared.changes[0]
    former = replace(compared.before[one.uscc], model_version="older", score=1.0)
    found = [a for a in compared.found if a.uscc == one.uscc]
    (told,) = class_changes(world, found, {one.uscc: former})
    assert [share.cause for share in told.shares] == ["model", *(s.cause for s in one.shares)]
    assert told.shares[0].points == round(one.former_score - 1.0, 1)
    assert [s.points for s in told.shares[1:]] == [s.points for s in one.shares]
    other = replace(compared.before[one.uscc], ruling="other", risk_class="E")
    (told,) = class_changes(world, found, {one.uscc: other})
    assert (told.cause, told.shares[0].cause, told.shares[0].points) == ("rules", "rules", 0.0)


def test_who_was_not_on_the_register_by_what_was_known_is_moved_by_facts(
    compared: Compared,
) -> None:
    one = compared.found[0]
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    other = "A" if one.risk_class != "A" else "D"
    before = stood(replace(one, as_of=long_ago, risk_class=other), 0, compared.world.office)
    (told,) = class_changes(compared.world, [one], {one.uscc: before})
    assert [share.cause for share in told.shares] == ["facts"]


@pytest.fixture
def live(city: CityHome, tmp_path: Path) -> Iterator[LiveHome]:
    made = LiveHome.copied(city, tmp_path, f"sqlite:///{tmp_path / 'own.db'}")
    yield made
    made.engine.dispose()


def last_change(live: LiveHome, firm: str) -> KeptChange:
    return live.decisions.changes(uscc=firm)[-1]


def test_months_after_the_night_a_listing_has_the_share_that_it_has_by_itself(
    live: LiveHome,
) -> None:
    lake, firm = Lake(live.home.lake), tied(live)
    live.clock.at += timedelta(days=300)
    live.send("one", listing(lake, firm, "serious-1"))
    live.until_idle(live.worker())
    found = last_change(live, firm)
    moment = datetime.fromisoformat(found.as_of)
    office, before = office_of(live.home), Lake(live.home.lake).at_batch(lake.snapshot.number)
    (old,) = assess_whole(office, before, moment, usccs=[firm])
    shares = {share.cause: share for share in found.shares}
    assert round((found.former_score or 0) + shares["time"].points, 1) == old.score
    assert shares["facts"].rules_begun == ("H1",)
    assert found.cause == "facts"


def test_a_repair_is_told_as_one(live: LiveHome) -> None:
    lake, firm, worker = Lake(live.home.lake), tied(live), live.worker()
    first = listing(lake, firm, "serious-1")
    live.send("one", first)
    live.until_idle(worker)
    live.send("two", Sent("serious_list", {**first.values, "operation": "withdraw"}))
    live.send("three", like(lake, "complaint", firm, source_record_no="c-1"))
    live.until_idle(worker)
    found = last_change(live, firm)
    shares = {share.cause: share for share in found.shares}
    assert (found.former, found.cause) == ("D", "repair")
    assert shares["repair"].rules_ended == ("H1",)
    assert shares["repair"].record_ids == ("serious_list/yjj/serious-1/v2",)
    assert points(found.shares) == Decimal(str(found.score)) - Decimal(str(found.former_score))


def test_another_rule_is_told_as_one(live: LiveHome) -> None:
    lake, firm, worker = Lake(live.home.lake), tied(live), live.worker()
    live.send("one", listing(lake, firm, "serious-1"))
    live.until_idle(worker)
    (live.home.root / "hard_rules.toml").write_text("rule = []\n", encoding="utf-8")
    live.send("two", like(lake, "complaint", firm, source_record_no="c-1"))
    live.until_idle(worker)
    found = last_change(live, firm)
    assert (found.former, found.cause, found.shares[0].rules_ended) == ("D", "rules", ("H1",))
