"""Annual reports: filed early, filed in June, filed late or never; listings and removals."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinheng.city.draws import (
    Days,
    Floats,
    Ints,
    dates,
    generator,
    month_start,
    sigmoid,
    where,
    yuan,
)
from xinheng.city.world import World

SCJ = "scjgj"
SNAPSHOT_HOURS = 74
"""The last look at an open duty is so many hours before its deadline (domain README, 10)."""
_LAST_LOOK_DAYS = 4
"""Filings of the last days, which the last look cannot see: 27 June 22:00 to 30 June 24:00."""


def reports(world: World) -> None:
    """One month: plans in January, filings as planned, listings in July, removals."""
    if world.of_year == 1:
        _plan(world)
    _file(world)
    if world.of_year == 7:
        _list(world)
    _remove(world)
    _disclose(world)


def _due(year: int) -> int:
    """30 June of the year after."""
    return month_start(year + 1, 6) - 1


def _plan(world: World) -> None:
    """When each firm will file; drawn from its chance to be late, which the truth keeps."""
    year = world.year - 1
    owes = where((world.firms.founded < world.first_day) & (world.ended >= world.first_day))
    rng = generator(world.seed, "filing plans", world.month)
    a = world.assumed["late_report"]
    p_late = sigmoid(
        a["intercept"]
        + a["diligence"] * world.diligence[owes]
        + a["distress"] * world.distress[owes]
    )
    late = rng.random(owes.size) < p_late
    due = _due(year)
    on_time, share_last = _on_time(rng, world.diligence[owes], world.first_day, due)
    never = rng.random(owes.size) < 0.5
    delay = np.minimum(rng.exponential(70, owes.size).astype(np.int64), 500) + 1
    day = np.where(late, np.where(never, np.inf, due + delay), on_time)
    plan = np.full(len(world.firms), np.nan)
    plan[owes] = day
    world.opened_reports[year] = plan
    open_late = p_late / (p_late + (1 - p_late) * share_last)
    world.truth.chance(
        "annual_report", owes,
        {
            "report_year": pl.Series([year]).new_from_index(0, owes.size),
            "p_late": pl.Series(p_late),
            "p_late_at_last_look": pl.Series(open_late),
            "open_at_last_look": pl.Series(day > due - _LAST_LOOK_DAYS + 0.0),
            "late": pl.Series(late),
        },
    )  # fmt: skip


def _on_time(
    rng: np.random.Generator, diligence: Floats, start: int, due: int
) -> tuple[Floats, Floats]:
    """Filing days, which pile up before 30 June, and the share filed in the last days.

    A mixture: spread over the months, or an exponential count back from the deadline; the
    diligent are early.
    """
    early = sigmoid(-0.4 + 0.6 * diligence)
    spread = start + 14 + np.floor(rng.random(diligence.size) * (due - start - 14))
    back = rng.exponential(9, diligence.size)
    june = np.maximum(due - np.floor(back), start + 14)
    is_early = rng.random(diligence.size) < early
    last = _LAST_LOOK_DAYS / (due - start - 14) * early + (1 - early) * (
        1 - np.exp(-_LAST_LOOK_DAYS / 9)
    )
    return np.where(is_early, spread, june), last


def _file(world: World) -> None:
    """Reports that fall into this month, of firms that still live."""
    for year, plan in list(world.opened_reports.items()):
        if year < world.year - 3:
            del world.opened_reports[year]
            continue
        who = where((plan >= world.first_day) & (plan < world.next_day) & (world.ended > plan))
        _send(world, who, plan[who].astype(np.int64), year)


def _send(world: World, who: Ints, day: Days, year: int) -> None:
    if who.size == 0:
        return
    rng = generator(world.seed, f"reports {year}", world.month)
    f, n = world.firms, who.size
    staff = np.maximum(1, np.round(f.staff[who] * np.exp(0.15 * rng.standard_normal(n))))
    revenue = np.exp(12.6 + 1.2 * f.size[who] + 0.35 * rng.standard_normal(n)) * (
        1 - 0.25 * np.clip(world.distress[who], 0, 2) / 2
    )
    assets = np.exp(12.9 + 1.15 * f.size[who] + 0.25 * rng.standard_normal(n))
    owed = assets * np.clip(0.45 + 0.15 * world.distress[who] + 0.1 * rng.random(n), 0.02, 1.6)
    zero = rng.random(n) < 0.03 * np.exp(0.6 * world.distress[who])
    off = np.where(rng.random(n) < 0.01, 1.3, 1.0)
    money = [np.where(zero, 0, np.round(v)) for v in (assets, owed, revenue)]
    profit = money[2] * (0.06 - 0.05 * world.distress[who])
    rests = world.suspended_until[who] > day
    minute = rng.integers(8 * 60, 22 * 60, n)
    columns = {
        "report_year": pl.Series([year]).new_from_index(0, n),
        "due_on": dates(np.full(n, _due(year))),
        "submitted_at": pl.select(
            pl.format(
                "{}T{}:{}:00+08:00", dates(day).cast(pl.String),
                pl.Series(minute // 60).cast(pl.String).str.zfill(2),
                pl.Series(minute % 60).cast(pl.String).str.zfill(2),
            )
        ).to_series(),
        "channel": "online",
        "revision_no": 0,
        "is_late_supplement": pl.Series(np.where(day > _due(year), "是", "否")),
        "employees": pl.Series(np.where(zero, 0, staff).astype(np.int64)),
        "insured_employees": pl.Series(np.where(zero, 0, np.round(staff * 0.8)).astype(np.int64)),
        "assets_yuan": yuan(money[0]),
        "liabilities_yuan": yuan(money[1]),
        "equity_yuan": yuan((money[0] - money[1]) * off),
        "revenue_yuan": yuan(money[2]),
        "profit_yuan": yuan(profit),
        "net_profit_yuan": yuan(profit * 0.85),
        "tax_paid_yuan": yuan(money[2] * 0.03),
        "guarantee_yuan": yuan(np.where(rng.random(n) < 0.05, money[0] * 0.3, 0)),
        "operating_state": pl.Series(np.where(rests, "suspended", "open")),
    }  # fmt: skip
    number = pl.select(
        pl.format("NB{}-{}", pl.lit(year), pl.Series(who).cast(pl.String).str.zfill(8))
    ).to_series()
    world.post.send(SCJ, "annual_report", who, day + 1, columns, number=number)
    world.post.correct(
        SCJ, "annual_report", who, day + rng.integers(3, 60, n), columns, number=number,
        keep=rng.random(n) < 0.015, equity_yuan=yuan(money[0] - money[1]),
    )  # fmt: skip


def _list(world: World) -> None:
    """Within 10 working days after the window closes, who has not filed is listed."""
    year = world.year - 1
    plan = world.opened_reports.get(year)
    if plan is None:
        return
    rng = world.rng("listings")
    day = world.first_day + rng.integers(2, 13, plan.size)
    # a few are missed by the office
    missing = (plan > day) & (world.ended > world.next_day) & (rng.random(plan.size) < 0.93)
    who = where(missing)
    number = _listing(world, who, day[who], None, "annual_report")
    world.listed[year] = (who, day[who], number)
    world.trouble[who] += 1.2


def _listing(
    world: World, who: Ints, listed: Days, removed: Days | None, reason: str,
    number: pl.Series | None = None,
) -> pl.Series:  # fmt: skip
    columns: dict[str, object] = {"reason": reason, "listed_on": dates(listed)}
    arrives = listed + 2
    if removed is not None:
        columns |= {
            "removed_on": dates(removed), "removal_kind": "repaired", "repair_status": "repaired",
            "repaired_at": dates(removed),
        }  # fmt: skip
        arrives = removed + 2
    return world.post.send(
        SCJ, "abnormal_list", who, arrives, columns, number=number,
        operation="insert" if removed is None else "correct",
    )  # fmt: skip


def _remove(world: World) -> None:
    """Who files late leaves the list a few days after, on application."""
    for year, (who, listed, number) in world.listed.items():
        plan = world.opened_reports.get(year)
        if plan is None:
            continue
        rng = generator(world.seed, f"removals {year}")
        wait = rng.integers(3, 12, who.size)
        applies = rng.random(who.size) < 0.85
        filed = plan[who]
        left = np.where(np.isfinite(filed), filed, 0).astype(np.int64) + wait
        now = np.isfinite(filed) & applies & (left >= world.first_day) & (left < world.next_day)
        now &= world.ended[who] > left
        if now.any():
            own = who[now]
            _repair(world, own, left[now], number.filter(pl.Series(now)), "abnormal_list")
            _listing(
                world, own, listed[now], left[now], "annual_report",
                number.filter(pl.Series(now)),
            )  # fmt: skip


def _repair(world: World, who: Ints, day: Days, number: pl.Series, table: str) -> None:
    """An approved application for repair, delivered with the record that it repairs."""
    columns = {
        "target_record_id": number,
        "target_table": table,
        "applied_on": dates(day - 2),
        "decided_on": dates(day),
        "result": "approved",
        "effective_on": dates(day),
    }
    world.post.send(SCJ, "credit_repair", who, day + 1, columns)


def _disclose(world: World) -> None:
    """Immediate disclosures; due in about 20 working days, sometimes late or never made."""
    rng = world.rng("disclosures")
    who = where(world.alive & (rng.random(len(world.firms)) < 0.002))
    formed = world.day(rng, who.size)
    due = formed + 28
    lateness = sigmoid(-1.8 - world.diligence[who])
    done = (
        formed
        + rng.integers(1, 27, who.size)
        + np.where(rng.random(who.size) < lateness, rng.integers(10, 120, who.size), 0)
    )
    columns = {
        "item": "equity_transfer", "formed_on": dates(formed), "due_on": dates(due),
        "disclosed_on": dates(done),
    }  # fmt: skip
    world.post.send(SCJ, "disclosure_item", who, done + 1, columns)
