"""Nothing known later changes a value, and the check would find it if something did."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest

from xinheng.features.catalogue import catalogue
from xinheng.features.leak import draw, leaks
from xinheng.features.source import View
from xinheng.features.vocabulary.fold import Ints
from xinheng.records import spans
from xinheng.records.asked import Asked
from xinheng.records.lake import Lake

MONTHLY = ["si_arrears_months", "insured_headcount_change_pct", "electricity_change_pct"]
"""Of records that arrive weeks after the month they tell of."""


def test_the_city_has_no_leak_at_random_moments(city_lake: Lake) -> None:
    usccs, moments = draw(city_lake, 120, 4, seed=3)
    assert len(set(moments)) == 4
    assert leaks(list(catalogue().values()), city_lake, usccs, moments, seed=3) == []


class Unfiltered(View):
    """The lake without its own filter on what is known."""

    def versions(self, name: str, asked: Asked) -> pl.DataFrame:
        return self._source.versions(name, replace(asked, until=None))


def test_a_leak_is_found(city_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """With records believed known for ever, the future shows through."""
    whole = spans.microseconds

    def believed(moments: pl.Series) -> Ints:
        """Everything known since ever, so that only the event counts."""
        return whole(moments) * 0 if moments.name == "known_at" else whole(moments)

    monkeypatch.setattr(spans, "microseconds", believed)
    usccs, _ = draw(city_lake, 300, 1, seed=3)
    moments = [datetime(2025, 7, 5, tzinfo=UTC), datetime(2025, 7, 28, tzinfo=UTC)]
    found = leaks([catalogue()[name] for name in MONTHLY], Unfiltered(city_lake), usccs, moments)
    assert {one.world for one in found} == {"the future deleted", "another future"}
    assert all(one.value != one.without_future for one in found)
