"""A made-up city with known truth: deliveries as departments would send them, month by month."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from xinheng.city.dirt import Dirt
from xinheng.city.draws import assumptions
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

DESCRIBED = "city.json"
"""Written last: what the city was made from."""
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


def make_city(  # noqa: PLR0913  (what a city is made from)
    folder: Path,
    *,
    enterprises: int,
    years: int,
    seed: int,
    clean: bool = False,
    until: date | None = None,
    profile: str = "",
    on_step: Callable[[str], None] = lambda _: None,
) -> City:
    """Write `deliveries/` and `truth/` below a folder; the same arguments give the same bytes.

    Parameters
    ----------
    enterprises
        Firms that live in the city at any time, at least 50.
    years
        Calendar years of records, the last one up to `until`.
    seed
        Of every draw.
    clean
        Leave out the slips of departments.
    until
        The last day on which records arrive; by default the end of 2025, with the month's last
        delivery.
    profile
        Assumptions of `profiles/` in place of the usual ones.
    """
    if enterprises < 50:
        raise ValueError(f"enterprises must be at least 50, got {enterprises}")
    (folder / DESCRIBED).unlink(missing_ok=True)
    for part in ("deliveries", "truth"):
        clear(folder / part)
    last = until or date(LAST_YEAR, 12, 31)
    first_year, months = last.year + 1 - years, 12 * (years - 1) + last.month
    assumed = assumptions(profile)
    on_step("firms")
    firms = make_firms(enterprises, assumed, first_year=first_year, months=months, seed=seed)
    dirt, truth = Dirt(seed, assumed["dirt"], clean=clean), Truth(firms)
    post = Post(firms, folder / "deliveries", seed, dirt, until)
    world = World.at_start(
        firms, post, truth, assumed, seed=seed, first_year=first_year, months=months
    )
    register_stock(world)
    licence_stock(world)
    for month in range(months):
        _live(world, month)
        if until is None or month < months - 1:
            post.deliver(world.next_day)
        else:
            post.close()
        on_step(f"{month + 1} of {months} months, {sum(post.sent.values()):,} rows")
    on_step("truth")
    truth.write(folder / "truth", dirt.made)
    told = {
        "enterprises": enterprises,
        "years": years,
        "seed": seed,
        "until": last.isoformat(),
        "profile": profile,
        "rows": dict(sorted(post.sent.items())),
    }
    (folder / DESCRIBED).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
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
