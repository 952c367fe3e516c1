"""Enterprises tied by shared keys at a moment: who is a neighbour, and what comes from them.

Ties are a sparse incidence matrix, enterprises by keys. Everything is whole numbers, so that a
part of the graph around one enterprise gives the same bits as the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

from xinheng.features.engine.places import firsts, places
from xinheng.features.others.hops import Edges, States, counted, one_hop
from xinheng.features.vocabulary.fold import Floats, Ints, Relation

WEIGHT = 1 << 20
"""A key hands on `1 / (members - 1)` as so many parts."""


@dataclass(frozen=True, slots=True)
class LinkIndex:
    """The edges of one link, by enterprise and by key."""

    arrays: Edges

    @classmethod
    def of(cls, edges: pl.DataFrame, firms: pl.Series) -> LinkIndex:
        """Index the edges (`xinheng.features.others.links.EDGES`) of some enterprises."""
        keys = edges.select(pl.concat_str("link", "key", separator=" ")).to_series()
        firm, key = places(edges["uscc"], firms), places(keys, keys.unique().sort())
        order = np.argsort(firm, kind="stable")
        firm, key = firm[order], key[order]
        return cls(
            Edges(
                firm=firm,
                key=key,
                since=edges["since"].to_numpy()[order],
                until=edges["until"].to_numpy()[order],
                first_of_firm=firsts(firm, len(firms)),
                by_key=np.argsort(key, kind="stable"),
                first_of_key=firsts(key, int(key.max(initial=-1)) + 1),
            )
        )

    def around(self, asked: Ints, at: int, *, hops: int) -> Ints:
        """Places of the valid edges that matter to the asked enterprises."""
        own = self.arrays
        if 8 * len(asked) > len(own.firm):
            return np.flatnonzero((own.since <= at) & (at < own.until))
        firms, found = np.unique(asked), np.empty(0, dtype=np.int64)
        for _ in range(hops):
            edges = self._valid(_slices(own.first_of_firm, firms), at)
            keys = np.unique(own.key[edges])
            found = self._valid(own.by_key[_slices(own.first_of_key, keys)], at)
            firms = np.unique(np.concatenate([firms, own.firm[found]]))
        return found

    def _valid(self, edges: Ints, at: int) -> Ints:
        own = self.arrays
        return edges[(own.since[edges] <= at) & (at < own.until[edges])]


@dataclass(frozen=True, slots=True)
class StateIndex:
    """When enterprises are in a state: spans by enterprise."""

    arrays: States

    @classmethod
    def of(cls, states: pl.DataFrame, firms: pl.Series) -> StateIndex:
        """Index the spans (`xinheng.features.others.links.STATES`) of one state."""
        firm = places(states["uscc"], firms)
        order = np.argsort(firm, kind="stable")
        spans = np.stack([states[c].to_numpy()[order] for c in ("at", "since", "until")])
        return cls(States(firsts(firm, len(firms)), spans))

    def count(self, firms: Ints, at: int, window_us: int) -> Ints:
        """Spans of each enterprise that hold at a moment, with a fact inside the window."""
        return counted(self.arrays, firms, at, window_us)


NO_STATE = StateIndex(States(np.zeros(0, dtype=np.int64), np.zeros((3, 0), dtype=np.int64)))


@dataclass(frozen=True, slots=True)
class Graph:
    """Links and states of all enterprises at any moment."""

    links: Mapping[str, LinkIndex]
    states: Mapping[str, StateIndex]
    largest_key: int

    def told(self, relation: Relation, asked: Ints, at: int, window_us: int) -> Floats:
        """A relation of the asked enterprises (their places; -1: not tied) at a moment."""
        if relation.kind == "propagate":
            return self._spread(relation, asked, at)
        index, state = self.links[relation.link], self.states.get(relation.state, NO_STATE)
        number, in_state, facts = one_hop(
            index.arrays, state.arrays, asked, (at, window_us, self.largest_key)
        )
        if relation.kind == "share":
            found = np.zeros(len(asked))
            np.divide(in_state, number, out=found, where=number > 0)
            return found
        told = {"count": number, "sum": facts, "flag": (in_state > 0).astype(np.int64)}
        return told[relation.kind].astype(np.float64)

    def _spread(self, relation: Relation, asked: Ints, at: int) -> Floats:
        found, there = np.zeros(len(asked)), np.unique(asked[asked >= 0])
        index = self.links[relation.link]
        there = there[index.arrays.first_of_firm[there + 1] > index.arrays.first_of_firm[there]]
        if len(there) == 0:
            return found
        edges = index.around(there, at, hops=2)
        near = np.unique(index.arrays.firm[edges])
        if not self.states[relation.state].count(near, at, 0).any():
            return found
        members, ties = self._incidence(index, edges, there)
        bad = (self.states[relation.state].count(members, at, 0) > 0).astype(np.int64)
        values = _propagated(ties, bad, np.searchsorted(members, there), relation.damping)
        place = np.minimum(np.searchsorted(there, asked), len(there) - 1)
        return np.where(there[place] == asked, values[place], 0.0)

    def neighbours(self, link: str, firms: Ints, at: int) -> Ints:
        """Places of the enterprises tied to some, these among them."""
        index, asked = self.links[link], np.unique(firms)
        members, ties = self._incidence(index, index.around(asked, at, hops=1), asked)
        shared = ties[np.searchsorted(members, asked)] @ ties.T
        return np.union1d(members[np.unique(shared.indices)], asked)

    def _incidence(
        self, index: LinkIndex, edges: Ints, asked: Ints
    ) -> tuple[Ints, sparse.csr_array]:
        """Enterprises, and which of them have which key; keys of too many are left out."""
        members = np.unique(np.concatenate([index.arrays.firm[edges], asked]))
        keys, key = np.unique(index.arrays.key[edges], return_inverse=True)
        firm = np.searchsorted(members, index.arrays.firm[edges])
        ones = np.ones(len(edges), dtype=np.int64)
        ties = sparse.csr_array((ones, (firm, key)), shape=(len(members), len(keys)))
        ties.sum_duplicates()
        ties.data[:] = 1
        size = np.asarray(ties.sum(axis=0)).ravel()
        return members, ties[:, (size >= 2) & (size <= self.largest_key)]


def _propagated(ties: sparse.csr_array, bad: Ints, own: Ints, damping: float) -> Floats:
    """`d * s1 + d**2 * s2`, own facts excluded.

    With the ties M, members n of a key and w = 1 / (n - 1): what comes over one hop is
    `s1 = M (w * M' b) - b * M w`, over two `M (w * M' s1) - s1 * M w`, less what goes out from
    the enterprise itself and comes back: `b * sum over others of (M w M')**2`.
    """
    size = np.asarray(ties.sum(axis=0)).ravel()
    weight = WEIGHT // np.maximum(size - 1, 1)
    outward = ties @ weight
    first = ties @ (weight * (ties.T @ bad)) - bad * outward
    second = (ties @ (weight * (ties.T @ first)) - first * outward)[own]
    is_bad = np.flatnonzero(bad[own])
    if len(is_bad):
        places_of = own[is_bad]
        mine = sparse.csr_array(
            ties[places_of] @ sparse.diags_array(weight, dtype=np.int64) @ ties.T
        )
        mine = _without(mine, places_of)
        second[is_bad] -= np.asarray(mine.multiply(mine).sum(axis=1)).ravel().astype(np.int64)
    one, two = first[own] / WEIGHT, second / (WEIGHT * WEIGHT)
    return np.asarray(damping * one + damping**2 * two, dtype=np.float64)


def _without(ties: sparse.csr_array, own: Ints) -> sparse.csr_array:
    """The rows of some enterprises without their own column."""
    row = np.repeat(np.arange(ties.shape[0]), np.diff(ties.indptr))
    keep = ties.indices != own[row]
    return sparse.csr_array((ties.data[keep], (row[keep], ties.indices[keep])), shape=ties.shape)


def _slices(first: Ints, wanted: Ints) -> Ints:
    """All places of the wanted groups, one after another."""
    lengths = first[wanted + 1] - first[wanted]
    starts = np.repeat(first[wanted] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    return np.asarray(starts + np.arange(int(lengths.sum())), dtype=np.int64)
