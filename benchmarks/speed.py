"""How fast the floors are here and now: `make bench`. The machine is shared: read ratios."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from urllib.request import urlopen

import polars as pl
import uvicorn

from xinheng.city.town import make_town, write_town
from xinheng.config import Home
from xinheng.decisions.age import Age
from xinheng.decisions.assess import assess
from xinheng.decisions.kept.store import DecisionStore
from xinheng.decisions.lists import draw
from xinheng.features.catalogue import catalogue, feature_columns
from xinheng.features.engine.compute import compute
from xinheng.features.population import population
from xinheng.serving.app import create_app
from xinheng.training.studies.run import prepare, run_study

AS_OF = datetime(2025, 12, 31, 16, tzinfo=UTC)
ENTERPRISES = 5_000
COLUMNS = len(feature_columns(catalogue().values()))


def timed(work: Callable[[], object], *, repeats: int = 3) -> float:
    """Best of some runs, in seconds."""
    found = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


def tell(what: str, value: str, hold: str = "") -> None:
    print(f"{what:<64}{value:>18}  {hold}")


def main() -> None:
    print(f"{ENTERPRISES:,} enterprises, {COLUMNS} feature columns\n")
    command_line()
    with tempfile.TemporaryDirectory() as folder:
        floors(Path(folder))


def command_line() -> None:
    for what, code in (
        ("import xinheng", "import xinheng"),
        ("xinheng --help", "from xinheng.commands import main; main(['--help'])"),
    ):
        empty = timed(lambda: subprocess.run([sys.executable, "-c", ""], check=True), repeats=5)
        script = [sys.executable, "-c", code]
        whole = timed(
            lambda script=script: subprocess.run(script, check=False, capture_output=True),
            repeats=5,
        )
        tell(f"{what}, above an empty interpreter", f"{whole - empty:.3f} s", "hold 0.3 s")


def floors(folder: Path) -> None:
    town = write_town(make_town(enterprises=ENTERPRISES, years=3, seed=1), folder / "town")
    home = Home(folder / "home")
    begun = time.perf_counter()
    prepared = prepare(town, town / "delivery", home, at=AS_OF)
    rows = sum(table.offered for table in prepared.report.tables)
    spent = time.perf_counter() - begun
    tell("intake, gate and lake, and the training matrix", f"{rows / spent:,.0f} rows/s")
    outcome = run_study(prepared, home, resamples=10)
    lake, model = prepared.lake, outcome.model

    everyone = population(lake, AS_OF)
    spent = timed(lambda: compute(catalogue().values(), everyone, lake))
    tell("indicators, everyone at one moment", f"{spent / everyone.height * 1e3:.3f} ms each")
    one = everyone.head(1)
    spent = timed(lambda: compute(catalogue().values(), one, lake))
    tell("indicators, one enterprise from the lake", f"{spent * 1e3:.0f} ms")
    features = compute(catalogue().values(), everyone, lake)
    spent = timed(lambda: model.contributions(features))
    tell("exact reasons", f"{spent / everyone.height * 1e3:.3f} ms each")
    spent = timed(lambda: assess(model, lake, AS_OF, home.classes), repeats=1)
    tell(
        "nightly run: indicators, score, reasons, records",
        f"{everyone.height / spent:,.0f} firms/s",
    )
    answers(home, pl.Series(everyone["uscc"]).to_list(), assess(model, lake, AS_OF, home.classes))


def answers(home: Home, codes: list[str], assessed: list) -> None:  # type: ignore[type-arg]
    store = DecisionStore.at(home.database_url)
    store.keep_run(assessed, lake_batch=1, at=AS_OF)
    store.keep_list(draw(assessed, top=50, officer="bench", age=Age(AS_OF, AS_OF, 2)))
    server = uvicorn.Server(uvicorn.Config(create_app(store), port=8765, log_level="error"))
    Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    asked = codes[:300]
    spent = timed(
        lambda: [urlopen(f"http://127.0.0.1:8765/v1/enterprises/{c}/risk").read() for c in asked]
    )
    tell("stored score over HTTP, one connection after another", f"{len(asked) / spent:,.0f}/s")
    server.should_exit = True
    store.close()


if __name__ == "__main__":
    main()
