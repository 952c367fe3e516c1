"""Rates are counted window by window."""

from __future__ import annotations

import time

import pytest
from limits import parse
from limits.strategies import FixedWindowRateLimiter

from xinheng.serving.access.counts import Counts


def test_a_window_allows_its_amount_and_the_next_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    limiter, rate = FixedWindowRateLimiter(Counts()), parse("3/minute")
    assert [limiter.hit(rate, "甲") for _ in range(5)] == [True, True, True, False, False]
    assert limiter.hit(rate, "乙")
    assert limiter.get_window_stats(rate, "甲") == (1_060.0, 0)
    now[0] += 59.9
    assert not limiter.hit(rate, "甲")
    now[0] += 0.2
    assert limiter.test(rate, "甲")
    assert limiter.hit(rate, "甲")
    assert limiter.get_window_stats(rate, "甲").remaining == 2


def test_what_is_forgotten_is_counted_anew() -> None:
    counts = Counts()
    assert [counts.incr("甲", 60), counts.incr("甲", 60, 2), counts.incr("乙", 60)] == [1, 3, 1]
    counts.clear("甲")
    assert (counts.get("甲"), counts.get("乙")) == (0, 1)
    assert counts.reset() == 1
    assert counts.get("乙") == 0
    assert counts.check()
