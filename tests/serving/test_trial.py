"""A model on trial is said to be so on every page, in both languages."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.serving.conftest import AT
from xinheng.models.promotions import Promotions
from xinheng.serving.console.words import Language, words

PAGES = ("/", "/alerts", "/indicators", "/quality")
NOT_HELD = {"fairness": {"is_passed": False}, "window": {"is_passed": True}}


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("zh", "模型sweets-1试用中:未达到上线条件(各群体误报率)。"),
        (
            "en",
            "Model sweets-1 is on trial: conditions for going live that it does not hold: false",
        ),
    ],
)
def test_every_page_says_which_model_is_on_trial(
    client: TestClient, language: Language, told: str
) -> None:
    app = client.app
    assert isinstance(app, FastAPI)
    ledger: Promotions = app.state.promotions
    ledger.add("sweets", "trial", "sweets-1", at=AT, by="甲", gates=NOT_HELD)
    try:
        pages = [client.get(path, params={"lang": language}).text for path in PAGES]
        assert all(told in page for page in pages)
        assert client.get("/v1/models").json()["trial"] == {"sweets": ["fairness"]}
    finally:
        ledger.add("sweets", "retire", "sweets-1", at=AT, by="甲")
    assert told not in client.get("/", params={"lang": language}).text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_gate_has_a_name_for_people(language: Language) -> None:
    assert {key for key in words(language) if key.startswith("gate_")} == {
        f"gate_{name}"
        for name in (
            "catalogue", "window", "leaks", "capacity", "calibration", "contract", "monotone",
            "records", "fairness", "stability", "reasons",
        )
    }  # fmt: skip
