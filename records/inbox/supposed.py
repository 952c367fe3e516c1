"""Records that nobody delivered, as the lake would store them: for questions of "what if"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache

import polars as pl

from xinheng.domain import ZONE
from xinheng.errors import BadRequest
from xinheng.records.asked import stored_schema
from xinheng.records.frames import in_schema
from xinheng.records.inbox.columns import SentColumns
from xinheng.records.inbox.rows import as_sent
from xinheng.records.intake.staging import formed
from xinheng.records.privacy.screen import Screen
from xinheng.records.privacy.seal import Seal
from xinheng.records.privacy.sent import need_no_personal
from xinheng.records.sources.mapping import Identifier, Origin, TableMapping
from xinheng.records.sources.mapping import Mapping as Meaning
from xinheng.records.sources.origins import FILE, ROW
from xinheng.records.sources.shaping import shape
from xinheng.records.tables import table
from xinheng.records.versions import KEY

SUPPOSED = "supposed"
"""Before the ids of such records."""


def as_stored(
    sent: Sequence[SentColumns], former: Callable[[str], pl.DataFrame], *, at: datetime
) -> dict[str, pl.DataFrame]:
    """By table the former rows and the supposed ones, as known at a moment.

    A supposed record with the number of a former one is its next version.

    Parameters
    ----------
    former
        Stored rows by table, of the enterprises that are asked about.

    Raises
    ------
    BadRequest, PersonalData
        If the quality gate could not read a record, or may not.
    """
    found = {}
    for one in sent:
        before = former(one.record_type)
        own = _rows(one, before, at)
        found[one.record_type] = pl.concat([before, own]) if before.height else own
    return found


def _rows(sent: SentColumns, former: pl.DataFrame, at: datetime) -> pl.DataFrame:
    name, target = sent.record_type, table(sent.record_type)
    told = as_sent(target, sent, [at] * sent.height)
    need_no_personal(name, told.rows, Screen(Seal.random(), at.astimezone(ZONE).year))
    meaning = _meaning(name, tuple(told.rows.columns))
    frame = told.rows.hstack(
        [
            pl.Series(FILE, [0], dtype=pl.Int32()).new_from_index(0, sent.height),
            pl.Series(ROW, range(1, sent.height + 1)),
        ]
    )
    shaped = shape(frame, meaning, meaning.tables[0], where=name, ready=told.ready)
    rows, findings = formed(shaped, target)
    bad = [one for one in findings.iter_rows(named=True) if one["severity"] == "reject"]
    if bad:
        first = bad[0]
        number = int(shaped.rows[ROW][first["at"]])
        raise BadRequest(
            f"{name} record {number}: {first['check']} {first['message_en']}",
            hint=f"see `xinheng records describe {name}`",
        )
    columns = {one.name: one for one in rows.get_columns()}
    columns |= _numbered(name, rows, former)
    return in_schema(columns, stored_schema(name), rows.height)


def _numbered(name: str, rows: pl.DataFrame, former: pl.DataFrame) -> dict[str, pl.Series]:
    """Versions after the former ones, and the ids of such records."""
    newest: dict[tuple[str, ...], int] = {}
    for key, version in zip(_keys(former), former["version"].to_list(), strict=True):
        newest[key] = max(newest.get(key, 0), version)
    versions, ids = [], []
    for key in _keys(rows):
        newest[key] = newest.get(key, 0) + 1
        versions.append(newest[key])
        ids.append("/".join((SUPPOSED, name, *key)))
    passed = pl.Series(["passed"]).new_from_index(0, rows.height)
    return {
        "version": pl.Series(versions),
        "record_id": pl.Series(ids),
        "quality_status": passed,
    }


def _keys(rows: pl.DataFrame) -> Iterator[tuple[str, ...]]:
    return zip(*(rows[column].to_list() for column in KEY), strict=True)


@lru_cache(maxsize=256)
def _meaning(name: str, columns: tuple[str, ...]) -> Meaning:
    """Columns as the table names them."""
    own = {c: Origin(column=c) for c in columns if c != "uscc"}
    part = TableMapping(name=name, file="-", columns=own)
    return Meaning(identifier=Identifier(kind="uscc", column="uscc"), table=[part])
