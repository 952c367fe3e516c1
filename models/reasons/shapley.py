"""Exact path-dependent TreeSHAP from tables that are made once a model.

What a leaf pushes depends only on which of its conditions hold: at most 64 patterns where trees
are 6 deep. The pushes of every pattern are written down beforehand, so that explaining a row is
looking up one entry a leaf.

Lundberg and others, "From local explanations to global understanding with explainable AI for
trees" (2020), defines the game: a known input follows its branch, an unknown one both, by the
shares of the training rows. A leaf with value v, whose conditions hold (o = 1) or do not (o = 0)
and have the shares r, is worth `v * prod(o of known) * prod(r of unknown)`; its Shapley values
come from the polynomial `prod(o * t + r)` over the other conditions.
"""

from __future__ import annotations

from typing import NamedTuple

import lightgbm as lgb
import numpy as np
from numba import njit

from xinheng.models.reasons.trees import Floats, Trees, trees_of
from xinheng.records.frames import Ints

ZERO = 1e-35
"""What LightGBM takes for zero where a split treats zero as missing."""
BLOCK = 256
"""Rows that pass one tree while its tables are in the cache."""


class Tables(NamedTuple):
    """What every leaf pushes, by the pattern of its conditions."""

    trees: Trees
    first_entry: Ints
    """(leaves + 1): a leaf of n conditions has `2**n` entries of n pushes."""
    pushes: Floats
    base: float
    """The raw score with nothing known."""


def tables_of(booster: lgb.Booster) -> Tables:
    """Write down the pushes of a booster's leaves.

    Raises
    ------
    NotReady
        If its trees are too large for tables.
    """
    trees = trees_of(booster)
    sizes = np.diff(trees.first_condition)
    first = np.concatenate([[0], np.cumsum((1 << sizes) * sizes)])
    pushes, base = _filled(trees, first)
    return Tables(trees, first, pushes, base)


def contributions(tables: Tables, inputs: Floats) -> Floats:
    """Push of each input on the raw score: (rows, inputs + 1), the base value last.

    `inputs` are (rows, inputs) in the booster's order, NaN where not known. Threads may share the
    tables.
    """
    return np.asarray(_explained(tables, np.ascontiguousarray(inputs)))


@njit(cache=True, nogil=True)
def _filled(trees: Trees, first: Ints) -> tuple[Floats, float]:
    pushes = np.zeros(first[-1])
    base = 0.0
    for leaf in range(len(trees.value)):
        begin, end = trees.first_condition[leaf], trees.first_condition[leaf + 1]
        share = trees.share[begin:end]
        base += trees.value[leaf] * np.prod(share)
        size = end - begin
        for pattern in range(1 << size):
            entry = first[leaf] + pattern * size
            for i in range(size):
                pushes[entry + i] = trees.value[leaf] * _share_of(share, pattern, i)
    return pushes, base


@njit(cache=True, nogil=True)
def _share_of(share: Floats, pattern: int, i: int) -> float:
    """Shapley value of condition i of a leaf of value 1."""
    size = len(share)
    known = np.zeros(size)
    known[0] = 1.0
    degree = 0
    for j in range(size):
        if j == i:
            continue
        degree += 1
        holds = float((pattern >> j) & 1)
        for k in range(degree, -1, -1):
            known[k] = known[k] * share[j] + (known[k - 1] * holds if k > 0 else 0.0)
    total, weight = 0.0, 1.0 / size
    for k in range(size):
        total += known[k] * weight
        weight *= (k + 1) / max(size - k - 1, 1)
    return float(total * (float((pattern >> i) & 1) - share[i]))


@njit(cache=True, nogil=True)
def _goes_left(trees: Trees, split: int, value: float) -> bool:
    first, last = trees.first_word[split], trees.first_word[split + 1]
    if last > first:
        if np.isnan(value) or value < 0 or value >= 64 * (last - first):
            return False
        category = int(value)
        word = trees.words[first + (category >> 6)]
        return bool((word >> np.uint64(category & 63)) & np.uint64(1))
    missing = trees.missing[split]
    if np.isnan(value):
        if missing == 2:
            return bool(trees.goes_left[split])
        value = 0.0
    if missing == 1 and abs(value) <= ZERO:
        return bool(trees.goes_left[split])
    return bool(value <= trees.threshold[split])


@njit(cache=True, nogil=True)
def _ways(trees: Trees, tree: int, row: Floats) -> np.uint64:
    """Which splits of a tree a row would pass to the left, wherever it comes from."""
    first, found = trees.first_split[tree], np.uint64(0)
    for split in range(first, trees.first_split[tree + 1]):
        if _goes_left(trees, split, row[trees.feature[split]]):
            found |= np.uint64(1) << np.uint64(split - first)
    return found


@njit(cache=True, nogil=True)
def _push(tables: Tables, tree: int, ways: np.uint64, told: Floats) -> None:
    """Add what the leaves of a tree push."""
    trees = tables.trees
    for leaf in range(trees.first_leaf[tree], trees.first_leaf[tree + 1]):
        begin, end = trees.first_condition[leaf], trees.first_condition[leaf + 1]
        pattern = 0
        for i in range(begin, end):
            pattern |= int(ways & trees.mask[i] == trees.wanted[i]) << (i - begin)
        entry = tables.first_entry[leaf] + pattern * (end - begin)
        for i in range(begin, end):
            told[trees.about[i]] += tables.pushes[entry + i - begin]


@njit(cache=True, nogil=True)
def _explained(tables: Tables, inputs: Floats) -> Floats:
    rows, width = inputs.shape
    told = np.zeros((rows, width + 1))
    told[:, width] = tables.base
    for block in range(0, rows, BLOCK):
        for tree in range(len(tables.trees.first_split) - 1):
            for row in range(block, min(block + BLOCK, rows)):
                _push(tables, tree, _ways(tables.trees, tree, inputs[row]), told[row])
    return told
