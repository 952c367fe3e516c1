"""Words that look at other enterprises: rates of a group, shares shrunk to them, neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

import numpy as np

from xinheng.features.vocabulary.fold import (
    Aggregation,
    Condition,
    Finish,
    Floats,
    Fold,
    GroupRate,
    Op,
    Relation,
    Told,
    ages,
    rows,
    said,
)

By = Literal["all", "industry_division", "region", "address", "contact", "category"]
UNINFORMED = 0.5
"""Prior mean while nobody has been looked at."""


def share(hits: Condition, base: Condition = "", *, prior: int, mean: By = "all") -> Aggregation:
    """Rows with a hit over rows of the base, shrunk: `(k + prior * m) / (n + prior)`.

    `m` is the same share over all enterprises of the group as known at `as_of`, this one left
    out; over all groups where this one's is empty.
    """
    among = rows(base)
    both = among & hits

    return Aggregation(
        word="share",
        folds=lambda window: {
            "k": Fold(op=Op.SUM, rows=both, ages=ages(window), is_evidence=False),
            "n": Fold(op=Op.SUM, rows=among, ages=ages(window)),
        },
        finish=_shrunk(prior),
        rate=GroupRate(by=mean),
        text=said("share", rows(hits).text, among.text, f"prior_mean={mean}, prior={prior}"),
    )


def group_rate(hits: Condition, *, by: By, base: Condition, prior: int) -> Aggregation:
    """Smoothed rate of the group that an attribute of `entity` makes, its own rows left out."""
    among = rows(base)
    both = among & hits

    return Aggregation(
        word="group_rate",
        folds=lambda window: {
            name: Fold(op=Op.SUM, rows=chosen, ages=ages(window), is_evidence=False)
            for name, chosen in (("k", both), ("n", among))
        },
        finish=_smoothed(prior),
        rate=GroupRate(by=by),
        text=said("group_rate", rows(hits).text, by, among.text, prior),
    )


def nbr_count(link: str) -> Aggregation:
    """Other enterprises that share a key of this link."""
    return _relation(Relation(kind="count", link=link), said("nbr_count", link))


def nbr_share(link: str, state: str) -> Aggregation:
    """Share of them in a state; 0 where there is no other."""
    return _relation(Relation(kind="share", link=link, state=state), said("nbr_share", link, state))


def nbr_sum(link: str, state: str) -> Aggregation:
    """How often the state began in the window among them."""
    return _relation(Relation(kind="sum", link=link, state=state), said("nbr_sum", link, state))


def nbr_flag(link: str, state: str) -> Aggregation:
    """1 if any of them is in the state."""
    return _relation(Relation(kind="flag", link=link, state=state), said("nbr_flag", link, state))


def graph_propagate(link: str, state: str, *, damping: float) -> Aggregation:
    """Damped propagation over two hops, own facts excluded.

    Each key hands on the mean of its other members: `d * s1 + d**2 * s2`.
    """
    relation = Relation(kind="propagate", link=link, state=state, damping=damping)
    return _relation(relation, said("graph_propagate", link, state, 2, damping))


def _relation(relation: Relation, text: str) -> Aggregation:
    def no_folds(_: int) -> Mapping[str, Fold]:
        return {}

    return Aggregation(
        word=f"nbr_{relation.kind}",
        folds=no_folds,
        finish=_related,
        relation=relation,
        text=text,
    )


@cache
def _shrunk(prior: int) -> Finish:
    def finish(told: Told) -> Floats:
        group = _rate(told.others["hits"], told.others["base"], told.others["mean"])
        return (told.value("k") + prior * group) / (told.value("n") + prior)

    return finish


@cache
def _smoothed(prior: int) -> Finish:
    def finish(told: Told) -> Floats:
        others = told.others
        return (others["hits"] + prior * others["mean"]) / (others["base"] + prior)

    return finish


def _related(told: Told) -> Floats:
    return told.others["value"]


def _rate(hits: Floats, base: Floats, mean: Floats) -> Floats:
    return np.divide(hits, base, out=mean.copy(), where=base > 0)
