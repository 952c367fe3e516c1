"""A comparison of two versions as text and as a page."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from xinheng.training.control.comparing import Comparison
from xinheng.training.control.paired import Difference
from xinheng.training.control.plots import calibration_plot
from xinheng.training.judging.judge import bins_of
from xinheng.training.judging.tell import TITLES, number

SHOWN = 10


@cache
def templates() -> Environment:
    """The templates of cards and comparisons."""
    return Environment(
        loader=PackageLoader("xinheng.training.control", "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def comparison_text(found: Comparison) -> str:
    """What `xinheng models compare` prints."""
    lines = [
        f"{found.cases:,} cases of the test period; first {found.first}, second {found.second}",
        "",
        f"{'':<26}{'first':>9}{'second':>9}{'difference':>12}   95 % interval",
    ]
    lines += [_figure(name, one) for name, one in found.figures.items()]
    moves = found.moves
    lines += [
        "",
        (
            f"{moves.moved:,} of {moves.asked:,} would change class or alert ({moves.share:.1%}); "
            f"{moves.flips:.1%} of the top three reasons are others"
        ),
        *(f"  {a} -> {b}: {n:,}" for (a, b), n in moves.table.items() if a != b),
    ]
    for one in moves.movers[:SHOWN]:
        lines.append(
            f"{one.uscc}  {one.first} -> {one.second}  "
            f"score {one.first_score:.0f} -> {one.second_score:.0f}"
        )
        lines += [f"    {sentence}" for sentence in one.reasons_zh]
    return "\n".join(lines)


def comparison_page(found: Comparison) -> str:
    """The same as HTML, with the calibration of both."""
    bins = {
        name: [asdict(one) for one in bins_of(visits.label, visits.probability)]
        for name, visits in zip((found.first, found.second), found.visits, strict=True)
        if visits.probability is not None
    }
    return (
        templates()
        .get_template("comparison.html")
        .render(found=found, plot=calibration_plot(bins), titles=TITLES, number=number)
    )


def _figure(name: str, one: Difference) -> str:
    gap: Any = one.gap
    mark = "  *" if gap.low > 0 or gap.high < 0 else ""
    return (
        f"{TITLES[name]:<26}{number(one.first):>9}{number(one.second):>9}{gap.value:>+12.3f}"
        f"   {gap.low:+.3f} to {gap.high:+.3f}{mark}"
    )
