"""Who has news since an assessment: by when it became known, and by the batch that brought it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.cities import CityHome
from xinheng.decisions.causes.news import Last, later, news_of, news_since
from xinheng.decisions.causes.past import Cut
from xinheng.domain import ZONE
from xinheng.records.lake import Lake

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
MARCH = datetime(2025, 3, 1, tzinfo=UTC)


def test_who_has_a_newly_known_record_has_news(city: CityHome) -> None:
    lake = Lake(city.home.lake)
    last, until = lake.snapshot.number, lake.known_until()
    everyone = {*lake.rows("inspection").collect()["uscc"].to_list()}
    found = news_since(lake, Cut(LONG_AGO, last), until, ["inspection"])
    assert {*news_of(found)} == everyone
    here = news_since(lake, Cut(LONG_AGO, last), until.astimezone(ZONE), ["inspection"])
    assert here.sort("uscc").equals(found.sort("uscc"))
    assert news_since(lake, Cut(until, last), until, ["inspection"]).height == 0
    assert news_since(lake, Cut(LONG_AGO, last), LONG_AGO, ["inspection"]).height == 0


def test_what_a_later_batch_brought_is_news_whenever_it_was_known(city: CityHome) -> None:
    lake = Lake(city.home.lake)
    numbers = dict(lake.batches(["batch_id", "number"]).iter_rows())
    last = lake.snapshot.number - 3
    rows = lake.rows("inspection").select("uscc", "batch_id").collect()
    theirs = {uscc for uscc, batch in rows.iter_rows() if numbers[batch] > last}
    until = lake.known_until()
    found = news_of(news_since(lake, Cut(until, last), until, ["inspection"]))
    assert {*found} == theirs
    assert all(one.is_after(Cut(until, last)) for one in found.values())
    assert not any(one.is_after(Cut(until, lake.snapshot.number)) for one in found.values())


def test_more_news_of_somebody_is_the_latest() -> None:
    news = {"A": Last(5, 9)}
    later(news, ["A", "B"], Last(7, 3))
    assert news == {"A": Last(7, 9), "B": Last(7, 3)}
    moment = round((MARCH + timedelta(seconds=1)).timestamp() * 1_000_000)
    assert Last(moment, 3).is_after(Cut(MARCH, 3))
    assert not Last(moment - 1_000_000, 3).is_after(Cut(MARCH, 3))
