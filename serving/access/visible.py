"""Of rows about many enterprises those that are a client's business."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from xinheng.serving.access.guard import Caller

Row = TypeVar("Row")


class Regions(Protocol):
    """Who knows where enterprises are registered."""

    def regions(self, usccs: Sequence[str]) -> dict[str, str]: ...


def visible(
    caller: Caller, where: Regions, rows: Sequence[Row], uscc_of: Callable[[Row], str]
) -> list[Row]:
    """Without those of other districts; how many enterprises are told goes to the log."""
    shown = list(rows)
    if caller.client.region:
        regions = where.regions([*{uscc_of(row) for row in rows}])
        shown = [row for row in rows if caller.client.sees(regions.get(uscc_of(row), ""))]
    caller.enterprises = len({uscc_of(row) for row in shown})
    return shown
