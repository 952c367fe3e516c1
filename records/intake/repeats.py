"""Deliveries that came before: which are taken already, and which say something new again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from xinheng.records.intake.deliveries import AGAIN, Delivery
from xinheng.records.lake import Lake


def leave_taken(deliveries: Sequence[Delivery], lake: Lake) -> list[Delivery | None]:
    """Each delivery as the batch that it will be; none where it is a batch already.

    A delivery with a manifest is one batch for ever. The same files without one are a new batch
    when other rows of their tables came in between: what they say may stand no more.
    """
    times: dict[str, int] = {}
    touched: dict[str, set[str]] = {}
    """By digest the tables that were delivered since."""

    def enter(digest: str, tables: set[str]) -> None:
        for since in touched.values():
            since.update(tables)
        times[digest] = times.get(digest, 0) + 1
        touched[digest] = set()

    for digest, told in lake.deliveries().select("digest", "table_rows").iter_rows():
        enter(digest.partition(AGAIN)[0], {*json.loads(told)})
    found: list[Delivery | None] = []
    for delivery in deliveries:
        digest, tables = delivery.digest, {part.name for part in delivery.mapping.tables}
        before = times.get(digest, 0)
        if before and (delivery.manifest is not None or not tables & touched[digest]):
            found.append(None)
            continue
        enter(digest, tables)
        found.append(replace(delivery, digest=f"{digest}{AGAIN}{before}") if before else delivery)
    return found
