"""The codes of one firm: which code its records are read with, and from when this was known.

A firm is one firm through its codes (domain README, section 6). A code is succeeded by another
while a standing row of the register says so: the row under the new code names the old one in
`former_uscc`, or it is a correction of the same register number that was filed under the old
code before. A code that still stands on the register with a living entry is never succeeded, so
that a wrong number in `former_uscc` cannot take a living firm off the register.

Records stay under the code that they arrived under. From the moment the succession is known they
are read with the present code; a question about an earlier moment is answered with the codes
that were known then. The register's entry of a former code ends with that code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import polars as pl

from xinheng.domain import bucket_of, normal_uscc
from xinheng.records.frames import is_in, microsecond, microseconds, where
from xinheng.records.spans import (
    EVER,
    FROM,
    NEVER_US,
    READ_FROM,
    READ_UNTIL,
    SPAN_COLUMNS,
    UNTIL,
    with_spans,
)
from xinheng.records.tables import MOMENT
from xinheng.records.versions import KEY

REGISTER = "entity"
BEGINNING_US = microsecond(EVER)
LEFT = ("moved_out", "cancelled")
"""States of an entry whose firm may go on under another code."""
REGISTER_COLUMNS = tuple(dict.fromkeys((*SPAN_COLUMNS, "status", "former_uscc")))
"""What is read of the register's versions."""
PIECES: dict[str, pl.DataType] = {
    "uscc": pl.String(),
    "_present": pl.String(),
    READ_FROM: pl.Datetime("us", "UTC"),
    READ_UNTIL: pl.Datetime("us", "UTC"),
}


class Claim(NamedTuple):
    """A standing entry of the register that continues another code."""

    former: str
    successor: str
    since: int
    until: int
    """Microseconds; `[since, until)` is when the register stated it."""


class Piece(NamedTuple):
    """A span of time in which the records of a code are read with another code, or with its own."""

    present: str
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class FormerCode:
    """A code that a firm bore before."""

    uscc: str
    until: datetime
    """The moment from which the change was known."""


class Successions:
    """Which code stands for which firm when; codes that nobody succeeded are not in it."""

    def __init__(self, pieces: Mapping[str, Sequence[Piece]]) -> None:
        self.pieces = pieces

    @classmethod
    def of(cls, versions: pl.DataFrame) -> Successions:
        """The successions that versions of the register state: `REGISTER_COLUMNS`."""
        claims = _claims(versions)
        if not claims:
            return NO_SUCCESSIONS
        return cls(_resolved(_without_living(claims, versions)))

    def present(self, uscc: str, at: datetime) -> str:
        """The code with which a code's firm was known at a moment."""
        moment = microsecond(at)
        own = self.pieces.get(uscc, ())
        return next((p.present for p in own if p.since <= moment < p.until), uscc)

    def former(self, uscc: str, at: datetime) -> list[FormerCode]:
        """The codes that a firm bore before, as known at a moment, the latest change first."""
        moment = microsecond(at)
        codes = [
            FormerCode(code, datetime.fromtimestamp(piece.since / 1e6, UTC))
            for code in self._heirs.get(uscc, ())
            for piece in self.pieces[code]
            if piece.present == uscc and piece.since <= moment < piece.until
        ]
        return sorted(codes, key=lambda one: (one.until, one.uscc), reverse=True)

    def read_with(self, usccs: Sequence[str]) -> Sequence[str]:
        """Codes, and those whose records are at some time read with one of them."""
        if not self.pieces:
            return usccs
        heirs = [code for uscc in usccs for code in self._heirs.get(uscc, ())]
        return [*dict.fromkeys((*usccs, *heirs))] if heirs else usccs

    def family(self, usccs: Iterable[str]) -> list[str]:
        """Codes, and all codes that their firms bore at some time."""
        known, waiting = dict[str, None](), [*usccs]
        while waiting:
            code = waiting.pop(0)
            if code in known:
                continue
            known[code] = None
            waiting += self._heirs.get(code, ())
            waiting += [piece.present for piece in self.pieces.get(code, ())]
        return [*known]

    def strangers(self, buckets: Collection[int], of: int) -> list[str]:
        """Codes of other buckets whose records are at some time read with a code of these."""
        return [
            code
            for code, own in self.pieces.items()
            if bucket_of(code, of) not in buckets
            and any(bucket_of(piece.present, of) in buckets for piece in own)
        ]

    def read(self, name: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Versions of a table under the codes that they are read with.

        A version that is read with several codes one after another becomes several rows, with
        `READ_FROM` and `READ_UNTIL`; where no code was succeeded the rows come back as they are.
        """
        if not self.pieces or rows.height == 0:
            return rows
        is_moving = is_in(rows["uscc"], self.pieces)
        if not is_moving.any():
            return rows
        moving = where(rows, is_moving).join(self._frame, on="uscc", how="inner")
        moving = moving.filter(pl.col(READ_UNTIL) > pl.col("known_at"))
        if name == REGISTER:
            moving = moving.filter(pl.col("_present") == pl.col("uscc"))
        moved = moving.with_columns(uscc="_present").drop("_present")
        stays = where(rows, ~is_moving).with_columns(_always())
        return pl.concat([stays, moved.select(stays.columns)], rechunk=True)

    def name_presently(self, spans: pl.DataFrame, column: str) -> pl.DataFrame:
        """Rows with spans, cut and with the present code where a column names another firm's."""
        if not self.pieces or spans.height == 0 or spans.schema[column] != pl.String:
            return spans
        is_moving = is_in(spans[column], self.pieces)
        if not is_moving.any():
            return spans
        pieces = self._frame.rename({"uscc": column, READ_FROM: "_since", READ_UNTIL: "_until"})
        cut = where(spans, is_moving).join(pieces, on=column).with_columns(
            pl.col("_present").alias(column),
            pl.max_horizontal(FROM, "_since").alias(FROM),
            pl.min_horizontal(UNTIL, "_until").alias(UNTIL),
        )  # fmt: skip
        named = cut.filter(pl.col(FROM) < pl.col(UNTIL)).select(spans.columns)
        return pl.concat([where(spans, ~is_moving), named], rechunk=True)

    @cached_property
    def _heirs(self) -> Mapping[str, list[str]]:
        """By code those whose records are read with it."""
        heirs: dict[str, list[str]] = {}
        for code, own in self.pieces.items():
            for present in dict.fromkeys(p.present for p in own if p.present != code):
                heirs.setdefault(present, []).append(code)
        return heirs

    @cached_property
    def _frame(self) -> pl.DataFrame:
        rows = [(code, *piece) for code, own in self.pieces.items() for piece in own]
        named = pl.DataFrame(
            rows,
            schema={n: pl.Int64 if n in _ALWAYS else d for n, d in PIECES.items()},
            orient="row",
        )
        return named.with_columns(pl.col(edge).cast(MOMENT) for edge in _ALWAYS)


_ALWAYS = {READ_FROM: BEGINNING_US, READ_UNTIL: NEVER_US}
NO_SUCCESSIONS = Successions({})
"""No firm changed its code."""


def _always() -> list[pl.Expr]:
    """The edges of all time."""
    return [pl.lit(edge).cast(MOMENT).alias(name) for name, edge in _ALWAYS.items()]


def may_state_succession() -> pl.Expr:
    """Rows of the register without which no code is succeeded."""
    return pl.col("former_uscc").is_not_null() | (pl.col("operation") == "withdraw")


def _claims(versions: pl.DataFrame) -> list[Claim]:
    """All that entries of the register state of former codes."""
    if versions.height == 0 or not versions.select(may_state_succession().any()).item():
        return []
    spans = with_spans(versions)
    return [*_named(spans), *_moved(versions, spans)]


def _named(spans: pl.DataFrame) -> list[Claim]:
    """Former codes, or the register's numbers of them, in `former_uscc`."""
    numbers = dict(spans.select("source_record_no", "uscc").iter_rows())
    rows = spans.filter(pl.col("former_uscc").is_not_null())
    claims = []
    for uscc, stated, since, until in zip(
        rows["uscc"], rows["former_uscc"], *_edges(rows), strict=True
    ):
        code = normal_uscc(stated)
        claims.append(Claim(numbers.get(stated.strip(), code), uscc, since, until))
    return [claim for claim in claims if claim.former and claim.former != claim.successor]


def _moved(versions: pl.DataFrame, spans: pl.DataFrame) -> list[Claim]:
    """Entries of one register number that a correction filed under another code."""
    several = versions.group_by(KEY).agg(n=pl.col("uscc").n_unique()).filter(pl.col("n") > 1)
    if several.height == 0:
        return []
    left = versions.join(several, on=KEY, how="semi").group_by(*KEY, former="uscc")
    before = left.agg(_last=pl.col("version").max())
    both = spans.join(before, on=KEY).filter(
        pl.col("uscc") != pl.col("former"), pl.col("version") > pl.col("_last")
    )
    return [
        Claim(former, uscc, since, until)
        for former, uscc, since, until in zip(
            both["former"], both["uscc"], *_edges(both), strict=True
        )
    ]


def _edges(rows: pl.DataFrame) -> tuple[list[int], list[int]]:
    since, until = (microseconds(rows[edge]).tolist() for edge in (FROM, UNTIL))
    return since, until


def _without_living(claims: Sequence[Claim], versions: pl.DataFrame) -> list[Claim]:
    """The parts of claims in which the former code has no living entry."""
    formers = {claim.former for claim in claims}
    own = versions.filter(pl.col("uscc").is_in(formers), ~pl.col("status").is_in(LEFT))
    if own.height == 0:
        return [*claims]
    kept = versions.filter(pl.col("uscc").is_in(formers))
    rows = with_spans(kept).filter(~pl.col("status").is_in(LEFT))
    living: dict[str, list[tuple[int, int]]] = {}
    for uscc, since, until in zip(rows["uscc"], *_edges(rows), strict=True):
        living.setdefault(uscc, []).append((since, until))
    return [part for claim in claims for part in _cut(claim, living.get(claim.former, ()))]


def _cut(claim: Claim, out: Sequence[tuple[int, int]]) -> list[Claim]:
    """A claim without some spans of time."""
    parts = [claim]
    for since, until in out:
        parts = [
            part
            for one in parts
            for part in (
                one._replace(until=min(one.until, since)),
                one._replace(since=max(one.since, until)),
            )
            if part.since < part.until
        ]
    return parts


def _resolved(claims: Sequence[Claim]) -> dict[str, list[Piece]]:
    """For every code that was succeeded all of time, cut where its present code changes."""
    first: dict[tuple[str, str], int] = {}
    for claim in claims:
        pair = claim.former, claim.successor
        first[pair] = min(first.get(pair, NEVER_US), claim.since)
    pieces: dict[str, list[Piece]] = {}
    for group in _connected(claims):
        points = sorted({BEGINNING_US, NEVER_US, *(edge for c in group for edge in c[2:])})
        for since, until in pairwise(points):
            active = [c for c in group if c.since <= since < c.until]
            step = _chosen(active, first)
            for code in {c.former for c in group}:
                _add(pieces.setdefault(code, []), Piece(_last(code, step), since, until))
    moved = (code for code, own in pieces.items() if any(p.present != code for p in own))
    return {code: pieces[code] for code in sorted(moved)}


def _connected(claims: Sequence[Claim]) -> list[list[Claim]]:
    """Claims in groups that share no code."""
    group_of: dict[str, list[Claim]] = {}
    for claim in claims:
        one, other = (group_of.get(code, []) for code in claim[:2])
        joined = [*one, *(c for c in other if c not in one), claim]
        for code in {c for part in joined for c in part[:2]}:
            group_of[code] = joined
    return [*{id(group): group for group in group_of.values()}.values()]


def _chosen(active: Sequence[Claim], first: Mapping[tuple[str, str], int]) -> dict[str, str]:
    """By former code its successor; of several the one that was stated first."""
    ordered = sorted(active, key=lambda c: (first[c.former, c.successor], c.successor))
    step: dict[str, str] = {}
    for claim in ordered:
        step.setdefault(claim.former, claim.successor)
    return step


def _last(code: str, step: Mapping[str, str]) -> str:
    """The end of a chain of codes; a code in a circle stays what it is."""
    seen = [code]
    while (following := step.get(seen[-1])) is not None:
        if following in seen:
            return code if following == code else following
        seen.append(following)
    return seen[-1]


def _add(pieces: list[Piece], piece: Piece) -> None:
    """Append a piece, or lengthen the last one where nothing changes."""
    if pieces and pieces[-1].present == piece.present and pieces[-1].until == piece.since:
        pieces[-1] = pieces[-1]._replace(until=piece.until)
    else:
        pieces.append(piece)
