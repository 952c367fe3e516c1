"""Records that nobody delivered, as the lake would store them: for questions of "what if"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import polars as pl

from xinheng.errors import BadRequest
from xinheng.records.inbox.store import Sent
from xinheng.records.inbox.take import as_sent
from xinheng.records.intake.staging import formed
from xinheng.records.lake import stored_schema
from xinheng.records.sources.mapping import Identifier, Origin, TableMapping
from xinheng.records.sources.mapping import Mapping as Meaning
from xinheng.records.sources.shaping import FILE, ROW, shape
from xinheng.records.tables import table
from xinheng.records.versions import KEY

SUPPOSED = "supposed"
"""Before the ids of such records."""


def as_stored(
    sent: Sequence[Sent], former: Callable[[str], pl.DataFrame], *, at: datetime
) -> dict[str, pl.DataFrame]:
    """By table the former rows and the supposed ones, as known at a moment.

    A supposed record with the number of a former one is its next version.

    Parameters
    ----------
    former
        Stored rows by table, of the enterprises that are asked about.

    Raises
    ------
    BadRequest
        If the quality gate could not read a record.
    """
    by_table: dict[str, list[Mapping[str, object]]] = {}
    for one in sent:
        by_table.setdefault(one.record_type, []).append(one.values)
    return {
        name: pl.concat([former(name), _rows(name, rows, former(name), at)])
        for name, rows in by_table.items()
    }


def _rows(
    name: str, sent: Sequence[Mapping[str, object]], former: pl.DataFrame, at: datetime
) -> pl.DataFrame:
    target = table(name)
    frame = as_sent(target, sent, [at] * len(sent))
    meaning = _meaning(name, tuple(frame.columns))
    frame = frame.with_columns(
        pl.lit(0, pl.Int32).alias(FILE), pl.int_range(1, len(sent) + 1).alias(ROW)
    )
    shaped = shape(frame, meaning, meaning.tables[0], where=name)
    rows, findings = formed(shaped, target)
    bad = findings.filter(pl.col("severity") == "reject")
    if bad.height:
        first = bad.row(0, named=True)
        number = int(shaped.rows[ROW][first["at"]])
        raise BadRequest(
            f"{name} record {number}: {first['check']} {first['message_en']}",
            hint=f"see `xinheng records describe {name}`",
        )
    newest = former.group_by(KEY).agg(_last=pl.col("version").max())
    numbered = rows.join(newest, on=KEY, how="left", maintain_order="left").with_columns(
        version=pl.col("_last").fill_null(0) + pl.int_range(1, pl.len() + 1).over(KEY),
        quality_status=pl.lit("passed"),
        record_id=pl.concat_str(pl.lit(SUPPOSED), pl.lit(name), *KEY, separator="/"),
    )
    return numbered.select(
        (pl.col(c) if c in numbered.columns else pl.lit(None)).cast(dtype).alias(c)
        for c, dtype in stored_schema(name).items()
    )


@lru_cache(maxsize=256)
def _meaning(name: str, columns: tuple[str, ...]) -> Meaning:
    """Columns as the table names them."""
    own = {c: Origin(column=c) for c in columns if c != "uscc"}
    part = TableMapping(name=name, file="-", columns=own)
    return Meaning(identifier=Identifier(kind="uscc", column="uscc"), table=[part])
