"""Pictures of a made-up city: what its deliveries look like from outside."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from xinheng.city.draws import Floats

_INK, _SOFT, _WARM = "#1b3a5c", "#8fb3d9", "#c8553d"


def draw_city(folder: Path, target: Path) -> list[Path]:
    """Filing dates, arrival lags, class shares and problem rates, degrees: one PNG each."""
    target.mkdir(parents=True, exist_ok=True)
    return [
        _filings(folder, target / "city-filing-dates.png"),
        _lags(folder, target / "city-lags.png"),
        _classes(folder, target / "city-classes.png"),
        _degrees(folder, target / "city-degrees.png"),
    ]


def delivered(folder: Path, table: str, columns: list[str]) -> pl.DataFrame:
    """Columns of all delivered rows of a table, with the day on which each folder was sent."""
    frames = []
    for path in sorted((folder / "deliveries").glob(f"*/*/{table}.*")):
        year, month, half = path.parent.name.split("-")
        first = date(int(year), int(month), 1)
        sent = first.replace(day=17) if half == "A" else (first + timedelta(days=32)).replace(day=2)
        rows = _read(path, columns).select(pl.all().cast(pl.String))
        frames.append(rows.with_columns(sent=pl.lit(sent)))
    return pl.concat(frames)


def _read(path: Path, columns: list[str]) -> pl.DataFrame:
    if path.suffix == ".parquet":
        return pl.read_parquet(path, columns=columns, glob=False)
    return pl.read_csv(path, columns=columns, infer_schema=False, glob=False)


def _axes(title: str, x: str, y: str) -> tuple[Any, Any]:
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(7.2, 3.6), dpi=110, layout="constrained")
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _saved(figure: Any, path: Path) -> Path:
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
    return path


def _filings(folder: Path, path: Path) -> Path:
    rows = delivered(folder, "annual_report", ["submitted_at", "due_on"])
    day = pl.col("submitted_at").str.slice(0, 10).str.to_date()
    back = rows.select(n=(day - pl.col("due_on").str.to_date()).dt.total_days())["n"]
    figure, axes = _axes("Annual reports by day of filing", "days after 30 June", "reports")
    axes.hist(back.to_numpy(), bins=np.arange(-180, 200), color=_SOFT)
    axes.axvline(0.5, color=_WARM, linewidth=1)
    axes.text(3, axes.get_ylim()[1] * 0.9, "deadline", color=_WARM)
    return _saved(figure, path)


def _lags(folder: Path, path: Path) -> Path:
    tables = {
        "complaint": "received_on", "inspection": "checked_on", "penalty": "decided_on",
        "social_insurance": "month",
    }  # fmt: skip
    figure, axes = _axes("Days from event to arrival, first versions", "days", "share arrived")
    for table, event in tables.items():
        rows = delivered(folder, table, [event, "operation"])
        first = rows.filter(pl.col("operation") == "insert")
        lag = first.select(n=(pl.col("sent") - pl.col(event).str.to_date()).dt.total_days())["n"]
        days = np.sort(lag.to_numpy())
        axes.plot(days, np.arange(1, days.size + 1) / days.size, label=table)
    axes.set_xlim(0, 120)
    axes.legend(frameon=False)
    return _saved(figure, path)


def _classes(folder: Path, path: Path) -> Path:
    """Problem rate of random visits by tenth of the true chance, and the share of each result."""
    rows = pl.read_parquet(folder / "truth" / "inspection.parquet", glob=False).filter(
        pl.col("reason") == "random_draw"
    )
    told = pl.read_parquet(folder / "truth" / "classes.parquet", glob=False)
    share = told.group_by("risk_class").agg(pl.len()).sort("risk_class")
    rates = rows.group_by("risk_class").agg(pl.col("problem").mean()).sort("risk_class")
    figure, axes = _axes(
        "The city's own classes: share of firms, and problems found at random visits", "", "share"
    )
    places = np.arange(4)
    letters = [f"{c}" for c in "ABCD"]
    shares = _by_class(share, "len") / float(told.height)
    found = _by_class(rates, "problem")
    axes.bar(places - 0.2, shares, 0.38, color=_SOFT, label="share of firms")
    axes.bar(places + 0.2, found, 0.38, color=_INK, label="problem found at a random visit")
    for place, value in zip(places - 0.2, shares, strict=True):
        axes.text(place, value, f"{100 * value:.0f} %", ha="center", va="bottom", fontsize=8)
    for place, value in zip(places + 0.2, found, strict=True):
        axes.text(place, value, f"{100 * value:.0f} %", ha="center", va="bottom", fontsize=8)
    axes.set_xticks(places, letters)
    axes.legend(frameon=False)
    return _saved(figure, path)


def _by_class(frame: pl.DataFrame, column: str) -> Floats:
    told = dict(frame.select("risk_class", column).iter_rows())
    return np.array([told.get(place, 0) for place in range(4)], dtype=float)


def _degrees(folder: Path, path: Path) -> Path:
    firms = pl.read_parquet(folder / "truth" / "firms.parquet", glob=False)
    figure, axes = _axes("Firms that share one key", "firms", "share of keys with at least so many")
    for key, colour in (("controller", _INK), ("address", _WARM)):
        sizes = np.sort(firms[key].value_counts()["count"].to_numpy())
        tail = 1 - np.arange(sizes.size) / sizes.size
        axes.loglog(sizes, tail, ".", color=colour, markersize=4, label=key)
    axes.legend(frameon=False)
    return _saved(figure, path)
