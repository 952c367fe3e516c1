"""Food, drugs, construction: licences and profiles, and what goes wrong in each."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinheng.city.draws import (
    Days,
    Flags,
    Floats,
    Ints,
    dates,
    dates_where,
    generator,
    kept,
    picked,
    sigmoid,
    where,
    yuan,
)
from xinheng.city.firms import SECTORS
from xinheng.city.world import World

LICENCES = {"food": "food_business", "drugs": "drug_retail", "construction": "safety_production"}
YEARS = {"food": 5, "drugs": 5, "construction": 3}
OFFICES = {"food": "scjgj", "drugs": "yjj", "construction": "zjj"}
FAILURES = {
    "pathogen": 1.0, "illegal_additive": 0.5, "additive_excess": 2.0, "pesticide_vet_drug": 2.5,
    "label": 2.0, "quality": 2.0,
}  # fmt: skip
"""What samples fail of, in parts."""
EXCURSIONS_A_MONTH = 0.9
"""Temperature alarms of a cold store with the middle compliance (assumption)."""


def licence_stock(world: World) -> None:
    """Licences and profiles that are there at the start."""
    for sector in LICENCES:
        who = where(world.firms.of(sector) & (world.firms.founded < world.first_day))
        rng = generator(world.seed, f"old licences {sector}")
        age = rng.integers(30, YEARS[sector] * 365 - 60, who.size)
        granted = np.maximum(world.firms.founded[who] + 20, world.first_day - age)
        granted = np.minimum(granted, world.first_day - 1)
        _licence(world, sector, who, granted, np.full(who.size, world.first_day))
        _profile(world, sector, who, np.full(who.size, world.first_day - 1))


def sectors(world: World) -> None:
    """One month."""
    for sector in LICENCES:
        own = world.firms.of(sector)
        born = where(own & (world.firms.founded >= world.first_day - 31) & world.alive
                     & (world.firms.founded < world.first_day))  # fmt: skip
        rng = world.rng(f"licences {sector}")
        granted = world.day(rng, born.size)
        _licence(world, sector, born, granted, granted + 4)
        _profile(world, sector, born, granted)
        _renewals(world, sector, where(own & world.alive))
        if world.of_year == 1:
            _yearly_profile(world, sector, where(own & world.alive))
    _sampling(world)
    _food_events(world)
    _drug_events(world)
    _building(world)


def _licence(world: World, sector: str, who: Ints, granted: Days, arrives: Days) -> None:
    if who.size == 0:
        return
    until = granted + YEARS[sector] * 365 - 1
    serial = world.post.numbers(OFFICES[sector], f"licence {sector}", who.size).str.slice(-9)
    columns = {
        "licence_kind": LICENCES[sector],
        "licence_no": pl.select(pl.format("XK6403{}", serial)).to_series(),
        "granted_on": dates(granted),
        "valid_from": dates(granted),
        "valid_to": dates(until),
        "status": "valid",
        "by_commitment": pl.Series(np.where(who % 5 == 0, "是", "否")),
    }
    number = pl.select(
        pl.format(f"XK-{sector}-{{}}-{{}}", pl.Series(who), pl.Series(granted))
    ).to_series()
    world.post.send(OFFICES[sector], "licence", who, arrives, columns, number=number)


def _renewals(world: World, sector: str, who: Ints) -> None:
    """Each firm renews in its own month; the careless some weeks too late."""
    term = YEARS[sector] * 12
    phase = (who * 7919 + 13) % term
    now = who[(phase == world.month % term) & (world.month >= 12)]
    rng = world.rng(f"renewals {sector}")
    late = rng.random(now.size) < sigmoid(-2.2 - world.diligence[now])
    granted = world.day(rng, now.size) + np.where(late, 35, 0)
    alive = world.ended[now] > granted
    _licence(world, sector, now[alive], granted[alive], granted[alive] + 4)


def _profile(world: World, sector: str, who: Ints, since: Days) -> None:
    """What does not change: area, risk level, mode of business."""
    rng = generator(world.seed, f"profile {sector}", world.month)
    n = who.size
    size = world.firms.size[who]
    values: dict[str, Floats] = {
        "food": {
            "area_m2": np.round(np.exp(4.6 + 0.6 * size) + 15),
            "food_static_score": np.round(8 + 6 * rng.random(n) + 3 * (size > 1)),
            "food_category_level": rng.choice([1.0, 2, 3, 4], n, p=[0.3, 0.4, 0.22, 0.08]),
            "special_food": (rng.random(n) < 0.04).astype(float),
            "vulnerable_group": (rng.random(n) < 0.06).astype(float),
            "high_risk_process": (rng.random(n) < 0.12).astype(float),
        },
        "drugs": {
            "drug_special_scope": (rng.random(n) < 0.08).astype(float),
            "drug_cold_chain": (rng.random(n) < 0.3).astype(float),
            "drug_online": (rng.random(n) < 0.2).astype(float),
            "staff_required": np.ceil(1 + np.exp(0.3 * size)),
            "staff_registered": np.maximum(
                0, np.ceil(1 + np.exp(0.3 * size)) - (rng.random(n) < 0.15)
            ),
        },
        "construction": {
            "staff_required": np.ceil(4 + 3 * np.exp(0.4 * size)),
            "staff_registered": np.maximum(
                1, np.ceil(4 + 3 * np.exp(0.4 * size)) - rng.poisson(0.3, n)
            ),
            "labour_chief_grade": rng.choice([1.0, 2, 3], n, p=[0.2, 0.6, 0.2]),
        },
    }[sector]
    for attribute, told in values.items():
        _attribute(world, sector, who, attribute, told, since)


def _attribute(
    world: World, sector: str, who: Ints, attribute: str, told: Floats, since: Days
) -> None:
    columns = {
        "sector": sector, "attribute": attribute, "value_num": pl.Series(told),
        "valid_from": dates(since),
    }  # fmt: skip
    world.post.send(OFFICES[sector], "sector_profile", who, since + 5, columns)


def _yearly_profile(world: World, sector: str, who: Ints) -> None:
    """The dynamic food score of each year follows compliance, with noise."""
    if sector != "food" or who.size == 0:
        return
    rng = world.rng("food scores")
    score = np.clip(
        np.round(14 - 6 * world.compliance[who] + 5 * rng.standard_normal(who.size)), 0, 40
    )
    _attribute(world, sector, who, "food_dynamic_score", score, world.day(rng, who.size))


def _sampling(world: World) -> None:
    """Samples are drawn from food and drug firms; failures follow compliance."""
    rng = world.rng("samples")
    licensed = world.firms.of("food") | world.firms.of("drugs")
    who = where(world.alive & licensed & (rng.random(licensed.size) < 0.02))
    n = who.size
    if n == 0:
        return
    taken = world.day(rng, n)
    reported = taken + rng.integers(8, 25, n)
    fails = rng.random(n) < sigmoid(-3.7 - 0.9 * world.compliance[who])
    item = picked(rng, list(FAILURES), n, list(FAILURES.values())).set(pl.Series(~fails), None)
    sector = np.array(SECTORS)[world.firms.sector[who]]
    columns = {
        "sample_no": world.post.numbers("scjgj", "sample", n),
        "sector": pl.Series(sector),
        "product_category": picked(
            rng, ["meat", "dairy", "grain", "produce", "drink"], n, [3, 1, 2, 3, 1]
        ),
        "batch_no": pl.select(pl.format("L{}", pl.Series(taken - 20))).to_series(),
        "sampled_on": dates(taken),
        "reported_on": dates(reported),
        "qualified": pl.Series(np.where(fails, "否", "是")),
        "item_class": item,
        "role": "seller",
        "retest": "none",
        "disposal_due_on": dates_where(fails, reported + 30),
        "disposed_on": dates_where(fails & (rng.random(n) < 0.85), reported + 24),
    }
    arrives = reported + np.where(fails, 26, 5)
    for office, own in (("scjgj", sector == "food"), ("yjj", sector == "drugs")):
        told = kept(columns, own)
        world.post.send(office, "sampling_test", who[own], arrives[own], told)


def _events(
    world: World, sector: str, kind: str, who: Ints, rng: np.random.Generator, **more: object
) -> None:
    """Product events as the sensors and trace systems report them."""
    day = world.day(rng, who.size)
    hour = rng.integers(0, 24, who.size)
    at = pl.select(
        pl.format(
            "{}T{}:00:00+08:00", dates(day).cast(pl.String),
            pl.Series(hour).cast(pl.String).str.zfill(2),
        )
    ).to_series()  # fmt: skip
    columns: dict[str, object] = {"kind": kind, "sector": sector, "level": "none",
                                  "occurred_at": at} | more  # fmt: skip
    arrives = day + world.lag(rng, who.size, 2, 6)
    world.post.send(OFFICES[sector], "product_event", who, arrives, columns)


def _food_events(world: World) -> None:
    rng = world.rng("food events")
    worse = np.exp(-0.7 * world.compliance)
    food = world.firms.of("food") & world.alive
    cold = np.flatnonzero(food & world.firms.cold_store)
    alarms = np.repeat(cold, rng.poisson(EXCURSIONS_A_MONTH * worse[cold]))
    long = pl.Series(np.round(rng.exponential(70, alarms.size) + 10).astype(np.int64))
    _events(world, "food", "temperature_excursion", alarms, rng, duration_min=long)
    for kind, rate in (
        ("trace_gap", 0.03),
        ("expired_on_sale", 0.004),
        ("unlicensed_supplier", 0.003),
    ):
        who = np.repeat(np.arange(food.size), rng.poisson(np.where(food, rate * worse, 0)))
        _events(world, "food", kind, who, rng)


def _drug_events(world: World) -> None:
    rng = world.rng("drug events")
    worse = np.exp(-0.7 * world.compliance)
    drugs = world.firms.of("drugs") & world.alive
    for kind, rate in (("trace_upload_missing", 0.12), ("adverse_reaction_cluster", 0.001)):
        who = np.repeat(np.arange(drugs.size), rng.poisson(np.where(drugs, rate * worse, 0)))
        _events(world, "drugs", kind, who, rng)
    recalled = where(drugs & (rng.random(drugs.size) < 0.0015 * worse))
    day = world.day(rng, recalled.size)
    level = picked(rng, ["class1", "class2", "class3"], recalled.size, [1, 4, 5])
    _events(
        world, "drugs", "recall", recalled, rng, level=level, due_on=dates(day + 40),
        voluntary=pl.Series(rng.random(recalled.size) < 0.7),
    )  # fmt: skip


def _building(world: World) -> None:
    """Projects, accidents, and clues of unpaid wages."""
    rng = world.rng("building")
    builders = world.firms.of("construction") & world.alive
    starts = where(builders & (rng.random(builders.size) < 0.05 * np.exp(0.4 * world.firms.size)))
    n = starts.size
    day = world.day(rng, n)
    months = rng.integers(6, 30, n)
    delayed = rng.random(n) < sigmoid(-1.2 + 0.7 * world.distress[starts])
    columns: dict[str, object] = {
        "project_no": world.post.numbers("zjj", "project", n),
        "role": "general_contractor",
        "contract_yuan": yuan(np.exp(14.5 + 0.9 * world.firms.size[starts])),
        "permit_on": dates(day - 10),
        "started_on": dates(day),
        "planned_finish_on": dates(day + 30 * months),
        "state": "in_progress",
        "wage_account_opened": pl.Series(rng.random(n) < sigmoid(2.5 + world.diligence[starts])),
        "wage_deposit_made": pl.Series(rng.random(n) < sigmoid(2.2 + world.diligence[starts])),
        "real_name_rate": pl.Series(np.round(sigmoid(2 + world.diligence[starts]), 4)),
    }
    number = world.post.send("zjj", "construction_project", starts, day + 8, columns)
    finish = day + 30 * months + np.where(delayed, rng.integers(20, 300, n), 0)
    world.post.correct(
        "zjj", "construction_project", starts, finish + 8, columns, number=number,
        keep=world.ended[starts] > finish, state="finished", finished_on=dates(finish),
        delay_days=pl.Series(np.where(delayed, finish - day - 30 * months, 0)),
    )  # fmt: skip
    _accidents(world, rng, builders)
    _wages(world, rng, builders)


def _accidents(world: World, rng: np.random.Generator, builders: Flags) -> None:
    hurt = where(
        builders & (rng.random(len(world.firms)) < 0.0012 * np.exp(-0.8 * world.compliance))
    )
    n = hurt.size
    day = world.day(rng, n)
    deaths = rng.poisson(0.35, n)
    columns = {
        "accident_no": world.post.numbers("zjj", "accident", n),
        "kind": "work_safety",
        "level": pl.Series(np.where(deaths >= 3, "larger", "general")),
        "occurred_on": dates(day),
        "deaths": pl.Series(deaths),
        "serious_injuries": pl.Series(rng.poisson(0.8, n)),
        "direct_loss_yuan": yuan(np.exp(12 + rng.standard_normal(n))),
        "liability": "main",
    }
    world.post.send("zjj", "safety_accident", hurt, day + 5, columns)


def _wages(world: World, rng: np.random.Generator, builders: Flags) -> None:
    chance = sigmoid(-6.2 + 1.4 * world.distress)
    who = where(builders & (rng.random(chance.size) < chance))
    n = who.size
    day = world.day(rng, n)
    columns: dict[str, object] = {
        "kind": "clue", "occurred_on": dates(day), "workers": pl.Series(rng.integers(2, 60, n)),
        "amount_yuan": yuan(np.exp(11.5 + 0.8 * rng.standard_normal(n))),
    }  # fmt: skip
    world.post.send("rsj", "wage_record", who, day + 3, columns)
    ordered = where(rng.random(n) < 0.5)
    owing = who[ordered]
    told = day[ordered] + 20
    order = kept(columns, ordered) | {
        "kind": "pay_order", "occurred_on": dates(told), "due_on": dates(told + 15),
    }  # fmt: skip
    number = world.post.send("rsj", "wage_record", owing, told + 4, order)
    pays = rng.random(ordered.size) < sigmoid(1.2 - 0.8 * world.distress[owing])
    world.post.correct(
        "rsj", "wage_record", owing, told + 30, order, number=number, keep=pays,
        settled_on=dates(told + 13),
    )  # fmt: skip
