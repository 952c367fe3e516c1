"""The shares of a class change add up, and the largest names the cause."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decisions.handmade import changed_class
from xinheng.decisions.causes.shares import (
    CAUSES,
    At,
    Cause,
    ClassChange,
    Step,
    cause_of,
    shares_of,
)

CUTS = (200.0, 500.0, 750.0)
positions = st.builds(
    At,
    st.sampled_from("ABCDE"),
    st.integers(0, 10_000).map(lambda tenths: tenths / 10),
    st.sets(st.sampled_from(["H1", "H2", "H4"])).map(lambda ids: tuple(sorted(ids))),
)


def exact(told: float) -> Decimal:
    return Decimal(str(told))


@given(positions, st.lists(positions, min_size=1, max_size=6))
def test_points_add_up_to_the_change_of_the_score(former: At, ends: list[At]) -> None:
    steps = [Step(cause, end) for cause, end in zip(CAUSES, ends, strict=False)]
    shares = shares_of(former, steps, CUTS)
    assert sum(exact(one.points) for one in shares) == exact(ends[-1].score) - exact(former.score)
    held = {*former.rules}
    for share, end in zip(shares, ends, strict=True):
        held = (held - {*share.rules_ended}) | {*share.rules_begun}
        assert held == {*end.rules}
        assert share.present == end.risk_class


@given(positions, st.lists(positions, min_size=1, max_size=6))
def test_the_cause_pushed_in_the_direction_of_the_change(former: At, ends: list[At]) -> None:
    if ends[-1].risk_class == former.risk_class:
        return
    steps = [Step(cause, end) for cause, end in zip(CAUSES, ends, strict=False)]
    shares = shares_of(former, steps, CUTS)
    cause = cause_of(former.risk_class, ends[-1].risk_class, shares)
    told = next(one for one in shares if one.cause == cause)
    way = 1 if ends[-1].risk_class > former.risk_class else -1
    assert way * (told.points + told.lift) > 0


def at(risk_class: str, score: float, *rules: str) -> At:
    return At(risk_class, score, rules)


@pytest.mark.parametrize(
    ("former", "steps", "told"),
    [
        pytest.param(
            at("D", 817.3), [("time", at("C", 604.0)), ("facts", at("C", 673.8))],
            ("time", [(-213.3, 0.0), (69.8, 0.0)]),
            id="a record raised the score while time lowered it more",
        ),
        pytest.param(
            at("B", 300.0), [("time", at("B", 290.0)), ("facts", at("D", 290.0, "H1"))],
            ("facts", [(-10.0, 0.0), (0.0, 460.0)]),
            id="a listing lifts to D where the score has no share",
        ),
        pytest.param(
            at("D", 290.0, "H1"), [("time", at("D", 295.0, "H1")), ("repair", at("B", 295.0))],
            ("repair", [(5.0, -5.0), (0.0, -455.0)]),
            id="a repair ends the rule",
        ),
        pytest.param(
            at("C", 760.0), [("time", at("D", 760.0))], ("time", [(0.0, 10.1)]),
            id="the second run in a row says D",
        ),
        pytest.param(
            at("B", 120.0), [("time", at("A", 120.0))], ("time", [(0.0, -80.0)]),
            id="a firm is no longer in its first year",
        ),
        pytest.param(
            at("D", 800.0, "H1"), [("facts", at("E", 800.0, "H1", "H2"))],
            ("facts", [(0.0, 200.1)]), id="E lies beyond the scale",
        ),
    ],
)  # fmt: skip
def test_what_moves_the_class_beside_the_score_has_its_share(
    former: At, steps: list[tuple[Cause, At]], told: tuple[Cause, list[tuple[float, float]]]
) -> None:
    shares = shares_of(former, [Step(cause, end) for cause, end in steps], CUTS)
    assert [(one.points, one.lift) for one in shares] == told[1]
    assert cause_of(former.risk_class, steps[-1][1].risk_class, shares) == told[0]


def test_a_change_is_the_same_when_it_is_read_again() -> None:
    told = changed_class("91440300192317458F", rules=("H1",))
    assert ClassChange.of_json(told.as_json()) == told
