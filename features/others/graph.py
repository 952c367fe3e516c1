"""Enterprises tied by shared keys at a moment: who is a neighbour, and what comes from them.

Ties are a sparse incidence matrix, enterprises by keys. Everything is whole numbers, so that a
part of the graph around one enterprise gives the same bits as the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numba import njit
from scipy import sparse

from xinheng.features.others.rates import places
from xinheng.features.vocabulary.fold import Floats, Ints, Relation

WEIGHT = 1 << 20
"""A key hands on `1 / (members - 1)` as so many parts."""


@dataclass(frozen=True, slots=True)
class LinkIndex:
    """The edges of one link, by enterprise and by key."""

    firm: Ints
    key: Ints
    since: Ints
    until: Ints
    first_of_firm: Ints
    by_key: Ints
    """Places of the edges in the order of their keys."""
    first_of_key: Ints

    @classmethod
    def of(cls, edges: pl.DataFrame, firms: pl.Series) -> LinkIndex:
        """Index the edges (`xinheng.features.others.links.EDGES`) of some enterprises."""
        keys = edges.select(pl.concat_str("link", "key", separator=" ")).to_series()
        firm, key = places(edges["uscc"], firms), places(keys, keys.unique().sort())
        order = np.argsort(firm, kind="stable")
        firm, key = firm[order], key[order]
        return cls(
            firm=firm,
            key=key,
            since=edges["since"].to_numpy()[order],
            until=edges["until"].to_numpy()[order],
            first_of_firm=_firsts(firm, len(firms)),
            by_key=np.argsort(key, kind="stable"),
            first_of_key=_firsts(key, int(key.max(initial=-1)) + 1),
        )

    def around(self, asked: Ints, at: int, *, hops: int) -> Ints:
        """Places of the valid edges that matter to the asked enterprises."""
        valid = (self.since <= at) & (at < self.until) if 8 * len(asked) > len(self.firm) else None
        if valid is not None:
            return np.flatnonzero(valid)
        firms, found = np.unique(asked), np.empty(0, dtype=np.int64)
        for _ in range(hops):
            own = self._valid(_slices(self.first_of_firm, firms), at)
            keys = np.unique(self.key[own])
            found = self._valid(self.by_key[_slices(self.first_of_key, keys)], at)
            firms = np.unique(np.concatenate([firms, self.firm[found]]))
        return found

    def _valid(self, edges: Ints, at: int) -> Ints:
        return edges[(self.since[edges] <= at) & (at < self.until[edges])]


@dataclass(frozen=True, slots=True)
class StateIndex:
    """When enterprises are in a state: spans by enterprise."""

    first_of_firm: Ints
    spans: Ints
    """Moment of the fact, begin and end: (3, spans)."""

    @classmethod
    def of(cls, states: pl.DataFrame, firms: pl.Series) -> StateIndex:
        """Index the spans (`xinheng.features.others.links.STATES`) of one state."""
        firm = places(states["uscc"], firms)
        order = np.argsort(firm, kind="stable")
        spans = np.stack([states[c].to_numpy()[order] for c in ("at", "since", "until")])
        return cls(_firsts(firm, len(firms)), spans)

    def count(self, firms: Ints, at: int, window_us: int) -> Ints:
        """Spans of each enterprise that hold at a moment, with a fact inside the window."""
        return _counted(self.first_of_firm, self.spans, firms, at, window_us)


@dataclass(frozen=True, slots=True)
class Graph:
    """Links and states of all enterprises at any moment."""

    firms: pl.Series
    """Sorted."""
    links: Mapping[str, LinkIndex]
    states: Mapping[str, StateIndex]
    largest_key: int

    def told(self, relation: Relation, asked: Ints, at: int, window_us: int) -> Floats:
        """A relation of the asked enterprises (places in `firms`; -1: not tied) at a moment."""
        there = np.unique(asked[asked >= 0])
        found = np.zeros(len(asked))
        if len(there) == 0:
            return found
        hops = 2 if relation.kind == "propagate" else 1
        index = self.links[relation.link]
        edges = index.around(there, at, hops=hops)
        members, ties = self._incidence(index, edges, there)
        own = np.searchsorted(members, there)
        values = self._values(relation, members, ties, own, at, window_us)
        found[asked >= 0] = values[np.searchsorted(there, asked[asked >= 0])]
        return found

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
        members = np.unique(np.concatenate([index.firm[edges], asked]))
        keys, key = np.unique(index.key[edges], return_inverse=True)
        firm = np.searchsorted(members, index.firm[edges])
        ones = np.ones(len(edges), dtype=np.int64)
        ties = sparse.csr_array((ones, (firm, key)), shape=(len(members), len(keys)))
        ties.sum_duplicates()
        ties.data[:] = 1
        size = np.asarray(ties.sum(axis=0)).ravel()
        return members, ties[:, (size >= 2) & (size <= self.largest_key)]

    def _values(
        self,
        relation: Relation,
        members: Ints,
        ties: sparse.csr_array,
        own: Ints,
        at: int,
        window_us: int,
    ) -> Floats:
        if relation.kind == "propagate":
            bad = (self._state(relation, members, at, window_us) > 0).astype(np.int64)
            return _propagated(ties, bad, own, relation.damping)
        shared = sparse.csr_array(ties[own] @ ties.T)
        others = _without_self(shared, own)
        number = np.asarray(others.sum(axis=1), dtype=np.float64).ravel()
        if relation.kind == "count":
            return number
        count = self._state(relation, members, at, window_us)
        told = count if relation.kind == "sum" else (count > 0).astype(np.int64)
        found = np.asarray(others @ told, dtype=np.float64).ravel()
        if relation.kind == "flag":
            return (found > 0).astype(np.float64)
        if relation.kind == "sum":
            return found
        return np.divide(found, number, out=np.zeros(len(own)), where=number > 0)

    def _state(self, relation: Relation, members: Ints, at: int, window_us: int) -> Ints:
        return self.states[relation.state].count(members, at, window_us)


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


def _without_self(shared: sparse.csr_array, own: Ints) -> sparse.csr_array:
    """Who shares any key with whom, once, and not with itself."""
    others = _without(shared, own)
    others.data[:] = 1
    return others


def _without(ties: sparse.csr_array, own: Ints) -> sparse.csr_array:
    """The rows of some enterprises without their own column."""
    row = np.repeat(np.arange(ties.shape[0]), np.diff(ties.indptr))
    keep = ties.indices != own[row]
    return sparse.csr_array((ties.data[keep], (row[keep], ties.indices[keep])), shape=ties.shape)


def _firsts(code: Ints, size: int) -> Ints:
    first = np.zeros(size + 1, dtype=np.int64)
    np.cumsum(np.bincount(code, minlength=size), out=first[1:])
    return first


def _slices(first: Ints, wanted: Ints) -> Ints:
    """All places of the wanted groups, one after another."""
    lengths = first[wanted + 1] - first[wanted]
    starts = np.repeat(first[wanted] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    return np.asarray(starts + np.arange(int(lengths.sum())), dtype=np.int64)


@njit(cache=True, nogil=True)
def _counted(first: Ints, spans: Ints, firms: Ints, at: int, window_us: int) -> Ints:
    found = np.zeros(len(firms), dtype=np.int64)
    for i in range(len(firms)):
        for row in range(first[firms[i]], first[firms[i] + 1]):
            fact, since, until = spans[0, row], spans[1, row], spans[2, row]
            is_inside = fact <= at and (window_us == 0 or at - fact < window_us)
            if is_inside and since <= at < until:
                found[i] += 1
    return found
