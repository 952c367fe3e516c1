"""Enterprises tied by shared keys at a moment: who is a neighbour, and what comes from them.

Ties are edges between enterprises and keys. Everything is whole numbers, so that a part of the
graph around one enterprise gives the same bits as the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from xinheng.features.engine.places import firsts, places
from xinheng.features.others.hops import WEIGHT, Edges, States, neighbours, one_hop, spread
from xinheng.features.vocabulary.fold import Floats, Ints, Relation


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
        """`d * s1 + d**2 * s2`, damped once a hop."""
        edges, states = self.links[relation.link].arrays, self.states[relation.state].arrays
        one, two = spread(edges, states, asked, (at, self.largest_key))
        once, twice = one / WEIGHT, two / (WEIGHT * WEIGHT)
        return np.asarray(relation.damping * once + relation.damping**2 * twice, dtype=np.float64)

    def neighbours(self, link: str, firms: Ints, at: int) -> Ints:
        """Places of the enterprises tied to some, these among them."""
        edges, none = self.links[link].arrays, np.empty(0, dtype=np.int64)
        near = [neighbours(edges, firm, at, self.largest_key, none) for firm in firms.tolist()]
        return np.unique(np.concatenate([firms, *near]))
