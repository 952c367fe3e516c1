"""Hops over shared keys: who is a neighbour, in what state, what comes from them.

Compiled by numba, in whole numbers, so that no order of enterprises can change a bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from xinheng.features.vocabulary.fold import Ints

NONE = -1
"""No key and no enterprise; dictionaries begin with it, so that numba knows their types."""
Found = dict[int, tuple[int, int]]
"""By key what one member hands on to another, and how many members are in the state."""
MANY = 64
"""From so many asked enterprises on, the sizes of keys are kept."""
WEIGHT = 1 << 20
"""A key hands on `1 / (members - 1)` as so many parts."""


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


@njit(cache=True, nogil=True)
def own_keys(edges: Edges, firm: int, at: int) -> Ints:
    """The keys that an enterprise has at a moment, each once."""
    first, last = edges.first_of_firm[firm], edges.first_of_firm[firm + 1]
    is_held = (edges.since[first:last] <= at) & (at < edges.until[first:last])
    return np.unique(edges.key[first:last][is_held])


@njit(cache=True, nogil=True)
def weighed(
    edges: Edges, states: States, key: int, told: tuple[int, int], keys: Found
) -> tuple[int, int]:
    """What one member of a key hands on to another, and how many members are in the state.

    `told` is the moment and the size of the largest key; `keys` keeps what was found.
    """
    if key in keys:
        return keys[key]
    at, largest_key = told
    weight, bad = 0, 0
    having = members(edges, key, at)
    if 2 <= len(having) <= largest_key:
        weight = WEIGHT // (len(having) - 1)
        for firm in having:
            bad += facts(states, firm, at, 0) > 0
    keys[key] = (weight, bad)
    return weight, bad


@njit(cache=True, nogil=True)
def first_hop(edges: Edges, states: States, firm: int, told: tuple[int, int], keys: Found) -> int:
    """What comes to an enterprise from the other members of its keys, its own state left out."""
    own = int(facts(states, firm, told[0], 0) > 0)
    found = 0
    for key in own_keys(edges, firm, told[0]):
        weight, bad = weighed(edges, states, key, told, keys)
        found += weight * (bad - own)
    return found


@njit(cache=True, nogil=True)
def returned(edges: Edges, states: States, firm: int, told: tuple[int, int], keys: Found) -> int:
    """What goes out from an enterprise in the state and comes back over the second hop."""
    shared = {NONE: NONE}
    for key in own_keys(edges, firm, told[0]):
        weight, _ = weighed(edges, states, key, told, keys)
        if weight > 0:
            for other in members(edges, key, told[0]):
                shared[other] = shared.get(other, 0) + weight
    found = 0
    for other, weight in shared.items():
        found += weight * weight if other not in (firm, NONE) else 0
    return found


@njit(cache=True, nogil=True)
def spread(edges: Edges, states: States, asked: Ints, told: tuple[int, int]) -> tuple[Ints, Ints]:
    """What comes to each asked enterprise over one hop and over two, own facts excluded.

    In parts of `WEIGHT` and `WEIGHT**2`. Each key hands on the mean of its other members; over
    the second hop, what these received over the first.
    """
    keys, sums = {NONE: (NONE, NONE)}, {NONE: NONE}
    one, two = np.zeros(len(asked), dtype=np.int64), np.zeros(len(asked), dtype=np.int64)
    for i in range(len(asked)):
        firm = asked[i]
        if firm < 0:
            continue
        one[i] = first_hop(edges, states, firm, told, keys)
        for key in own_keys(edges, firm, told[0]):
            weight, _ = weighed(edges, states, key, told, keys)
            if weight == 0:
                continue
            if key not in sums:
                total = 0
                for other in members(edges, key, told[0]):
                    total += first_hop(edges, states, other, told, keys)
                sums[key] = total
            two[i] += weight * (sums[key] - one[i])
        if facts(states, firm, told[0], 0) > 0:
            two[i] -= returned(edges, states, firm, told, keys)
    return one, two
