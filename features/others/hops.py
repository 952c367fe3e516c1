"""One hop over shared keys: who is a neighbour, and in what state. Compiled by numba."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from xinheng.features.vocabulary.fold import Ints

MANY = 64
"""From so many asked enterprises on, the sizes of keys are kept."""


class Edges(NamedTuple):
    """The edges of one link, in the order of their enterprises."""

    firm: Ints
    key: Ints
    since: Ints
    until: Ints
    first_of_firm: Ints
    by_key: Ints
    """Places of the edges in the order of their keys."""
    first_of_key: Ints


class States(NamedTuple):
    """When enterprises are in a state, in the order of the enterprises."""

    first_of_firm: Ints
    spans: Ints
    """Moment of the fact, begin and end: (3, spans)."""


@njit(cache=True, nogil=True)
def facts(states: States, firm: int, at: int, window_us: int) -> int:
    """Spans of an enterprise that hold at a moment, with a fact inside the window."""
    count = 0
    for row in range(states.first_of_firm[firm], states.first_of_firm[firm + 1]):
        fact, since, until = states.spans[0, row], states.spans[1, row], states.spans[2, row]
        is_inside = fact <= at and (window_us == 0 or at - fact < window_us)
        if is_inside and since <= at < until:
            count += 1
    return count


@njit(cache=True, nogil=True)
def counted(states: States, firms: Ints, at: int, window_us: int) -> Ints:
    """Spans of each enterprise that hold at a moment."""
    found = np.zeros(len(firms), dtype=np.int64)
    for i in range(len(firms)):
        found[i] = facts(states, firms[i], at, window_us)
    return found


@njit(cache=True, nogil=True)
def members(edges: Edges, key: int, at: int) -> Ints:
    """The enterprises that have a key at a moment, each once."""
    first, last = edges.first_of_key[key], edges.first_of_key[key + 1]
    found = np.empty(last - first, dtype=np.int64)
    n = 0
    for place in range(first, last):
        edge = edges.by_key[place]
        if edges.since[edge] <= at < edges.until[edge]:
            found[n] = edges.firm[edge]
            n += 1
    return np.unique(found[:n])


@njit(cache=True, nogil=True)
def neighbours(edges: Edges, firm: int, at: int, largest_key: int, sizes: Ints) -> Ints:
    """The other enterprises that share a key with one, each once; keys of too many left out.

    `sizes` keeps what is known of keys (-1: nothing yet), or has no entries.
    """
    found = np.empty(0, dtype=np.int64)
    for own in range(edges.first_of_firm[firm], edges.first_of_firm[firm + 1]):
        key = edges.key[own]
        is_known = len(sizes) > 0 and sizes[key] >= 0
        if not edges.since[own] <= at < edges.until[own] or (is_known and sizes[key] != 1):
            continue
        having = members(edges, key, at)
        fits = 2 <= len(having) <= largest_key
        if len(sizes) > 0:
            sizes[key] = 1 if fits else 0
        if fits:
            found = np.concatenate((found, having[having != firm]))
    return np.unique(found)


@njit(cache=True, nogil=True)
def one_hop(
    edges: Edges, states: States, asked: Ints, told: tuple[int, int, int]
) -> tuple[Ints, Ints, Ints]:
    """Neighbours of each asked enterprise: how many, how many in the state, and its facts.

    `told` is the moment, the window in microseconds and the size of the largest key.
    """
    at, window_us, largest_key = told
    number = np.zeros(len(asked), dtype=np.int64)
    in_state = np.zeros(len(asked), dtype=np.int64)
    total = np.zeros(len(asked), dtype=np.int64)
    sizes = np.full(len(edges.first_of_key) if len(asked) > MANY else 0, -1, dtype=np.int64)
    for i in range(len(asked)):
        if asked[i] < 0:
            continue
        near = neighbours(edges, asked[i], at, largest_key, sizes)
        number[i] = len(near)
        if len(states.first_of_firm) == 0:
            continue
        for firm in near:
            count = facts(states, firm, at, window_us)
            total[i] += count
            in_state[i] += count > 0
    return number, in_state, total
