"""A made-up city with known truth: deliveries as departments would send them, month by month."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xinheng.city.dirt import Dirt
from xinheng.city.events.checks import checks, classify, other_cases
from xinheng.city.events.feeds import feeds
from xinheng.city.events.life import life, register_stock
from xinheng.city.events.reports import reports
from xinheng.city.events.sectors import licence_stock, sectors
from xinheng.city.events.society import society
from xinheng.city.firms import drift, make_firms
from xinheng.city.post import Post, clear
from xinheng.city.truth import Truth
from xinheng.city.world import World

LAST_YEAR = 2025
"""The city's records end with this year."""
KEEP = {"compliance": 0.97, "distress": 0.95, "diligence": 0.99}
"""Monthly persistence: half-lives of about 23, 14 and 69 months (assumption)."""
SIZES: Mapping[str, tuple[int, int]] = {
    "small": (2_000, 3),
    "town": (20_000, 4),
    "wuzhong": (142_000, 23),
}
"""Reference sizes: enterprises and years."""


@dataclass(frozen=True, slots=True)
class City:
    """What was made: rows by table."""

    folder: Path
    rows: Mapping[str, int]


def make_city(
    folder: Path,
    *,
    enterprises: int,
    years: int,
    seed: int,
    clean: bool = False,
    on_step: Callable[[str], None] = lambda _: None,
) -> City:
    """Write `deliveries/` and `truth/` below a folder; the same arguments give the same bytes.

    Parameters
    ----------
    enterprises
        Firms that live in the city at any time, at least 50.
    years
        Years of records, up to the end of 2025.
    seed
        Of every draw.
    clean
        Leave out the slips of departments.
    """
    if enterprises < 50:
        raise ValueError(f"enterprises must be at least 50, got {enterprises}")
    for part in ("deliveries", "truth"):
        clear(folder / part)
    first_year = LAST_YEAR + 1 - years
    on_step("firms")
    firms = make_firms(enterprises, first_year=first_year, years=years, seed=seed)
    dirt, truth = Dirt(seed, clean=clean), Truth(firms)
    post = Post(firms, folder / "deliveries", seed, dirt)
    world = World.at_start(firms, post, truth, seed=seed, first_year=first_year, months=12 * years)
    register_stock(world)
    licence_stock(world)
    for month in range(12 * years):
        _live(world, month)
        post.deliver(world.next_day)
        on_step(f"{world.year}-{world.of_year:02d}, {sum(post.sent.values()):,} rows")
    on_step("truth")
    truth.write(folder / "truth", dirt.made)
    told = {
        "enterprises": enterprises,
        "years": years,
        "seed": seed,
        "rows": dict(sorted(post.sent.items())),
    }
    (folder / "city.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return City(folder, dict(post.sent))


def _live(world: World, month: int) -> None:
    """One month: hidden states drift, then everything that follows from them."""
    world.month = month
    for name, keep in KEEP.items():
        level, mean = getattr(world, name), getattr(world.firms, f"{name}_mean")
        setattr(world, name, drift(world.seed, name, month, level, mean, keep))
    states = {name: getattr(world, name) for name in KEEP}
    world.truth.remember(world.first_day, states, np.flatnonzero(world.alive))
    if world.of_year == 1:
        classify(world)
    for step in (life, reports, checks, other_cases, feeds, society, sectors):
        step(world)
