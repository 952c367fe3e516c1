"""What a sender may send: known tables and columns, plain values. The gate judges the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from xinheng.domain import normal_uscc
from xinheng.errors import BadRequest, UnknownName
from xinheng.records.inbox.columns import SentColumns, Values, by_table, given_columns
from xinheng.records.inbox.store import Sent
from xinheng.records.tables import table, tables

LONGEST = 10_000
"""Letters of a value."""
_TEXTS = {str, type(None)}


def checked(name: str, values: Mapping[str, Any], *, where: str) -> Sent:
    """One record as it may be kept.

    Parameters
    ----------
    where
        Place of the record in what was sent, for errors.

    Raises
    ------
    UnknownName
        If there is no such table or column, or the platform itself fills it.
    BadRequest
        If a value is no text, number, yes or no, or list of texts.
    """
    known = given_columns(table(name, where=where).name)
    for column, value in values.items():
        if column not in known:
            raise UnknownName(f"column that a sender fills in {name}", column, known, where=where)
        if not _is_plain(value):
            raise BadRequest(
                f"{where}: the value of {column} is no text, number, yes or no, or list of texts"
            )
    uscc = normal_uscc(str(values.get("uscc") or ""))
    return Sent(name, {**values, "uscc": uscc})


def checked_about(uscc: str, records: Sequence[tuple[str, Mapping[str, Any]]]) -> list[SentColumns]:
    """Records of one enterprise, table by table; one that names none is about it.

    Raises
    ------
    UnknownName, BadRequest
        As `checked`, and if a record is about another enterprise.
    """
    sent = by_table([Sent(name, values) for name, values in records])
    if not all(map(_is_fine, sent)) or {*chain.from_iterable(map(_codes, sent))} - {uscc}:
        for place, (name, values) in enumerate(records):
            one = checked(name, {"uscc": uscc, **values}, where=f"records.{place}")
            if one.values["uscc"] != uscc:
                raise BadRequest(f"records.{place} is about another enterprise than {uscc}")
    return [replace(one, values={**one.values, "uscc": (uscc,) * one.height}) for one in sent]


def _is_fine(one: SentColumns) -> bool:
    """As `checked` of every record; looks at a column at once."""
    return (
        one.record_type in tables()
        and one.values.keys() <= given_columns(one.record_type).keys()
        and all(map(_are_plain, one.values.values()))
    )


def _codes(one: SentColumns) -> set[str]:
    said = {*map(str, one.values.get("uscc", ()))}
    return {normal_uscc(code) for code in said}


def _are_plain(values: Values) -> bool:
    kinds = {*map(type, values)}
    if kinds <= _TEXTS:
        return max(map(len, filter(None, values)), default=0) <= LONGEST
    if kinds == {float}:
        return all(map(math.isfinite, values))
    return kinds == {bool} or all(map(_is_plain, values))


def _is_plain(value: Any) -> bool:
    if value is None or isinstance(value, str):
        return value is None or len(value) <= LONGEST
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < 2**63
    return isinstance(value, list) and all(
        isinstance(one, str) and len(one) <= LONGEST for one in value
    )
