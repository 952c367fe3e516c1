"""Where things stand among others, as whole numbers."""

from __future__ import annotations

import numpy as np
import polars as pl
from numba import njit

from xinheng.features.vocabulary.fold import Ints
from xinheng.records.frames import Bools, wholes


def places(values: pl.Series, among: pl.Series) -> Ints:
    """Place of each value in a list without repeats; -1 where it is not there."""
    known = pl.DataFrame({"value": among}).with_row_index("place")
    asked = pl.DataFrame({"value": values})
    found = asked.join(known, on="value", how="left", maintain_order="left")["place"]
    return wholes(found, missing=-1)


def firsts(code: Ints, size: int) -> Ints:
    """Where each group begins among things ordered by group; one more place than groups."""
    first = np.zeros(size + 1, dtype=np.int64)
    np.cumsum(np.bincount(code, minlength=size), out=first[1:])
    return first


@njit(cache=True, nogil=True)
def grouped(code: Ints, is_ours: Bools, size: int) -> tuple[Ints, Ints]:
    """Where each group begins in the order of the groups, and that order; -1: of no group."""
    first = np.zeros(size + 1, dtype=np.int64)
    for row in range(len(code)):
        if is_ours[row] and code[row] >= 0:
            first[code[row] + 1] += 1
    for group in range(size):
        first[group + 1] += first[group]
    order, filled = np.empty(first[size], dtype=np.int64), first.copy()
    for row in range(len(code)):
        if is_ours[row] and code[row] >= 0:
            order[filled[code[row]]] = row
            filled[code[row]] += 1
    return first, order
