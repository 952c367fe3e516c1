"""Exact reasons from tables against LightGBM's own, on one booster: `python benchmarks/reasons.py`.

A made-up model of the size of a champion: 165 inputs with gaps and ten categories, 300 trees of up
to 31 leaves, 6 deep. The machine is shared: read the ratios.
"""

from __future__ import annotations

import time

import lightgbm as lgb
import numpy as np
from speed import timed

from xinheng.models.reasons.shapley import contributions, tables_of

ROWS, ALONE, INPUTS, CATEGORIES = 20_000, 500, 165, 10


def main() -> None:
    rng = np.random.default_rng(1)
    inputs = rng.exponential(size=(ROWS, INPUTS))
    inputs[rng.random(inputs.shape) < 0.2] = np.nan
    inputs[:, :CATEGORIES] = rng.integers(0, 12, (ROWS, CATEGORIES))
    filled = np.nan_to_num(inputs)
    score = filled[:, 12] * filled[:, 13] + (filled[:, 0] > 5) + rng.normal(size=ROWS)
    data = lgb.Dataset(
        inputs, (score > 1.5).astype(float), categorical_feature=list(range(CATEGORIES))
    )
    told = {"objective": "binary", "num_leaves": 31, "max_depth": 6, "seed": 1, "verbosity": -1}
    booster = lgb.train(told | {"num_threads": 1}, data, num_boost_round=300)
    begun = time.perf_counter()
    tables = tables_of(booster)
    contributions(tables, inputs[:1])
    print(
        f"tables made in {time.perf_counter() - begun:.2f} s, {tables.pushes.nbytes / 1e6:.1f} MB"
    )
    theirs = timed(lambda: booster.predict(inputs[:2_000], pred_contrib=True)) / 2_000
    ours = timed(lambda: contributions(tables, inputs)) / ROWS
    alone = timed(lambda: [contributions(tables, inputs[i : i + 1]) for i in range(ALONE)]) / ALONE
    difference = contributions(tables, inputs[:500]) - booster.predict(
        inputs[:500], pred_contrib=True
    )
    print(f"pred_contrib, one thread      {theirs * 1e6:9.1f} us a row")
    print(f"tables, in bulk               {ours * 1e6:9.1f} us a row, {theirs / ours:.0f} times")
    print(f"tables, one row at a time     {alone * 1e6:9.1f} us a row")
    print(f"largest difference            {np.abs(difference).max():9.1e}")


if __name__ == "__main__":
    main()
