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

from xinheng.models.reasons.trees import (
    MISSING,
    MOST_CONDITIONS,
    Bools,
    Floats,
    Trees,
    Words,
    trees_of,
)
from xinheng.records.frames import Ints

ZERO = 1e-35
"""What LightGBM takes for zero where a split treats zero as missing."""
ZEROS, GAPS = MISSING["Zero"], MISSING["NaN"]
FEW = 8
"""Up to so many rows go one by one."""
BLOCK = 256
"""Rows that pass one tree while its tables are in the cache."""


class Tables(NamedTuple):
    """What every leaf pushes, by the pattern of its conditions; guests stand with their hosts."""

    trees: Trees
    """Its leaves are the hosts."""
    first_entry: Ints
    """(hosts + 1): a host of n conditions has `2**n` entries of n pushes."""
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
    host = _hosts(trees)
    is_host = host == np.arange(len(host))
    sizes = np.where(is_host, np.diff(trees.first_condition), 0)
    first = np.concatenate([[0], np.cumsum(np.where(is_host, (1 << sizes) * sizes, 0))])
    pushes, base = _filled(trees, host, first)
    return Tables(_only(trees, is_host), np.append(first[:-1][is_host], first[-1]), pushes, base)


def _only(trees: Trees, kept: Bools) -> Trees:
    """The trees with some of their leaves."""
    sizes = np.diff(trees.first_condition)
    conditions = np.repeat(kept, sizes)
    return trees._replace(
        first_leaf=np.concatenate([[0], np.cumsum(kept)])[trees.first_leaf],
        value=trees.value[kept],
        wanted=trees.wanted[kept],
        first_condition=np.concatenate([[0], np.cumsum(sizes[kept])]),
        about=trees.about[conditions],
        mask=trees.mask[conditions],
        share=trees.share[conditions],
    )


def contributions(tables: Tables, inputs: Floats) -> Floats:
    """Push of each input on the raw score: (rows, inputs + 1), the base value last.

    `inputs` are (rows, inputs) in the booster's order, NaN where not known. Threads may share the
    tables.
    """
    return np.asarray(_explained(tables, np.ascontiguousarray(inputs)))


@njit(cache=True, nogil=True)
def _hosts(trees: Trees) -> Ints:
    """The leaf in whose table each leaf stands: its own, or one whose pattern tells its own."""
    first_leaf, first = trees.first_leaf, trees.first_condition
    host = np.full(len(trees.value), -1, np.int64)
    for tree in range(len(first_leaf) - 1):
        leaves = np.arange(first_leaf[tree], first_leaf[tree + 1])
        for size in range(MOST_CONDITIONS, -1, -1):
            for leaf in leaves:
                if host[leaf] >= 0 or first[leaf + 1] - first[leaf] != size:
                    continue
                host[leaf] = leaf
                for guest in leaves:
                    if host[guest] < 0 and _fits(trees, leaf, guest):
                        host[guest] = leaf
    return host


@njit(cache=True, nogil=True)
def _fits(trees: Trees, host: int, guest: int) -> bool:
    """Whether the pattern of a leaf tells every condition of another leaf of the tree."""
    for i in range(trees.first_condition[guest], trees.first_condition[guest + 1]):
        if _told_by(trees, host, guest, i) == 0:
            return False
    return True


@njit(cache=True, nogil=True)
def _told_by(trees: Trees, host: int, guest: int, i: int) -> int:
    """Which condition of the host tells condition i of the guest.

    Its number from 1 on; negative where the one holds if the other does not; 0: none.
    """
    first, mask = trees.first_condition, trees.mask[i]
    for j in range(first[host], first[host + 1]):
        if trees.about[j] == trees.about[i] and trees.mask[j] == mask:
            differ = (trees.wanted[host] ^ trees.wanted[guest]) & mask
            if differ == 0:
                return int(j - first[host] + 1)
            if (mask & (mask - np.uint64(1))) == 0:
                return -int(j - first[host] + 1)
    return 0


@njit(cache=True, nogil=True)
def _filled(trees: Trees, host: Ints, first: Ints) -> tuple[Floats, float]:
    pushes = np.zeros(first[-1])
    base = 0.0
    for leaf in range(len(trees.value)):
        begin, end = trees.first_condition[leaf], trees.first_condition[leaf + 1]
        share = trees.share[begin:end]
        base += trees.value[leaf] * np.prod(share)
        own = host[leaf]
        size = trees.first_condition[own + 1] - trees.first_condition[own]
        told = np.array([_told_by(trees, own, leaf, i) for i in range(begin, end)], np.int64)
        for pattern in range(1 << size):
            entry, guest = first[own] + pattern * size, _seen(told, pattern)
            for i in range(end - begin):
                push = trees.value[leaf] * _share_of(share, guest, i)
                pushes[entry + abs(told[i]) - 1] += push
    return pushes, base


@njit(cache=True, nogil=True)
def _seen(told: Ints, pattern: int) -> int:
    """The pattern of a guest by that of its host."""
    found = 0
    for i in range(len(told)):
        holds = (pattern >> (abs(told[i]) - 1)) & 1
        found |= (holds if told[i] > 0 else 1 - holds) << i
    return found


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
def _goes_left(value: float, threshold: float, missing: int, default: int) -> bool:
    """Whether a number passes a split to the left; `default` 1: so does what is missing."""
    is_gap = np.isnan(value)
    if missing == GAPS and is_gap:
        return default == 1
    if is_gap:
        value = 0.0
    if missing == ZEROS and abs(value) <= ZERO:
        return default == 1
    return bool(value <= threshold)


@njit(cache=True, nogil=True)
def _is_of(value: float, words: Words, first: int, last: int) -> bool:
    """Whether a category is one of those whose bits are the words from first to last."""
    if value >= 0 and value < 64 * (last - first):
        category = int(value)
        word = words[first + (category >> 6)]
        return bool((word >> np.uint64(category & 63)) & np.uint64(1))
    return False


@njit(cache=True, nogil=True)
def _turned(trees: Trees, tree: int, columns: Floats, ways: Words) -> None:
    """Which splits of a tree each row would pass to the left, wherever it comes from."""
    ways[:] = 0
    feature, words, begin = trees.feature, trees.words, trees.first_split[tree]
    for split in range(begin, trees.first_split[tree + 1]):
        bit, about = np.uint64(1) << np.uint64(split - begin), feature[split]
        first, last = trees.first_word[split], trees.first_word[split + 1]
        threshold, missing = trees.threshold[split], trees.missing[split]
        default = trees.default[split]
        for row in range(len(ways)):
            value = columns[about, row]
            if last > first:
                left = _is_of(value, words, first, last)
            else:
                left = _goes_left(value, threshold, missing, default)
            ways[row] |= bit if left else np.uint64(0)


@njit(cache=True, nogil=True)
def _match(patterns: Ints, place: int, wrong: Words, mask: np.uint64) -> None:
    """Set the bit of a condition for the rows in which none of its splits is taken wrong."""
    for row in range(len(wrong)):
        patterns[row] |= np.int64((wrong[row] & mask) == 0) << place


@njit(cache=True, nogil=True)
def _add(told: Floats, about: int, patterns: Ints, pushes: Floats, entry: int, size: int) -> None:
    """Add what a leaf of so many conditions pushes by the one whose pushes begin at `entry`."""
    for row in range(len(patterns)):
        told[about, row] += pushes[entry + patterns[row] * size]


@njit(cache=True, nogil=True)
def _explained(tables: Tables, inputs: Floats) -> Floats:
    rows, width = inputs.shape
    found = np.empty((rows, width + 1))
    for begin in range(0, rows, BLOCK):
        end = min(begin + BLOCK, rows)
        columns, told = inputs[begin:end].T.copy(), np.zeros((width, end - begin))
        if end - begin < FEW:
            _push_one_by_one(tables, columns, told)
        else:
            _push_together(tables, columns, told)
        found[begin:end, :width] = told.T
        found[begin:end, width] = tables.base
    return found


@njit(cache=True, nogil=True)
def _push_together(tables: Tables, columns: Floats, told: Floats) -> None:
    """Add what the leaves push, condition by condition for all rows: (inputs, rows)."""
    trees, pushes, first_entry = tables.trees, tables.pushes, tables.first_entry
    first_leaf, first_condition = trees.first_leaf, trees.first_condition
    about, mask, wanted = trees.about, trees.mask, trees.wanted
    ways, wrong = np.empty(columns.shape[1], np.uint64), np.empty(columns.shape[1], np.uint64)
    patterns = np.empty(columns.shape[1], np.int64)
    for tree in range(len(first_leaf) - 1):
        _turned(trees, tree, columns, ways)
        for leaf in range(first_leaf[tree], first_leaf[tree + 1]):
            begin, size = first_condition[leaf], first_condition[leaf + 1] - first_condition[leaf]
            patterns[:] = 0
            wrong[:] = ways ^ wanted[leaf]
            for i in range(size):
                _match(patterns, i, wrong, mask[begin + i])
            for i in range(size):
                _add(told, about[begin + i], patterns, pushes, first_entry[leaf] + i, size)


@njit(cache=True, nogil=True)
def _push_one_by_one(tables: Tables, columns: Floats, told: Floats) -> None:
    """The same leaf by leaf for each row, which is faster for a few rows."""
    trees, pushes, first_entry = tables.trees, tables.pushes, tables.first_entry
    first_leaf, first_condition = trees.first_leaf, trees.first_condition
    about, mask, wanted = trees.about, trees.mask, trees.wanted
    ways, entries = np.empty(1, np.uint64), np.empty(len(wanted), np.int64)
    for row in range(columns.shape[1]):
        for tree in range(len(first_leaf) - 1):
            _turned(trees, tree, columns[:, row : row + 1], ways)
            for leaf in range(first_leaf[tree], first_leaf[tree + 1]):
                begin, end = first_condition[leaf], first_condition[leaf + 1]
                wrong, pattern = ways[0] ^ wanted[leaf], 0
                for i in range(begin, end):
                    pattern |= np.int64((wrong & mask[i]) == 0) << (i - begin)
                entries[leaf] = first_entry[leaf] + pattern * (end - begin) - begin
        for leaf in range(len(wanted)):
            for i in range(first_condition[leaf], first_condition[leaf + 1]):
                told[about[i], row] += pushes[entries[leaf] + i]
