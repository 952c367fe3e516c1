"""Approved repairs act on their target from their own day on, whatever the target itself says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import polars as pl

from xinheng.records.frames import (
    NONE,
    days,
    first_moments,
    is_in,
    microseconds,
    where,
)
from xinheng.records.spans import FROM, NEVER_US, SPAN_COLUMNS, UNTIL, with_spans

REPAIR_TABLE = "credit_repair"
REPAIR_COLUMNS = (
    *SPAN_COLUMNS, "target_table", "target_record_id", "result", "effective_on", "decided_on",
)  # fmt: skip
"""What is read of applications for a repair."""
HOLES: dict[str, pl.DataType] = {"row": pl.UInt32(), "since": pl.Int64(), "until": pl.Int64()}
"""The time in which a row (by its number) is repaired, in microseconds."""
_VERSION = r"/v\d+$"


class Repairs:
    """By table the records that are repaired, and from when until when."""

    def __init__(self, by_table: Mapping[str, pl.DataFrame]) -> None:
        self._by_table = by_table

    @classmethod
    def of(cls, versions: pl.DataFrame) -> Self:
        """The approved ones of all versions of applications, with `REPAIR_COLUMNS`.

        A repair acts from the day on which it takes effect, once it is known; one without such a
        day from the day of the decision. It acts no longer once it is withdrawn or rejected.
        """
        if versions.height == 0:
            return cls({})
        rows = with_spans(versions)
        approved = where(rows, is_in(rows["result"], ("approved",)))
        if approved.height == 0:
            return cls({})
        effective, decided = (days(approved[c]) for c in ("effective_on", "decided_on"))
        day = first_moments(np.where(effective == NONE, decided, effective))
        since = np.maximum(microseconds(approved[FROM]), day)
        target = approved["target_record_id"]
        told = approved.select("uscc", "target_table").with_columns(
            since=pl.Series(since),
            until=pl.Series(microseconds(approved[UNTIL])),
            target=target,
            _bare=target.str.replace(_VERSION, ""),
        )
        bare = told.filter(pl.col("_bare") != pl.col("target")).with_columns(target="_bare")
        both = pl.concat([told, bare]).drop("_bare").filter(pl.col("since") < pl.col("until"))
        parts = both.partition_by("target_table", as_dict=True, include_key=False)
        return cls({str(name): rows for (name,), rows in parts.items()})

    def acts_on(self, name: str) -> bool:
        """Whether a record of the table is repaired at any time."""
        return name in self._by_table

    def holes(self, name: str, facts: pl.DataFrame) -> pl.DataFrame:
        """When each fact of a table is repaired: `HOLES`, in the order of the rows.

        Parameters
        ----------
        facts
            `uscc`, `source_system` and `source_record_no`. A repair names its target by the
            record's id, with or without a version, or by its number at the source.
        """
        if name not in self._by_table or facts.height == 0:
            return pl.DataFrame(schema=HOLES)
        full = pl.concat_str(pl.lit(name), "source_system", "source_record_no", separator="/")
        rows = facts.select("uscc", full.alias("full"), short="source_record_no")
        numbered = rows.with_row_index("row")
        repaired = self._by_table[name]
        found = [
            numbered.join(repaired, left_on=["uscc", key], right_on=["uscc", "target"])
            for key in ("full", "short")
        ]
        return pl.concat([one.select([*HOLES]) for one in found]).sort("row", "since")


def repaired_themselves(ids: pl.Series, versions: pl.DataFrame) -> pl.DataFrame:
    """When the versions of some record ids say of themselves that they are repaired: `HOLES`."""
    day = first_moments(days(versions["repaired_at"]))
    told = where(versions.select("record_id").with_columns(since=pl.Series(day)), day != NONE)
    rows = pl.DataFrame({"record_id": ids}).with_row_index("row")
    found = rows.join(told, on="record_id").with_columns(until=pl.lit(NEVER_US))
    return found.select(pl.col(n).cast(d) for n, d in HOLES.items()).sort("row", "since")
