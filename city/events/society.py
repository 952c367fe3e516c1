"""Complaints, courts, contracts, commitments, honours, pledges: how others see a firm."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinheng.city.draws import (
    Floats,
    Ints,
    dates,
    dates_where,
    kept,
    picked,
    repeated,
    sigmoid,
    where,
    yuan,
)
from xinheng.city.events.checks import visit_after_complaint
from xinheng.city.world import World

_FIELD = np.array(["food", "drugs", "construction", "market"])
_HONOURS = {"award": 1.0, "certification": 2.0, "patent": 3.0, "trademark": 3.0, "red_list": 1.0}
_SECTOR = np.array(["food", "drugs", "construction", "general"])


def society(world: World) -> None:
    """One month."""
    _complaints(world)
    _courts(world)
    _promises(world)
    _contracts(world)
    _honours(world)
    _pledges(world)


def _complaints(world: World) -> None:
    rng = world.rng("complaints")
    busy = np.array([0.035, 0.02, 0.012, 0.012])[world.firms.sector]
    rate = busy * np.exp(0.5 * world.firms.size - 0.55 * world.compliance) * world.alive
    who = repeated(rng, np.minimum(rate, 3))
    n = who.size
    if n == 0:
        return
    day = world.day(rng, n)
    channel = picked(
        rng, ["12315_complaint", "12315_report", "12345", "petition", "media"], n,
        [0.5, 0.13, 0.28, 0.03, 0.06],
    )  # fmt: skip
    case = rng.random(n) < sigmoid(-2.4 - 0.7 * world.compliance[who])
    outcome = picked(
        rng, ["settled", "mediation_failed", "unfounded", "pending", "withdrawn"], n,
        [0.5, 0.12, 0.22, 0.08, 0.08],
    ).set(pl.Series(case), "case_filed")  # fmt: skip
    columns: dict[str, object] = {
        "channel": channel,
        "received_on": dates(day),
        "category_code": picked(rng, ["quality", "price", "safety", "service"], n, [4, 2, 2, 2]),
        "sector": pl.Series(_SECTOR[world.firms.sector[who]]),
        "accepted": pl.Series(np.where(rng.random(n) < 0.88, "是", "否")),
        "outcome": outcome,
        "closed_on": dates_where((outcome != "pending").to_numpy(), day + 20),
        "negative": pl.Series(np.where(rng.random(n) < 0.6, "是", "否")),
        "serial_claimant": pl.Series(np.where(rng.random(n) < 0.08, "是", "否")),
    }
    line = (channel == "12345").to_numpy()
    arrives = day + np.where(columns["closed_on"].is_null().to_numpy(), 3, 22)  # type: ignore[attr-defined]
    for department, own in (("rx12345", line), ("scjgj", ~line)):
        told = kept(columns, own)
        world.post.send(department, "complaint", who[own], arrives[own], told)
    np.add.at(world.trouble, who, 0.3)
    serious = where(case & (rng.random(n) < 0.6))
    if serious.size:
        visit_after_complaint(world, who[serious], day[serious])


def _courts(world: World) -> None:
    """Judgments by size, enforcement and dishonest debtors by distress."""
    rng = world.rng("courts")
    sued = 0.0022 * np.exp(0.4 * world.firms.size + 0.5 * world.distress)
    forced = sigmoid(-8.0 + 1.5 * world.distress)
    shamed = sigmoid(-9.6 + 1.7 * world.distress)
    for kind, rate, mark in (
        ("judgment", sued, "民初"),
        ("enforcement", forced, "执"),
        ("dishonest_debtor", shamed, "执"),
    ):
        who = where(world.alive & (rng.random(rate.size) < rate))
        n = who.size
        if n == 0:
            continue
        day = world.day(rng, n)
        serial = world.post.numbers("fy", "court_case", n).str.slice(-9)
        case = pl.select(pl.format(f"({world.year})示0302{mark}" + "{}号", serial)).to_series()
        columns: dict[str, object] = {
            "kind": kind,
            "case_no": case,
            "role": "defendant" if kind == "judgment" else "debtor",
            "cause_code": "contract",
            "filed_on": dates(day),
            "amount_yuan": yuan(np.exp(10.2 + 1.2 * rng.standard_normal(n))),
            "performed": "unknown" if kind == "judgment" else "none",
        }
        number = world.post.send("fy", "court_record", who, day + world.lag(rng, n, 9), columns)
        later = day + rng.integers(60, 700, n)
        world.post.correct(
            "fy", "court_record", who, later + 3, columns, number=number,
            keep=rng.random(n) < 0.55, closed_on=dates(later), performed="full",
        )  # fmt: skip
    _serious(world, rng)


def _serious(world: World, rng: np.random.Generator) -> None:
    """Serious lists, three years."""
    chance = sigmoid(-10.2 - 1.3 * world.compliance)
    who = where(world.alive & (rng.random(chance.size) < chance))
    day = world.day(rng, who.size)
    columns = {
        "field": pl.Series(
            np.array(["food", "drugs", "construction", "market"])[world.firms.sector[who]]
        ),
        "listed_on": dates(day),
        "term_until": dates(day + 1_095),
    }
    world.post.send("scjgj", "serious_list", who, day + 3, columns)
    world.trouble[who] += 3


def _some(world: World, rng: np.random.Generator, rate: Floats) -> Ints:
    return where(world.alive & (rng.random(rate.size) < rate))


def _promises(world: World) -> None:
    rng = world.rng("promises")
    who = _some(world, rng, np.full(len(world.firms), 0.004))
    n = who.size
    day = world.day(rng, n)
    due = day + rng.integers(30, 120, n)
    keeps = rng.random(n) < sigmoid(2.2 + world.diligence[who])
    columns: dict[str, object] = {
        "kind": "approval", "matter_code": "licence", "made_on": dates(day), "due_on": dates(due),
        "outcome": "pending",
    }  # fmt: skip
    number = world.post.send("fgw", "commitment", who, day + 4, columns)
    outcome = pl.Series(np.where(keeps, "kept", np.where(rng.random(n) < 0.5, "late", "broken")))
    checked = due + rng.integers(-20, 25, n) * np.where(keeps, -1, 1).clip(-1, 0) + 1
    world.post.correct(
        "fgw", "commitment", who, np.maximum(checked, due) + 6, columns, number=number,
        keep=np.ones(n, dtype=bool), outcome=outcome, verified_on=dates(checked),
    )  # fmt: skip


def _contracts(world: World) -> None:
    rng = world.rng("contracts")
    who = _some(world, rng, 0.0012 * np.exp(0.7 * world.firms.size))
    n = who.size
    day = world.day(rng, n)
    bad = rng.random(n) < sigmoid(-2.6 + world.distress[who] - 0.5 * world.diligence[who])
    columns = {
        "contract_no": world.post.numbers("fgw", "contract", n),
        "kind": "gov_procurement",
        "signed_on": dates(day),
        "amount_yuan": yuan(np.exp(11 + rng.standard_normal(n))),
        "milestone_due_on": dates(day + 180),
        "outcome": pl.Series(np.where(bad, "delayed", "on_track")),
        "delay_days": pl.Series(np.where(bad, rng.integers(5, 120, n), 0)),
    }
    world.post.send("fgw", "contract_performance", who, day + world.lag(rng, n, 8), columns)


def _honours(world: World) -> None:
    rng = world.rng("honours")
    rate = 0.0012 * np.exp(0.5 * world.firms.size + 0.5 * world.compliance)
    who = _some(world, rng, rate)
    day = world.day(rng, who.size)
    columns = {
        "kind": picked(
            rng,
            ["award", "certification", "patent", "trademark", "red_list"],
            who.size,
            [1, 2, 3, 3, 1],
        ),
        "level": picked(rng, ["national", "provincial", "city", "county"], who.size, [1, 2, 4, 3]),
        "granted_on": dates(day),
        "valid_to": dates(day + 1_095),
    }
    world.post.send("fgw", "positive_record", who, day + world.lag(rng, who.size, 10), columns)


def _pledges(world: World) -> None:
    rng = world.rng("pledges")
    who = _some(world, rng, 0.0008 * np.exp(0.4 * world.firms.size))
    day = world.day(rng, who.size)
    columns = {
        "kind": "equity_pledge",
        "registered_on": dates(day),
        "amount_yuan": yuan(np.exp(12 + rng.standard_normal(who.size))),
        "share_pct": yuan(rng.integers(5, 100, who.size).astype(float)),
    }
    world.post.send("scjgj", "encumbrance", who, day + 4, columns)
    frozen = _some(world, rng, sigmoid(-8.2 + 1.5 * world.distress))
    day = world.day(rng, frozen.size)
    columns = {
        "kind": "asset_freeze",
        "registered_on": dates(day),
        "amount_yuan": yuan(np.exp(11 + rng.standard_normal(frozen.size))),
    }
    world.post.send("fy", "encumbrance", frozen, day + 6, columns)
