"""Records that are sent one by one: personal data are hidden before they are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import polars as pl

from xinheng.errors import PersonalData
from xinheng.records.privacy.patterns import kinds
from xinheng.records.privacy.roles import Role, role_of
from xinheng.records.privacy.screen import Screen, Subject
from xinheng.records.privacy.seal import mark_of
from xinheng.records.tables import table


@cache
def subjects_of_table(name: str) -> dict[str, Subject]:
    """What each column of a record table is for."""
    own = {column.name: Subject(role_of(column)) for column in table(name).columns}
    return {**own, "uscc": Subject(Role.CODE)}


def hide_personal(
    name: str, rows: Sequence[Mapping[str, Any]], screen: Screen
) -> list[Mapping[str, Any]]:
    """Records of one table with a mark in place of each value that is personal."""
    known = subjects_of_table(name)
    names = [n for n in dict.fromkeys(key for row in rows for key in row) if n in known]
    subjects = {n: known[n] for n in names}
    texts = pl.DataFrame(
        {n: [_text(row.get(n)) for row in rows] for n in names},
        schema=dict.fromkeys(names, pl.String),
    )
    hidden = [*rows]
    for at, field, kind, fingerprint in _places(texts, subjects, screen).iter_rows():
        hidden[at] = {**hidden[at], field: mark_of(kind, fingerprint)}
    return hidden


def need_no_personal(name: str, rows: pl.DataFrame, screen: Screen) -> None:
    """Refuse records that nobody keeps, as a whole.

    Raises
    ------
    PersonalData
        With the place of the first personal value; it is not repeated.
    """
    subjects = {n: s for n, s in subjects_of_table(name).items() if n in rows.columns}
    places = _places(rows, subjects, screen)
    if places.height:
        at, field, kind, _ = places.row(0)
        raise PersonalData(
            f"{name} record {at + 1}: {field} holds what looks like personal data "
            f"({kinds()[kind]['en']}, QC33)",
            hint="send the hashed key instead",
        )


def _places(rows: pl.DataFrame, subjects: Mapping[str, Subject], screen: Screen) -> pl.DataFrame:
    """Personal data in any column, then keys that are not hashed."""
    found, keys = screen.places(rows, subjects), screen.unhashed(rows)
    return pl.concat([found, keys]) if keys.height else found


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " | ".join(map(str, value)) if isinstance(value, list) else str(value)
