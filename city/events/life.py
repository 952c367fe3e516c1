"""Registration: births, ends, rests, changes, and who stands behind a firm."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinheng.city.draws import (
    Days,
    Ints,
    dates,
    dates_where,
    picked,
    salted,
    where,
    yuan,
)
from xinheng.city.world import World

SCJ = "scjgj"
_STATUS = ("active", "suspended", "cancelled", "revoked")
_CHANGES = ("capital", "address", "legal_rep", "name", "scope", "shareholder", "industry", "other")
_CHANGE_SHARES = (0.16, 0.2, 0.22, 0.0, 0.24, 0.13, 0.02, 0.03)


def register_stock(world: World) -> None:
    """The register as it is handed over at the start, and its people."""
    old = where(world.firms.founded < world.first_day)
    arrives = np.full(old.size, world.first_day)
    _register(world, old, arrives)
    _people(world, old, arrives, world.firms.founded[old])


def life(world: World) -> None:
    """One month of births, ends, rests and changes."""
    born = where((world.firms.founded >= world.first_day) & (world.firms.founded < world.next_day))
    rng = world.rng("births")
    arrives = world.firms.founded[born] + rng.integers(0, 3, born.size)
    _register(world, born, arrives)
    _people(world, born, arrives, world.firms.founded[born])
    _ends(world)
    _rests(world)
    _changes(world)


def _register(
    world: World, who: Ints, arrives: Days, *, status: int = 0, ended: Days | None = None
) -> None:
    """Entries of the register; a later entry with the same number corrects the former."""
    if who.size == 0:
        return
    f = world.firms
    capital = np.round(np.exp(12.2 + 1.1 * f.size[who])) + 10_000
    operation = "insert" if status == 0 and ended is None else "correct"
    ends = np.full(who.size, 0) if ended is None else ended
    contact = np.where(f.agent[who] >= 0, -f.agent[who] - 1, f.controller[who])
    columns = {
        "name_zh": f.name.gather(who),
        "entity_type": "enterprise",
        "status": _STATUS[status],
        "established_on": dates(f.founded[who]),
        "ended_on": dates_where(np.full(who.size, ended is not None), ends),
        "registered_capital_yuan": yuan(capital),
        "paid_in_capital_yuan": yuan(capital * (0.2 + 0.7 * (f.controller[who] % 7) / 7)),
        "industry_code": f.industry.gather(who),
        "registered_region_code": f.region.gather(who),
        "address_text": pl.select(
            pl.format("示例市示例路{}号", pl.Series(f.address[who]))
        ).to_series()
        + pl.Series(np.where(f.in_park[who], "(园区)", ""))
        + pl.Series([f"{w % 900 + 100}室" for w in who]),
        "address_key": salted("address", f.address[who]),
        "address_kind": pl.Series(np.where(f.in_park[who], "cluster", "leased")),
        "contact_key": salted("contact", contact),
        "legal_rep_key": salted("person", f.controller[who]),
        "agent_key": pl.select(pl.format("g{}", pl.Series(f.agent[who])))
        .to_series()
        .set(pl.Series(f.agent[who] < 0), None),
        "large_enterprise": pl.Series(np.where(f.staff[who] > 300, "是", "否")),
    }
    number = pl.select(pl.format("DJ{}", pl.Series(who).cast(pl.String).str.zfill(8))).to_series()
    world.post.send(SCJ, "entity", who, arrives, columns, number=number, operation=operation)


def _people(world: World, who: Ints, arrives: Days, since: Days) -> None:
    """Legal representative, shareholders, supervisor and liaison, as salted keys."""
    f = world.firms
    rng = world.rng("people")
    liaison = np.where(f.agent[who] >= 0, f.agent[who], who)
    roles = [
        ("legal_rep", f.controller[who], "person"), ("shareholder", f.controller[who], "person"),
        ("supervisor", who, "supervisor"), ("liaison", liaison, "liaison"),
    ]  # fmt: skip
    for role, key, kind in roles:
        share = yuan(np.full(who.size, 100.0 if role == "shareholder" else 0.0))
        columns = {
            "party_kind": "person",
            "party_key": salted(kind, key),
            "role": role,
            "share_pct": share.set(pl.Series(np.full(who.size, role != "shareholder")), None),
            "valid_from": dates(since),
        }
        world.post.send(SCJ, "party_link", who, arrives, columns)
    owned = who[rng.random(who.size) < 0.06]
    if owned.size and len(f) > 10:
        parent = f.controller[owned]
        columns = {
            "party_kind": "organisation",
            "party_key": f.uscc.gather(parent),
            "role": "shareholder",
            "share_pct": yuan(rng.integers(10, 90, owned.size).astype(float)),
            "valid_from": dates(f.founded[owned]),
        }
        day = np.maximum(f.founded[owned], world.first_day)
        world.post.send(SCJ, "party_link", owned, day, columns)


def _ends(world: World) -> None:
    """Cancelled or, rarely, revoked; the distressed sooner."""
    rng = world.rng("ends")
    a = world.assumed["lifetime"]
    chance = a["yearly_end"] / 12 * np.exp(a["distress"] * np.clip(world.distress, -3, 3) - 0.25)
    gone = where(world.alive & (rng.random(len(world.firms)) < chance))
    day = world.day(rng, gone.size)
    revoked = rng.random(gone.size) < 0.08
    world.ended[gone] = day
    for state, own in ((2, ~revoked), (3, revoked)):
        who = gone[own]
        arrives = day[own] + world.lag(rng, who.size, 3)
        _register(world, who, arrives, status=state, ended=day[own])


def _rests(world: World) -> None:
    """Filed suspensions of up to three years."""
    rng = world.rng("rests")
    chance = 0.0004 * np.exp(0.7 * np.clip(world.distress, -3, 3))
    resting = where(
        world.alive & (world.suspended_until < world.first_day) & (rng.random(chance.size) < chance)
    )
    day = world.day(rng, resting.size)
    until = day + rng.integers(90, 1_000, resting.size)
    world.suspended_until[resting] = until
    columns = {
        "filed_on": dates(day), "suspend_from": dates(day), "suspend_to": dates(until),
    }  # fmt: skip
    arrives = day + world.lag(rng, resting.size, 3)
    world.post.send(SCJ, "suspension_filing", resting, arrives, columns)
    _register(world, resting, arrives, status=1)


def _changes(world: World) -> None:
    rng = world.rng("changes")
    rate = 0.011 * np.exp(0.35 * world.distress) * world.alive
    who = where(rng.random(rate.size) < rate)
    day = world.day(rng, who.size)
    item = picked(rng, _CHANGES, who.size, _CHANGE_SHARES)
    is_capital = (item == "capital").to_numpy()
    before = np.round(np.exp(12.2 + 1.1 * world.firms.size[who])) + 10_000
    factor = np.where(rng.random(who.size) < 0.3, 0.4, 1.5)
    columns = {
        "change_item": item,
        "changed_on": dates(day),
        "before_num": yuan(before).set(pl.Series(~is_capital), None),
        "after_num": yuan(before * factor).set(pl.Series(~is_capital), None),
    }
    arrives = day + world.lag(rng, who.size, 3)
    world.post.send(SCJ, "entity_change", who, arrives, columns)
