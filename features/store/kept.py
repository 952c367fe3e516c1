"""What is known of others, kept beside the lake: read once, asked at any moment."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from xinheng.features.catalogue import version_of
from xinheng.features.indicator import FeatureColumn
from xinheng.features.others.others import Others
from xinheng.records.lake import Lake


def kept_others(
    folder: Path,
    lake: Lake,
    columns: Sequence[FeatureColumn],
    as_of: datetime,
    *,
    on_step: Callable[[str], None] = lambda _: None,
) -> Others:
    """What the columns need of everybody else, at any moment up to the end of the year.

    Read from the lake where the folder has nothing of this state of it; what was kept of former
    states goes.
    """
    year_end = datetime(as_of.year + 1, 1, 2, tzinfo=UTC)
    meaning = version_of(dict.fromkeys(column.indicator for column in columns))
    own = folder / f"others-{meaning}-batch{lake.snapshot.number}-{as_of.year}"
    if own.exists():
        return Others.load(own, lake, columns)
    others = Others.of(lake, columns, year_end, on_step=on_step)
    for former in folder.glob("others-*"):
        if f"-batch{lake.snapshot.number}-" not in former.name:
            shutil.rmtree(former)
    others.save(own)
    return others
