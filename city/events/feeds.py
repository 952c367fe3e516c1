"""Monthly feeds: social insurance, electricity, water, gas; taxes and the yearly tax grade."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinheng.city.draws import (
    Ints,
    dates,
    generator,
    sigmoid,
    where,
    yuan,
)
from xinheng.city.world import World

UTILITIES = ("electricity", "water", "gas")
_LEVEL = (6.2, 2.9, 3.6)
"""Log of the middle firm's use: kWh, m3, m3."""


def feeds(world: World) -> None:
    """Readings and declarations of this month; they arrive in the next two."""
    living = where(world.alive)
    _insurance(world, living)
    for place, utility in enumerate(UTILITIES):
        _meter(world, living[world.firms.meters[living, place]], place, utility)
    _taxes(world, living)


def _month_column(world: World, n: int) -> pl.Series:
    return pl.Series([world.first_day]).cast(pl.Int32).cast(pl.Date).new_from_index(0, n)


def _number(world: World, kind: str, who: Ints) -> pl.Series:
    """Meter or account and month: the same for the estimate and for the reading."""
    month = f"{world.year}{world.of_year:02d}"
    return (
        pl.Series(who).cast(pl.String).str.zfill(7).str.replace("^(.*)$", f"{kind}${{1}}-{month}")
    )


def _insurance(world: World, living: Ints) -> None:
    """Declared after the month, settled a month later; who cannot pay is in arrears."""
    who = living[world.firms.insured[living]]
    rng = world.rng("insurance")
    n = who.size
    shrink = 1 - 0.12 * np.clip(world.distress[who], 0, 3)
    # a slow walk around each firm's staff, the same noise for a quarter
    quarter = generator(world.seed, "staff", world.month // 3).standard_normal(len(world.firms))
    heads = np.maximum(
        1, np.round(world.firms.staff[who] * 0.85 * shrink * np.exp(0.05 * quarter[who]))
    )
    payable = np.round(heads * 980.0, 2)
    arrears = rng.random(n) < sigmoid(-4.2 + 1.6 * world.distress[who])
    declared: dict[str, object] = {
        "month": _month_column(world, n),
        "insured_headcount": pl.Series(heads.astype(np.int64)),
        "payable_yuan": pl.Series(payable),
        "in_arrears": pl.Series(np.zeros(n, dtype=bool)),
    }
    number = _number(world, "SB", who)
    first = world.next_day + np.where(rng.random(n) < 0.9, 9, 20)
    world.post.send("rsj", "social_insurance", who, first, declared, number=number)
    world.post.correct(
        "rsj", "social_insurance", who, first + 28, declared, number=number,
        keep=rng.random(n) < world.assumed["feeds"]["settled"],
        paid_yuan=pl.Series(np.where(arrears, 0, payable)), in_arrears=pl.Series(arrears),
    )  # fmt: skip


def _meter(world: World, who: Ints, place: int, utility: str) -> None:
    """Estimated from the year before, then read; use follows size, season and distress."""
    rng = world.rng(f"meter {utility}")
    n = who.size
    season = 1 + (0.25, 0.1, -0.35)[place] * np.cos(2 * np.pi * (world.of_year - 7) / 12)
    strength = 0.7 if utility == "electricity" else 0.5
    slack = np.clip(1 - 0.12 * np.clip(world.distress[who], 0, 4), 0.2, 1)
    resting = np.where(world.suspended_until[who] > world.first_day, 0.1, 1.0)
    use = (
        np.exp(_LEVEL[place] + strength * world.firms.size[who])
        * season * slack * resting * np.exp(0.12 * rng.standard_normal(n))
    )  # fmt: skip
    read = np.round(use, 1)
    estimate = np.round(use * np.exp(0.1 * rng.standard_normal(n)), 0) + 1
    owing = rng.random(n) < sigmoid(-4.4 + 1.5 * world.distress[who])
    columns: dict[str, pl.Series] = {
        "month": _month_column(world, n),
        "utility": pl.Series([utility]).new_from_index(0, n),
        "usage": pl.Series(estimate),
        "arrears_yuan": pl.Series(np.zeros(n)),
        "meter_shared": pl.Series(world.firms.shared_meter[who]),
    }
    number = _number(world, utility[0].upper() + "M", who)
    first = world.next_day + np.where(rng.random(n) < 0.5, 4, 18)
    world.post.send("gsgy", "utility_usage", who, first, columns, number=number)
    final = columns | {
        "usage": pl.Series(read),
        "arrears_yuan": pl.Series(np.where(owing, np.round(read * 0.6, 2), 0.0)),
    }
    world.post.send(
        "gsgy", "utility_usage", who, first + 15, final, number=number, operation="correct"
    )


def _taxes(world: World, living: Ints) -> None:
    """Grades each April; arrears, late filings and lost households as they come."""
    rng = world.rng("taxes")
    if world.of_year == 4 and world.year > world.first_year:
        who = living[world.firms.founded[living] < world.first_day - 120]
        luck = 0.4 * rng.standard_normal(who.size)
        merit = world.diligence[who] - 0.8 * world.distress[who] + luck
        steps = np.searchsorted([-2.4, -1.6, -0.7, 0.9], merit)
        grade = np.array(["D", "C", "M", "B", "A"])[steps]
        world.trouble[who] += np.array([1.0, 0.6, 0.2, 0.0, -0.2])[steps]
        day = np.full(who.size, world.first_day + 20)
        columns: dict[str, object] = {
            "kind": "rating",
            "period_year": world.year - 1,
            "rating": pl.Series(grade),
            "occurred_on": dates(day),
        }
        world.post.send("swj", "tax_record", who, day + 3, columns)
    for kind, odds, by in (
        ("arrears", -7.2, 1.4), ("late_filing", -5.6, 0.8), ("abnormal_household", -8.2, 1.5),
        ("major_violation", -10.5, 1.2),
    ):  # fmt: skip
        chance = sigmoid(odds + by * world.distress[living] - 0.5 * world.diligence[living])
        who = living[rng.random(living.size) < chance]
        day = world.day(rng, who.size)
        owed = kind in {"arrears", "major_violation"}
        columns = {
            "kind": kind,
            "period_year": world.year,
            "occurred_on": dates(day),
            "amount_yuan": yuan(
                np.exp(9.5 + rng.standard_normal(who.size)) if owed else np.zeros(who.size)
            ),
        }
        number = world.post.send(
            "swj", "tax_record", who, day + world.lag(rng, who.size, 6), columns
        )
        later = day + rng.integers(20, 300, who.size)
        world.post.correct(
            "swj", "tax_record", who, later + 70, columns, number=number,
            keep=rng.random(who.size) < 0.6, ended_on=dates(later),
        )  # fmt: skip
