"""What a sender may send: known tables and columns, plain values. The gate judges the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from xinheng.domain import normal_uscc
from xinheng.errors import BadRequest, UnknownName
from xinheng.records.inbox.store import Sent
from xinheng.records.inbox.take import given_columns
from xinheng.records.tables import table

LONGEST = 10_000
"""Letters of a value."""


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
        is_short_text = type(value) is str and len(value) <= LONGEST  # nearly all are
        if not (is_short_text or _is_plain(value)):
            raise BadRequest(
                f"{where}: the value of {column} is no text, number, yes or no, or list of texts"
            )
    uscc = normal_uscc(str(values.get("uscc") or ""))
    return Sent(name, {**values, "uscc": uscc})


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
