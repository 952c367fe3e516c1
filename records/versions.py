"""Which arriving rows are new, which correct a stored record, and which say nothing new."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b

import polars as pl

from xinheng.records.tables import Table

KEY = ["source_system", "source_record_no"]
"""A fact, whatever its version."""
SCORABLE = ("passed", "warned", "confirmed_twice")
"""Quality states of versions that may be scored (domain README, section 2)."""
CONTENT = "content_hash"
STORED = [*KEY, "uscc", "version", "known_at", CONTENT]
"""What is asked of the newest stored version of each fact."""
STATED = "_stated"
"""Whether the source itself says what an operation is."""
_BESIDE = ["_order", "_base", "_since", "_last", "_home"]
_NOT_CONTENT = {"record_id", "version", "batch_id", "known_at", "quality_status"}


def standing(versions: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """The newest version of each fact that was known at a moment, unless withdrawn or held.

    What happened, whether or not it is still in force.
    """
    known = versions.filter(pl.col("known_at") <= as_of.astimezone(UTC))
    newest = known.sort(*KEY, "version").group_by(*KEY, "uscc", maintain_order=True).last()
    return newest.filter(
        pl.col("operation") != "withdraw", pl.col("quality_status").is_in(SCORABLE)
    )


def content_hash(table: Table, rows: pl.DataFrame) -> pl.Series:
    """Hash of what a row says, without when and how it arrived; the same on every machine.

    `rows` holds all stored columns of the table; 64 bits are compared within one fact only.
    """
    said = sorted(set(table.schema) - _NOT_CONTENT)
    texts = rows.select(pl.struct(said).struct.json_encode()).to_series()
    digests = [
        int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)
        for text in texts
    ]
    return pl.Series(CONTENT, digests, dtype=pl.Int64)


def compared(rows: pl.DataFrame, stored: pl.DataFrame, former: pl.DataFrame) -> pl.DataFrame:
    """Add `is_duplicate` and `is_back_dated` to arriving rows, in the order of the rows.

    A row equal to the version before it is a duplicate. So is an insert equal to any version
    before it, where the source says what is an insert (`STATED`): a late copy of an old version
    would undo its correction. A row that claims to have been known
    before a version already stored is back-dated: history is never rewritten.

    Parameters
    ----------
    rows
        Arriving rows with `KEY`, `known_at` and `content_hash`.
    stored
        The newest stored version of each fact: `STORED`.
    former
        `KEY` and `content_hash` of all stored versions of these facts.
    """
    chained = _chained(rows, stored)
    back_dated = (pl.col("known_at") < pl.col("_since")).fill_null(value=False)
    said = chained.with_columns(is_back_dated=back_dated)
    follows = _continues() & ~pl.col("is_back_dated").shift(1)
    before = pl.when(follows).then(pl.col(CONTENT).shift(1)).otherwise(pl.col("_last"))
    flagged = said.with_columns(
        is_duplicate=~pl.col("is_back_dated") & (pl.col(CONTENT) == before).fill_null(value=False)
    )
    return _with_late_copies(flagged, former).sort("_order").drop(_BESIDE)


def _with_late_copies(chained: pl.DataFrame, former: pl.DataFrame) -> pl.DataFrame:
    """Mark inserts that some earlier version, stored or arriving, already said."""
    same = [*KEY, CONTENT]
    known = former.select(same).unique().with_columns(_known=True)
    beside = chained.join(known, on=same, how="left", maintain_order="left")
    again = pl.col("_known").fill_null(value=False) | ~pl.struct(same).is_first_distinct()
    copy = pl.col(STATED) & (pl.col("operation") == "insert") & again & ~pl.col("is_back_dated")
    return beside.with_columns(is_duplicate=pl.col("is_duplicate") | copy).drop("_known")


def numbered(rows: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Add `version` to rows that are kept, and `moved_from` where a correction names a new firm.

    The version that leaves a firm is followed by a withdrawal there, which takes a number too.
    """
    chained = _chained(rows, stored)
    before = pl.when(_continues()).then(pl.col("uscc").shift(1)).otherwise(pl.col("_home"))
    moved = (before != pl.col("uscc")).fill_null(value=False)
    counted = chained.with_columns(moved_from=pl.when(moved).then(before)).with_columns(
        _steps=(1 + pl.col("moved_from").is_not_null().cast(pl.Int64)).cum_sum()
    )
    earlier = pl.col("_steps").shift(1, fill_value=0)
    start = pl.when(~_continues()).then(earlier).forward_fill()
    version = pl.col("_base").fill_null(0) + pl.col("_steps") - start
    return counted.with_columns(version=version).sort("_order").drop(*_BESIDE, "_steps")


def _continues() -> pl.Expr:
    """Whether a row is of the same fact as the row before it."""
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in KEY)
    return same.fill_null(value=False)


def _chained(rows: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Rows by fact and arrival, each beside the newest stored version of its fact."""
    newest = stored.select(
        *KEY, _home="uscc", _base="version", _since="known_at", _last=pl.col(CONTENT)
    )
    ordered = rows.with_row_index("_order").join(newest, on=KEY, how="left")
    return ordered.sort(*KEY, "known_at", "_order")
