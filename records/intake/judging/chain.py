"""What an arriving row is to its fact: new, a copy, too late, or in contradiction to another.

A fact is a record number of a source system. It belongs to an enterprise; only a correction files
it under another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

import polars as pl

from xinheng.records.gate.numbers import OTHER, RELATION
from xinheng.records.gate.validity import DELIVERY, IS_KEPT, PLACE, STATUS
from xinheng.records.gate.validity import STORED as BEFORE
from xinheng.records.sources.origins import ROW
from xinheng.records.versions import CONTENT, KEY, SCORABLE, STATED

Relation = Literal["new", "copy", "overtaken", "back_dated", "contradicted", "foreign"]
"""A copy says nothing new; what was overtaken arrives after its own correction or withdrawal;
what claims to have been known before a stored version is back-dated. Two contents of one number
at one moment contradict each other; a number of another enterprise's record is foreign."""
MOVED_FROM = "moved_from"
RELATED: dict[str, pl.DataType] = {
    RELATION: pl.String(),
    MOVED_FROM: pl.String(),
    OTHER: pl.String(),
}
STORED = [*KEY, "uscc", "version", "known_at", "operation", "quality_status", CONTENT]
"""What is asked of each stored version of an arriving fact."""
_ARRIVING = [
    "_number", ROW, *KEY, "uscc", "known_at", "operation",
    CONTENT, STATED, DELIVERY, IS_KEPT, STATUS,
]  # fmt: skip
_TRACED = [*KEY, "uscc", "known_at", "operation", CONTENT]
"""What says whether a version follows the one before it."""


@dataclass(frozen=True, slots=True)
class _Version:
    uscc: str
    known_at: datetime
    operation: str
    content: int
    counts: bool
    """Whether it may be scored."""

    @property
    def ends(self) -> bool:
        return self.operation == "withdraw"


@dataclass(frozen=True, slots=True)
class _Answer:
    relation: Relation
    moved_from: str | None = None
    other: str | None = None


@dataclass(slots=True)
class _Fact:
    """The versions of one number, oldest first."""

    versions: list[_Version] = field(default_factory=list)

    def own(self, uscc: str) -> list[_Version]:
        return [version for version in self.versions if version.uscc == uscc]

    def home(self) -> str | None:
        """The enterprise that the number belongs to: of the newest version that counts, if any."""
        going_on = [v for v in self.versions if not self.own(v.uscc)[-1].ends]
        counting = [v for v in going_on if v.counts] or going_on
        return counting[-1].uscc if counting else None

    def answer(self, row: _Version, *, stated: bool) -> _Answer:
        """What a row is to the versions before it."""
        own, home = self.own(row.uscc), self.home()
        if own and (_repeats(row, own[-1]) or self._is_copy(row, own, home, stated=stated)):
            return _Answer("copy")
        inserts = row.operation == "insert"
        if inserts and own and all(version.operation != "insert" for version in own):
            return _Answer("overtaken")
        if any(row.known_at < v.known_at for v in self.versions if v.uscc in {row.uscc, home}):
            return _Answer("overtaken" if inserts and stated else "back_dated")
        if home in {None, row.uscc}:
            return _Answer("new")
        if inserts or (row.operation == "withdraw" and not own):
            return _Answer("foreign", other=home)
        moves = row.operation == "correct" and not (own and own[-1].counts and not own[-1].ends)
        return _Answer("new", moved_from=home if moves else None)

    @staticmethod
    def _is_copy(row: _Version, own: list[_Version], home: str | None, *, stated: bool) -> bool:
        """A late copy of an insert: it would undo its correction; after a withdrawal it is news."""
        if not (stated and row.operation == "insert"):
            return False
        is_back = own[-1].ends and home in {None, row.uscc} and row.known_at > own[-1].known_at
        return not is_back and any(version.content == row.content for version in own)


def _repeats(row: _Version, before: _Version) -> bool:
    """Whether a row says what the version before it said; the end of a moved fact does not."""
    return row.content == before.content and row.ends == before.ends


def related(rows: pl.DataFrame, former: pl.DataFrame) -> pl.DataFrame:
    """Say of each row what it is to its fact: `RELATED`, in the order of the rows.

    Rows of earlier deliveries count as far as `IS_KEPT` says that they became versions.

    Parameters
    ----------
    rows
        Arriving rows, all of each fact, with the columns of `SIGHT`.
    former
        All stored versions of these facts: `STORED`.
    """
    numbered = rows.with_row_index("_number")
    stored = former.select(KEY).unique().with_columns(_has_former=True)
    beside = numbered.join(stored, on=KEY, how="left", maintain_order="left")
    several = (pl.len().over(KEY) > 1) | pl.col("_has_former").fill_null(value=False)
    linked = beside.filter(several)
    disputed = linked.join(_plain_facts(linked, former), on=KEY, how="anti")
    ordered = disputed.sort(*KEY, DELIVERY, "known_at", PLACE)
    answers = _answers(ordered.select(_ARRIVING), former)
    told = pl.DataFrame(answers, schema={"_number": pl.UInt32(), **RELATED}, orient="row")
    every = numbered.select("_number").join(told, on="_number", how="left", maintain_order="left")
    return every.select(pl.col(RELATION).fill_null("new"), MOVED_FROM, OTHER)


def _plain_facts(rows: pl.DataFrame, former: pl.DataFrame) -> pl.DataFrame:
    """Facts of one enterprise whose versions follow one another as they should: all are new.

    Most facts with several versions are such; each of the others is looked at by itself.
    """
    stored = former.select(
        *_TRACED,
        pl.lit(BEFORE, dtype=pl.Int32).alias(DELIVERY),
        pl.col("version").cast(pl.Int64).alias(PLACE),
        pl.lit(value=True).alias(IS_KEPT),
    )
    both = pl.concat([stored, rows.select(stored.columns)])
    moment = pl.when(pl.col(DELIVERY) != BEFORE).then("known_at")
    steps = both.sort(*KEY, DELIVERY, moment, PLACE).select(
        *KEY, _is_plain=pl.col(IS_KEPT) & (_is_first() | _follows())
    )
    return steps.group_by(KEY).agg(pl.col("_is_plain").all()).filter("_is_plain").select(KEY)


def _is_first() -> pl.Expr:
    """Whether a row of sorted versions is the first of its fact."""
    return pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in KEY)


def _follows() -> pl.Expr:
    """Whether a version goes on from the one before it: neither late, nor a copy, nor beside it."""
    before = {name: pl.col(name).shift() for name in (*_TRACED, DELIVERY)}
    same = {name: pl.col(name) == value for name, value in before.items()}
    ends, ended = pl.col("operation") == "withdraw", before["operation"] == "withdraw"
    is_copy = same[CONTENT] & (ends == ended)
    is_beside = same[DELIVERY] & same["known_at"] & same["operation"]
    in_order = (pl.col("operation") != "insert") & (pl.col("known_at") >= before["known_at"])
    return same["uscc"] & in_order & ~is_copy & ~is_beside


def _answers(
    linked: pl.DataFrame, former: pl.DataFrame
) -> list[tuple[int, str, str | None, str | None]]:
    before: dict[tuple[str, str], list[_Version]] = {}
    for row in former.sort("version").select(STORED).iter_rows(named=True):
        before.setdefault((row[KEY[0]], row[KEY[1]]), []).append(
            _version(row, counts=row["quality_status"] in SCORABLE)
        )
    found: list[tuple[int, str, str | None, str | None]] = []
    rows = linked.iter_rows(named=True)
    for key, arriving in groupby(rows, key=lambda row: (row[KEY[0]], row[KEY[1]])):
        fact = _Fact(before.get(key, []))
        for _, delivered in groupby(arriving, key=lambda row: row[DELIVERY]):
            found += _of_delivery(fact, list(delivered))
    return found


def _of_delivery(
    fact: _Fact, rows: list[dict[str, Any]]
) -> Iterator[tuple[int, str, str | None, str | None]]:
    """Answers to the rows of one delivery about one fact; those that are kept join it."""
    here, settled = _Fact([*fact.versions]), []
    for row in rows:
        version = _version(row, counts=True)
        answer = here.answer(version, stated=row[STATED])
        against = _contradicting(row, rows)
        if against is not None and answer.relation in {"new", "foreign"}:
            answer = _Answer("contradicted", answer.moved_from, against)
        if answer.relation in {"new", "contradicted", "foreign"}:
            here.versions.append(_version(row, counts=answer.relation == "new"))
            if row[IS_KEPT]:
                counts = answer.relation == "new" and row[STATUS] in SCORABLE
                settled.append(_version(row, counts=counts))
        yield row["_number"], answer.relation, answer.moved_from, answer.other
    fact.versions += settled


def _contradicting(row: dict[str, Any], rows: list[dict[str, Any]]) -> str | None:
    """The enterprise and place of another row that says something else at the same moment."""
    same = ("known_at", "operation")
    others = [
        (other["uscc"], other[ROW]) for other in rows
        if other[CONTENT] != row[CONTENT] and all(other[n] == row[n] for n in same)
        and not (row["operation"] == "withdraw" and other["uscc"] == row["uscc"])
    ]  # fmt: skip
    return "{} (row {})".format(*min(others)) if others else None


def _version(row: dict[str, Any], *, counts: bool) -> _Version:
    return _Version(row["uscc"], row["known_at"], row["operation"], row[CONTENT], counts)
