"""Which versions of other records a row under examination may be compared with.

The gate asks the engine's question: what was known, and still stood, when the row arrived. A row
sees what earlier deliveries left in the archive and the rows of its own delivery, as far as they
were known by its own `known_at`; a version that a newer one had ended by then stands no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from xinheng.records.sources.origins import WIDE
from xinheng.records.spans import OPERATIONS
from xinheng.records.versions import KEY, SCORABLE

DELIVERY = "_delivery"
"""Number of a row's delivery among those taken together; `STORED` for rows of the lake."""
STORED = -1
SEEN_FROM = "_seen_from"
"""Number of the first delivery whose rows see what became of the row."""
IS_KEPT = "_is_kept"
"""Whether the row became a version; rows of its own delivery see it in any case."""
STATUS = "_status"
"""`quality_status`; of a row whose own delivery is being judged, as if it had passed."""
PLACE = "_place"
"""Order among versions of one fact that were known at the same moment: see `place`."""
SIGHT = (DELIVERY, SEEN_FROM, IS_KEPT, PLACE, STATUS)
State = Literal["usable", "held", "ever"]
"""What counts: versions that may be scored, also those that wait for an answer, or all."""
_VIEWER, _PAIR, _MAY_END = "_viewer", "_pair", "_may_end"
_BESIDE = (*KEY, "uscc", "known_at", "operation", *SIGHT)
_RANK = 1 << 61
_ORDER = ("insert", "correct", "withdraw")
"""What one delivery says of a fact at one moment follows in this order, not in that of rows."""


def place(file: pl.Expr, row: pl.Expr) -> pl.Expr:
    """Order of an arriving row among those of its moment: by operation, file, part and row.

    One number for each row of an intake: 17 bits of the file, 12 of the part of a wide row and 32
    of the row.
    """
    ranks = {name: number * _RANK for number, name in enumerate(_ORDER)}
    rank = pl.col("operation").replace_strict(ranks, return_dtype=pl.Int64)
    return rank + file.cast(pl.Int64) * (1 << 44) + row // WIDE * (1 << 32) + row % WIDE


@dataclass(frozen=True, slots=True)
class Archive:
    """Versions of one table's records, with `KEY`, `known_at`, `operation` and `SIGHT`."""

    rows: pl.LazyFrame
    later: Callable[[], pl.DataFrame]
    """The versions that may have ended another one of their fact."""


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of one table's records, to be compared with rows under examination."""

    rows: pl.LazyFrame
    later: Callable[[], pl.DataFrame]
    viewers: pl.DataFrame
    """The rows under examination, with `KEY`, `known_at` and `DELIVERY`."""
    arrived: bool = False

    def that_arrived(self) -> Versions:
        """Also those of the row's delivery, and of earlier ones, that were known after the row.

        Whether a firm or a decision exists is answered by what is there when the row arrives: a
        delivery of years ago may tell of the register's entry some days after its licence.
        """
        return replace(self, arrived=True)

    def where(self, *conditions: pl.Expr) -> Versions:
        """Those that meet conditions; one that does not may still have ended another."""
        return replace(self, rows=self.rows.filter(*conditions))

    def beside(
        self,
        on: Sequence[str] | Mapping[str, pl.Expr],
        *,
        state: State = "usable",
        others: bool = False,
        alike: bool = False,
        viewers: Mapping[str, pl.Expr | pl.Series] | None = None,
        **columns: str | pl.Expr,
    ) -> Pairs:
        """Each row under examination beside the versions that stood when it arrived.

        Parameters
        ----------
        on
            Columns in which both agree; a mapping says what they are of the record.
        state
            Which versions count.
        others
            Leave out versions of the row's own fact.
        alike
            Look once for all rows that ask the same, where many do and each sees many versions.
        viewers
            Columns of the rows under examination: those of `on` that they have under another
            name, and those that are wanted beside the versions'.
        columns
            What is wanted of each version.
        """
        of_record = on if isinstance(on, Mapping) else {name: pl.col(name) for name in on}
        rows = _viewers(self.viewers, [*of_record], viewers or {}, others=others)
        asking = rows.unique(maintain_order=True) if alike else rows
        wanted = asking.lazy().select(*of_record).unique()
        found = (
            self.rows.select(
                **{f"_r{name}": pl.col(name) for name in _BESIDE},
                **{n: pl.col(c) if isinstance(c, str) else c for n, c in columns.items()},
                **{n: e for n, e in of_record.items() if n not in columns},
            )
            .join(wanted, on=[*of_record], how="semi", nulls_equal=True)
            .collect(engine="streaming")
        )
        later = pl.DataFrame() if state == "ever" else self.later()
        found = _with_ends(found, later)
        asking = asking.with_row_index(_VIEWER)
        pairs = asking.join(found, on=[*of_record], nulls_equal=True)
        pairs = pairs.filter(_has_arrived("_r") if self.arrived else _is_seen("_r"))
        if others:
            pairs = pairs.filter(
                pl.any_horizontal(pl.col(f"_own_{n}") != pl.col(f"_r{n}") for n in KEY)
            )
        numbers = asking[_VIEWER]
        if alike:
            numbers = rows.join(
                asking, on=rows.columns, how="left", nulls_equal=True, maintain_order="left"
            )[_VIEWER]
        return Pairs(_not_ended(pairs, later).filter(_counts(state)), numbers)

    def are_delivered(self) -> pl.Series:
        """Which rows see any version at all, whatever it says."""
        steps = self.rows.group_by(DELIVERY, SEEN_FROM, IS_KEPT).agg(pl.col("known_at").min())
        first = steps.select(pl.all().name.prefix("_r")).collect(engine="streaming")
        rows = self.viewers.select(DELIVERY, "known_at")
        distinct = rows.unique()
        seeing = distinct.join(first, how="cross").filter(_is_seen("_r")).select(distinct.columns)
        return rows.join(
            seeing.unique().with_columns(_any=True), on=rows.columns, how="left",
            maintain_order="left",
        )["_any"].is_not_null()  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows under examination beside versions that stood when they arrived."""

    pairs: pl.DataFrame
    numbers: pl.Series
    """Of each row under examination: which of the pairs are its own."""

    def where(self, *conditions: pl.Expr) -> Pairs:
        return replace(self, pairs=self.pairs.filter(*conditions))

    def agg(self, *, in_order: bool = False, **values: pl.Expr) -> pl.DataFrame:
        """What the versions beside each row say together, in the order of the rows.

        Null where there are none; `in_order`: the versions in the order in which they were known.
        """
        pairs = self.pairs
        if in_order and pairs[_VIEWER].n_unique() < pairs.height:
            pairs = pairs.sort("_rknown_at", f"_r{PLACE}", *(f"_r{n}" for n in KEY))
        grouped = pairs.group_by(_VIEWER, maintain_order=in_order).agg(**values)
        numbers = self.numbers.to_frame()
        told = numbers.join(grouped, on=_VIEWER, how="left", maintain_order="left")
        return told.select(*values)

    def any(self) -> pl.Series:
        """Which rows have any such version beside them."""
        there = self.pairs[_VIEWER].unique().implode()
        return self.numbers.is_in(there)


def _viewers(
    rows: pl.DataFrame,
    names: Sequence[str],
    named: Mapping[str, pl.Expr | pl.Series],
    *,
    others: bool,
) -> pl.DataFrame:
    own = {f"_own_{name}": pl.col(name) for name in KEY} if others else {}
    plain = [name for name in names if name not in named]
    return rows.select(*plain, DELIVERY, "known_at", **named, **own)


def _is_seen(prefix: str) -> pl.Expr:
    """Whether the row's delivery and moment see a version."""
    return (pl.col(f"{prefix}known_at") <= pl.col("known_at")) & _has_arrived(prefix)


def _has_arrived(prefix: str) -> pl.Expr:
    """Whether a version came with the row's delivery or before it."""
    delivery, first, kept = (pl.col(f"{prefix}{name}") for name in (DELIVERY, SEEN_FROM, IS_KEPT))
    viewer = pl.col(DELIVERY)
    return (kept & (viewer >= first)) | (viewer == delivery)


def _with_ends(found: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Say of versions whether another one of their fact may have ended them."""
    if later.height == 0:
        return found.with_columns(pl.lit(value=False).alias(_MAY_END))
    facts = later.select(pl.col(n).alias(f"_r{n}") for n in KEY).unique()
    named = facts.with_columns(pl.lit(value=True).alias(_MAY_END))
    beside = found.join(named, on=[f"_r{n}" for n in KEY], how="left", maintain_order="left")
    return beside.with_columns(pl.col(_MAY_END).fill_null(value=False))


def _not_ended(pairs: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Pairs whose version no newer version of the same fact, seen by the row, has ended."""
    numbered = pairs.with_row_index(_PAIR)
    open_ended = numbered.filter(_MAY_END)
    if open_ended.height == 0:
        return pairs
    newer = later.select(pl.col(n).alias(f"_l{n}") for n in _BESIDE)
    on = {f"_r{n}": f"_l{n}" for n in KEY}
    slim = open_ended.select(_PAIR, DELIVERY, "known_at", *(f"_r{n}" for n in _BESIDE))
    both = slim.join(newer, left_on=[*on], right_on=[*on.values()], how="inner")
    ended = both.filter(_is_seen("_l"), _is_newer()).select(_PAIR).unique()
    return numbered.join(ended, on=_PAIR, how="anti", maintain_order="left").drop(_PAIR)


def _is_newer() -> pl.Expr:
    """Whether version `_l` follows version `_r` of the same fact.

    Rows of one delivery with the same moment and operation do not follow one another: what they
    say stands side by side until the delivery is judged. A correction ends the fact at another
    enterprise; of stored ones the withdrawal there does.
    """
    newer, older = (
        [pl.col(f"{prefix}{name}") for name in (DELIVERY, "known_at", PLACE)]
        for prefix in ("_l", "_r")
    )
    (delivery, known, at), (of, since, before) = newer, older
    is_settled = pl.col(DELIVERY) != of
    in_order = pl.when(is_settled).then(at > before).otherwise(at // _RANK > before // _RANK)
    arrived = (known > since) | ((known == since) & in_order)
    follows = pl.when(of == STORED).then(at > before).otherwise(arrived)
    moves = (pl.col("_loperation") == "correct") & (delivery != STORED)
    concerns = (pl.col("_luscc") == pl.col("_ruscc")) | moves
    return concerns & ((delivery > of) | ((delivery == of) & follows))


def _counts(state: State) -> pl.Expr:
    if state == "ever":
        return pl.lit(value=True)
    goes_on = pl.col("_roperation").is_in(OPERATIONS)
    return goes_on & (pl.col(f"_r{STATUS}").is_in(SCORABLE) | pl.lit(state == "held") | _is_own())


def _is_own() -> pl.Expr:
    """Whether the version arrived with the row: it counts as if it had passed."""
    return pl.col(f"_r{DELIVERY}") == pl.col(DELIVERY)
