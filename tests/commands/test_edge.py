"""How far a step is, read off its own words."""

from __future__ import annotations

import pytest

from xinheng.commands.edge import share_done


@pytest.mark.parametrize(
    ("step", "share"),
    [
        pytest.param("enterprises, part: 3 of 12", (3, 12), id="parts"),
        pytest.param("deliveries 1 to 928 of 928", (928, 928), id="a span"),
        pytest.param("rolling origin 2 of 4: tree 50 of 300", (50, 300), id="the innermost"),
        pytest.param("rows 1,200 of 24,000", (1200, 24000), id="thousands"),
        pytest.param("keeping the version", (0, None), id="says nothing"),
        pytest.param("0 of 0", (0, None), id="nothing to do"),
        pytest.param("5 of 3 promised rows", (0, None), id="not a share"),
    ],
)
def test_how_far_a_step_is(step: str, share: tuple[float, float | None]) -> None:
    assert share_done(step) == share
