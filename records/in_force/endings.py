"""Which newly known versions end a record that counted: withdrawn, annulled, repaired, disputed.

To be taken off a list is a repair too (measures of market regulation on credit repair, 2021).
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from xinheng.records.frames import Bools, is_in, microsecond, truths, where
from xinheng.records.in_force.intervals import in_force
from xinheng.records.in_force.repairs import REPAIR_TABLE, Repairs
from xinheng.records.spans import FACT, OPERATIONS

NO_REPAIRS = Repairs({})
OFF_THE_LIST = {"abnormal_list": "removed_on", "serious_list": "removed_on"}
"""By table the day on which an entry was taken off the list."""


def endings(name: str, versions: pl.DataFrame, is_new: Bools, at: datetime) -> Bools:
    """Which of the new versions of a table end a record that counted at a moment without them.

    Parameters
    ----------
    versions
        All versions of the facts concerned, in the columns that the lake stores.
    is_new
        Which of them are new; applications for a repair all count as endings.
    """
    if name == REPAIR_TABLE or not is_new.any():
        return is_new
    old = where(versions, ~is_new)
    ended = _counting(name, old, at) - _counting(name, versions, at)
    named = {*_facts(old)}
    withdrawn = ~is_in(versions["operation"], OPERATIONS)
    by_fact = [fact in ended or (gone and fact in named) for fact, gone in zip(
        _facts(versions), withdrawn, strict=True)]  # fmt: skip
    ends = np.array(by_fact, dtype=bool) | _taken_off(name, versions, is_new)
    return np.asarray(is_new & ends)


def _counting(name: str, versions: pl.DataFrame, at: datetime) -> set[tuple[str, ...]]:
    """Facts that are in force at a moment, whatever repairs of their own are known."""
    rows, since, until = in_force(name, versions, NO_REPAIRS)
    moment = microsecond(at)
    return {*_facts(where(rows, (since <= moment) & (moment < until)))}


def _taken_off(name: str, versions: pl.DataFrame, is_new: Bools) -> Bools:
    """Versions that say of an entry that stood on a list that it was taken off."""
    column = OFF_THE_LIST.get(name)
    if column is None:
        return np.zeros(versions.height, dtype=bool)
    is_off = truths(versions[column].is_not_null())
    stood = {*_facts(where(versions, ~is_new & ~is_off))}
    known = np.array([fact in stood for fact in _facts(versions)], dtype=bool)
    return np.asarray(is_off & known)


def _facts(versions: pl.DataFrame) -> list[tuple[str, ...]]:
    return [*zip(*(versions[column].to_list() for column in FACT), strict=True)]
