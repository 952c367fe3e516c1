"""When each version of a record may be used: spans `[usable_from, usable_until)` of time.

A version counts from the moment it is known until a newer version of the same fact is known.
With the spans at hand, knowledge at any number of moments is a comparison (domain README, 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numba import njit

from xinheng.records.frames import (
    FEW,
    Bools,
    Ints,
    as_moments,
    is_in,
    microseconds,
    where,
)
from xinheng.records.tables import MOMENT
from xinheng.records.versions import KEY, SCORABLE

FROM, UNTIL = "usable_from", "usable_until"
READ_FROM, READ_UNTIL = "read_from", "read_until"
"""When a version is read under the code of its row, where its firm bore several codes."""
EVER, NEVER = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
NEVER_US, EVER_US = round(NEVER.timestamp()) * 1_000_000, np.iinfo(np.int64).min
FACT = ["uscc", *KEY]
"""A fact about one enterprise, whatever its version."""
SPAN_COLUMNS = (*FACT, "version", "known_at", "operation", "quality_status")
_FACT_HASHES = tuple(
    pl.fold(
        pl.lit(0, pl.UInt64),
        lambda a, b: a ^ b,
        [pl.col(c).hash(seed + i) for i, c in enumerate(FACT)],
    )
    .reinterpret(signed=True)
    .alias(f"_fact{seed}")
    for seed in (0, 10)
)
"""128 bits that stand for the fact of a version."""
OPERATIONS = ("insert", "correct")
"""Operations after which a fact goes on; a withdrawal ends it."""


def with_spans(versions: pl.DataFrame) -> pl.DataFrame:
    """Scorable versions with the span of each; a span without end ends at `NEVER`.

    Needs all versions of the facts concerned, with `SPAN_COLUMNS`. A higher version supersedes a
    lower one from the moment it is known, in whatever order the two arrived; a withdrawn or
    unconfirmed version has no span, and ends that of the one before. What a version says may be
    over sooner: `xinheng.records.in_force` knows.
    """
    since = usable_from(versions)
    until = np.where(stands(versions), superseded_at(versions), EVER_US)
    spans = versions.hstack([as_moments(since).alias(FROM), as_moments(until).alias(UNTIL)])
    return where(spans, until > since)


def usable_from(versions: pl.DataFrame) -> Ints:
    """Moment from which each version may be used under the code of its row, in microseconds."""
    known_at = microseconds(versions["known_at"])
    if READ_FROM not in versions.columns:
        return known_at
    return np.maximum(known_at, microseconds(versions[READ_FROM]))


def stands(versions: pl.DataFrame) -> Bools:
    """Which versions may be scored while they are the newest."""
    goes_on = is_in(versions["operation"], OPERATIONS)
    return goes_on & is_in(versions["quality_status"], SCORABLE)


def superseded_at(versions: pl.DataFrame) -> Ints:
    """Moment at which each row is over: a newer version of its fact is known, or a newer code.

    In microseconds; the second only where its firm changed the code.
    """
    until = _newer_at(versions)
    if READ_UNTIL not in versions.columns:
        return until
    return np.minimum(until, microseconds(versions[READ_UNTIL]))


def _newer_at(versions: pl.DataFrame) -> Ints:
    newest = versions["version"].max()
    if not isinstance(newest, int) or newest <= 1:
        return np.full(versions.height, NEVER_US)
    version = versions["version"].cast(pl.Int64).to_numpy()
    return np.asarray(_superseded(*_facts(versions), version, microseconds(versions["known_at"])))


def _facts(versions: pl.DataFrame) -> tuple[Ints, Ints]:
    """Two numbers that stand for the fact of each version."""
    if versions.height > FEW:
        hashes = versions.select(_FACT_HASHES)
        return hashes["_fact0"].to_numpy(), hashes["_fact10"].to_numpy()
    known: dict[tuple[str, ...], int] = {}
    named = zip(*(versions[column].to_list() for column in FACT), strict=True)
    fact = np.array([known.setdefault(one, len(known)) for one in named], dtype=np.int64)
    return fact, fact


@njit(cache=True, nogil=True)
def _superseded(fact: Ints, check: Ints, version: Ints, known_at: Ints) -> Ints:
    until = np.full(len(fact), NEVER_US)
    order = np.argsort(fact)
    begin = 0
    for end in range(1, len(order) + 1):
        if end < len(order) and fact[order[end]] == fact[order[begin]]:
            continue
        for i in order[begin:end]:
            for j in order[begin:end]:
                if check[i] == check[j] and version[j] > version[i]:
                    until[i] = min(until[i], known_at[j])
        begin = end
    return until


def segments(rows: pl.LazyFrame, by: Sequence[str], **told: pl.Expr) -> pl.LazyFrame:
    """Cut time where the usable rows of a group change; tell of each stretch what `told` says.

    `rows` carry spans. The stretches of a group follow one another from `EVER` to `NEVER`; in one
    without usable rows everything told is null.
    """
    pieces = stretches(rows.select(*by, FROM, UNTIL), by)
    held = pieces.join(rows.rename({FROM: "_from", UNTIL: "_until"}), on=by).filter(
        pl.col("_from") <= pl.col(FROM), pl.col(FROM) < pl.col("_until")
    )
    found = held.group_by(*by, FROM).agg(**told)
    return pieces.join(found, on=[*by, FROM], how="left")


def stretches(rows: pl.LazyFrame, by: Sequence[str]) -> pl.LazyFrame:
    """The stretches of each group, from `EVER` to `NEVER`, cut at every begin and end of a row."""
    groups = rows.select(by).unique().with_columns(pl.lit(EVER).cast(MOMENT).alias(FROM))
    points = [groups, *(rows.select(*by, pl.col(edge).alias(FROM)) for edge in (FROM, UNTIL))]
    cuts = pl.concat(points).filter(pl.col(FROM) < NEVER).unique().sort(*by, FROM)
    is_last = pl.any_horizontal(pl.col(c) != pl.col(c).shift(-1) for c in by).fill_null(value=True)
    till = pl.when(is_last).then(pl.lit(NEVER)).otherwise(pl.col(FROM).shift(-1))
    return cuts.with_columns(till.cast(MOMENT).alias(UNTIL))


def merged(pieces: pl.LazyFrame, by: Sequence[str], told: Sequence[str]) -> pl.LazyFrame:
    """Join neighbouring stretches of a group that tell the same."""
    changes = pl.any_horizontal(pl.col(c).ne_missing(pl.col(c).shift(1)) for c in (*by, *told))
    begun = pieces.sort(*by, FROM).with_columns(_run=changes.cum_sum())
    runs = begun.group_by("_run", maintain_order=True).agg(
        pl.col(*by, *told, FROM).first(), pl.col(UNTIL).last()
    )
    return runs.drop("_run")


def overlapping(left: pl.LazyFrame, right: pl.LazyFrame, on: Sequence[str]) -> pl.LazyFrame:
    """Rows of the left beside each stretch of the right in which they are usable.

    The spans are cut to the common time; a left row without a group on the right stays whole.
    """
    beside = left.join(right, on=on, how="left", suffix="_right")
    cut = beside.with_columns(
        pl.max_horizontal(FROM, f"{FROM}_right").alias(FROM),
        pl.min_horizontal(UNTIL, f"{UNTIL}_right").alias(UNTIL),
    )
    return cut.drop(f"{FROM}_right", f"{UNTIL}_right").filter(pl.col(FROM) < pl.col(UNTIL))
