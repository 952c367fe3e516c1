"""Whether the population has moved: stability index of inputs and scores, and what is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from xinheng.models.artifact import RiskModel
from xinheng.models.calibration import Floats

BINS = 10
SAMPLE = 2_000
LEAST_SHARE = 1e-4
"""Of an empty bin, so that the index stays finite."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One column then and now."""

    column: str
    psi: float
    unknown_then: float
    unknown_now: float
    push: float = 0.0
    """By how much its mean push on the log-odds has changed, where a model was asked."""


def drifts(reference: pl.DataFrame, live: pl.DataFrame, columns: Sequence[str]) -> list[Drift]:
    """Each column against its reference, the widest moved first."""
    found = [_drift(name, reference[name], live[name]) for name in columns]
    return sorted(found, key=lambda one: -one.psi)


def pushed(
    model: RiskModel, reference: pl.DataFrame, live: pl.DataFrame, *, seed: int = 0
) -> list[Drift]:
    """The inputs of a model, those first whose mean push on the log-odds has changed most.

    An index may be large where it does not matter: a rate that all firms of an industry share
    takes few values, and all of them move a little. What it does to the score is what counts.
    """
    then, now = (
        model.contributions(rows.sample(min(SAMPLE, rows.height), seed=seed))[:, :-1].mean(axis=0)
        for rows in (reference, live)
    )
    shift = dict(zip(model.names, (now - then).tolist(), strict=True))
    told = [replace(one, push=shift[one.column]) for one in drifts(reference, live, model.names)]
    return sorted(told, key=lambda one: -abs(one.push))


def _drift(name: str, reference: pl.Series, live: pl.Series) -> Drift:
    then, now = (one.cast(pl.Float64).fill_nan(None) for one in (reference, live))
    unknown = [one.null_count() / max(1, len(one)) for one in (then, now)]
    return Drift(name, psi(_values(then), _values(now)), unknown[0], unknown[1])


def _values(column: pl.Series) -> Floats:
    return column.drop_nulls().to_numpy()


def psi(reference: Floats, live: Floats) -> float:
    """Population stability index over tenths of the reference; 0 where there is nothing known.

    The sum of `(now - then) * ln(now / then)` over the bins; what is unknown is told apart. The
    bins part in the middle between quantiles, so that a value that nearly all share, such as the
    mean of a shrunk rate, may move a little without a false alarm.
    """
    if reference.size == 0 or live.size == 0:
        return 0.0
    middles = np.quantile(reference, [0.0, *((np.arange(BINS) + 0.5) / BINS), 1.0])
    stops = np.unique(middles)
    edges = (stops[1:] + stops[:-1]) / 2
    then, now = (_shares(edges, one) for one in (reference, live))
    return float(np.sum((now - then) * np.log(now / then)))


def _shares(edges: Floats, values: Floats) -> Floats:
    """Share of each bin; a value on an edge belongs to the bin above it."""
    places = np.searchsorted(edges, values, side="right")
    counts = np.bincount(places, minlength=edges.size + 1)
    return np.maximum(counts / values.size, LEAST_SHARE)
