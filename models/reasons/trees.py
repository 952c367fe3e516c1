"""The trees of a booster as flat arrays: splits, leaves, and the conditions that lead to a leaf.

The decisions are those of LightGBM: numbers at or below a threshold go left, categories of a set
go left, and what is missing goes where the split was taught (`missing_type`, `default_left`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from xinheng.errors import NotReady
from xinheng.records.frames import Ints

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Words = NDArray[np.uint64]
Places = NDArray[np.int32]
Codes = NDArray[np.int8]
MOST_SPLITS = 64
"""Splits of one tree: their outcomes are the bits of one word."""
MOST_CONDITIONS = 10
"""Different inputs on the way to a leaf: a table has an entry for each pattern of them."""
MISSING = {"None": 0, "Zero": 1, "NaN": 2}


class Trees(NamedTuple):
    """Splits and leaves of all trees, one after another, and the conditions of each leaf."""

    first_split: Ints
    """(trees + 1)"""
    feature: Places
    threshold: Floats
    missing: Codes
    default: Codes
    """1: what is missing goes left."""
    first_word: Ints
    """Where the set of a split by categories begins; as long as the next begins later."""
    words: Words
    """Categories that go left, as bits."""
    first_leaf: Ints
    """(trees + 1)"""
    value: Floats
    wanted: Words
    """The splits on the way to each leaf that must go left."""
    first_condition: Ints
    """(leaves + 1)"""
    about: Places
    """The input of each condition."""
    mask: Words
    """The splits on the way to the leaf that ask for this input."""
    share: Floats
    """Share of the training rows that would take these splits, the input not being known."""


def trees_of(booster: lgb.Booster) -> Trees:
    """Read a booster.

    Raises
    ------
    NotReady
        If a tree has too many splits or a way to a leaf too many inputs for tables.
    """
    made = _Arrays()
    for told in booster.dump_model()["tree_info"]:
        made.add(told["tree_structure"])
    return made.trees()


@dataclass
class _Arrays:
    """The arrays of `Trees` while they grow."""

    splits: list[tuple[int, float, int, bool]] = field(default_factory=list)
    first_split: list[int] = field(default_factory=lambda: [0])
    first_word: list[int] = field(default_factory=lambda: [0])
    words: list[int] = field(default_factory=list)
    first_leaf: list[int] = field(default_factory=lambda: [0])
    leaves: list[tuple[float, int]] = field(default_factory=list)
    first_condition: list[int] = field(default_factory=lambda: [0])
    conditions: list[tuple[int, int, float]] = field(default_factory=list)

    def add(self, root: Mapping[str, Any]) -> None:
        """Take in a tree."""
        for node, way in _walk(root, ()):
            if "leaf_value" in node:
                self._leaf(node, way)
            else:
                self._split(node)
        self.first_split.append(len(self.splits))
        self.first_leaf.append(len(self.leaves))
        if self.first_split[-1] - self.first_split[-2] > MOST_SPLITS:
            raise NotReady(
                f"a tree has more than {MOST_SPLITS} splits", hint="train with max_depth 6 or less"
            )

    def _split(self, node: Mapping[str, Any]) -> None:
        threshold, is_set = node["threshold"], node["decision_type"] == "=="
        for category in map(int, threshold.split("||")) if is_set else ():
            word = self.first_word[-1] + category // 64
            self.words += [0] * (word + 1 - len(self.words))
            self.words[word] |= 1 << category % 64
        self.first_word.append(len(self.words))
        self.splits.append(
            (
                node["split_feature"],
                0.0 if is_set else threshold,
                MISSING[node["missing_type"]],
                node["default_left"],
            )
        )

    def _leaf(self, node: Mapping[str, Any], way: tuple[_Step, ...]) -> None:
        self.leaves.append((node["leaf_value"], sum(1 << s.split for s in way if s.is_left)))
        found: dict[int, tuple[int, float]] = {}
        for step in way:
            mask, share = found.get(step.feature, (0, 1.0))
            found[step.feature] = (mask | 1 << step.split, share * step.share)
        if len(found) > MOST_CONDITIONS:
            raise NotReady(
                f"a leaf depends on more than {MOST_CONDITIONS} inputs",
                hint="train with max_depth 6 or less",
            )
        self.conditions += [(feature, *told) for feature, told in found.items()]
        self.first_condition.append(len(self.conditions))

    def trees(self) -> Trees:
        """The arrays as they are."""
        feature, threshold, missing, left = _columns(self.splits, 4)
        about, mask, share = _columns(self.conditions, 3)
        value, wanted = _columns(self.leaves, 2)
        return Trees(
            first_split=np.array(self.first_split),
            feature=np.array(feature, dtype=np.int32),
            threshold=np.array(threshold, dtype=np.float64),
            missing=np.array(missing, dtype=np.int8),
            default=np.array(left, dtype=np.int8),
            first_word=np.array(self.first_word),
            words=np.array(self.words, dtype=np.uint64),
            first_leaf=np.array(self.first_leaf),
            value=np.array(value, dtype=np.float64),
            wanted=np.array(wanted, dtype=np.uint64),
            first_condition=np.array(self.first_condition),
            about=np.array(about, dtype=np.int32),
            mask=np.array(mask, dtype=np.uint64),
            share=np.array(share, dtype=np.float64),
        )


class _Step(NamedTuple):
    """One step on the way to a leaf."""

    split: int
    feature: int
    is_left: bool
    share: float


def _walk(
    node: Mapping[str, Any], way: tuple[_Step, ...]
) -> Iterator[tuple[Mapping[str, Any], tuple[_Step, ...]]]:
    """Every split and leaf with the way to it; the splits in the order of their numbers."""
    pending = [(node, way)]
    number = 0
    while pending:
        node, way = pending.pop()
        yield node, way
        if "leaf_value" in node:
            continue
        for side in ("right_child", "left_child"):
            share = _rows(node[side]) / node["internal_count"]
            step = _Step(number, node["split_feature"], side == "left_child", share)
            pending.append((node[side], (*way, step)))
        number += 1


def _rows(node: Mapping[str, Any]) -> int:
    return int(node["leaf_count"] if "leaf_value" in node else node["internal_count"])


def _columns(rows: list[Any], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * width
