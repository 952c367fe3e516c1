"""How much of the truth the indicators tell: `python benchmarks/ceiling.py CITY HOME`.

On a made-up city the hidden chance of every firm in every month is known. A booster that is taught
with those chances, of everyone on the register at many moments of the training period, has neither
noise in its labels nor few of them. What the live model misses of it lies in the labels; what it
still misses of the oracle is for the greater part not in the indicators. One booster is no proof.
The cases are the test cases of `xinheng models evaluate risk_class`.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import lightgbm as lgb
import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from xinheng.city.draws import assumed
from xinheng.city.oracle import true_chances
from xinheng.config import Home
from xinheng.features.engine.compute import compute
from xinheng.features.population import population
from xinheng.models.artifact import live_version, load_model, matrix
from xinheng.models.calibration import Floats, sigmoid
from xinheng.models.score import score
from xinheng.training.cohorts.cohort import DAY, LABEL
from xinheng.training.cohorts.material import Material, material_of
from xinheng.training.cohorts.task import load_task
from xinheng.training.fitting.fit import parameters, usable_columns

EVERY_DAYS, YEARS = 61, 4
TREES = 600
CAPACITY = 0.05
SUMMER = (6, 7, 8)
SECTORS = {"food": 0.25, "drugs": 0.1, "construction": 0.35, "other": 0.0}
"""As `xinheng.city.events.checks.problem_chance` has them."""


def main() -> None:
    city, home = Path(sys.argv[1]), Home.at(Path(sys.argv[2]))
    task = load_task("risk_class", home.tasks)
    material = material_of(home, task, None, lambda _: None)
    test, known = material.of("test", honest=True)
    features, chance = everyone_with_chances(material, hidden(city))
    used = usable_columns(material.columns, features)
    names = [column.name for column in used]
    told = parameters(used, task.settings) | {"objective": "cross_entropy"}
    taught = lgb.train(told, lgb.Dataset(matrix(features, names), chance), num_boost_round=TREES)
    folder = home.model("risk_class")
    live = load_model(folder / live_version(folder))
    rankings = {
        "live model": score(live, known)["log_odds"].to_numpy(),
        "taught the truth": np.asarray(taught.predict(matrix(known, names))),
        "oracle": true_chances(city, test, "inspection"),
    }
    print(f"taught with the chances of {features.height:,} firms and moments")
    tell(test[LABEL].to_numpy(), rankings)


def tell(label: Floats, rankings: dict[str, Floats]) -> None:
    """AUC, precision among the riskiest, rank correlation with the hidden chance."""
    print(f"{label.size:,} random visits, {int(label.sum()):,} with a problem")
    most = max(1, int(CAPACITY * label.size))
    for name, ranking in rankings.items():
        riskiest = np.argsort(-ranking, kind="stable")[:most]
        print(
            f"{name:<18}AUC {roc_auc_score(label, ranking):.3f}"
            f"   precision at 5 % {label[riskiest].mean():.3f}"
            f"   rank correlation {correlation(ranking, rankings['oracle']):.3f}"
        )


def everyone_with_chances(material: Material, chances: pl.DataFrame) -> tuple[pl.DataFrame, Floats]:
    """Indicators and hidden chances of everyone, every two months of the training period."""
    last = material.of("train")[0][DAY].max()
    assert isinstance(last, date)
    parts, labels = [], []
    for back in range(EVERY_DAYS, YEARS * 365, EVERY_DAYS):
        day = last - timedelta(days=back)
        everyone = population(material.lake, datetime.combine(day, datetime.min.time(), UTC))
        told = everyone.join(chances.filter(pl.col("month") == day.replace(day=1)), on="uscc")
        if told.height == 0:
            break
        question = told.select("uscc", "as_of")
        parts.append(compute(material.inputs.indicators(), question, material.lake))
        labels.append(told["chance"].to_numpy())
        print(f"{day}: {told.height:,} firms", file=sys.stderr)
    return pl.concat(parts), np.concatenate(labels)


def hidden(city: Path) -> pl.DataFrame:
    """`uscc`, `month` and the chance that a visit of that month finds a problem."""
    a = assumed("problem")
    firms = pl.read_parquet(city / "truth" / "firms.parquet").select("firm", "uscc", "sector")
    told = pl.read_parquet(city / "truth" / "latent.parquet").join(firms, on="firm")
    compliance, distress = (told[name].to_numpy() / 100 for name in ("compliance", "distress"))
    sector = told["sector"].replace_strict(SECTORS, return_dtype=pl.Float64).to_numpy()
    is_summer = told["month"].dt.month().is_in(SUMMER).to_numpy()
    summer = 0.3 * (is_summer & (told["sector"] == "food").to_numpy())
    odds = a["intercept"] + a["compliance"] * compliance + a["distress"] * distress
    found, gone = sigmoid(odds + sector + summer), sigmoid(-4.8 + 1.3 * distress)
    chance = pl.Series(1 - (1 - found) * (1 - gone))
    return told.select("uscc", "month").with_columns(chance=chance)


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Spearman's."""
    ranks = [pl.Series(one).rank().to_numpy() for one in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


if __name__ == "__main__":
    main()
