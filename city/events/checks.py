"""Inspections, what they find, the penalties that follow, and whether fines are paid."""

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
    kept,
    sigmoid,
    where,
    yuan,
)
from xinheng.city.firms import SECTORS
from xinheng.city.world import World

OFFICE = np.array(["scjgj", "yjj", "zjj", "scjgj"])
"""Who inspects and fines each sector."""
ACTS: dict[str, tuple[str, ...]] = {
    "food": ("经营过期食品", "未查验许可证", "环境不洁", "标签不符"),
    "drugs": ("未按GSP储存", "执业药师不在岗", "超范围经营", "未凭处方销售"),
    "construction": ("未批先建", "安全防护不到位", "转包", "拖欠工资"),
    "other": ("虚假宣传", "无照经营", "价格违法", "合同违法"),
}
PUBLIC_DAYS = (93, 365, 1_095)
"""Publicity by severity: minor, general, serious."""
LAST_LOOK_DAYS = 4


def classify(world: World) -> None:
    """The city's own class, each January: points of found trouble and chance, cut by share."""
    rng = world.rng("classes")
    shares = world.assumed["classes"]
    cuts = np.cumsum([shares["A"], shares["B"], shares["C"]])
    points = world.trouble + 0.25 * rng.standard_normal(world.trouble.size)
    living = world.alive
    if living.any():
        limits = np.quantile(points[living], cuts)
        world.risk_class = np.searchsorted(limits, points)
        own = where(living)
        year = pl.Series([world.year]).new_from_index(0, own.size)
        letters = pl.Series(world.risk_class[own].astype(np.int8))
        world.truth.chance("classes", own, {"year": year, "risk_class": letters})
    world.trouble *= 0.65


def checks(world: World) -> None:
    """One month of visits by lot, by class, by statute, and what they find."""
    rng = world.rng("draws")
    n = len(world.firms)
    ratio = np.array([world.assumed["draw_ratios"][c] for c in "ABCD"]) / 12
    by_lot = world.assumed["random_share"]["yearly"] / 12
    licensed = np.isin(world.firms.sector, (0, 1, 2))
    lot = world.alive & (rng.random(n) < by_lot)
    ranked = world.alive & ~lot & (rng.random(n) < ratio[world.risk_class])
    by_statute = 1 / world.assumed["statutory_visit"]["months"]
    statutory = world.alive & licensed & ~lot & ~ranked & (rng.random(n) < by_statute)
    _visits(world, lot, "random", "random_draw", np.full(n, by_lot))
    _visits(world, ranked, "targeted", "risk_ranked", ratio[world.risk_class])
    _visits(world, statutory, "daily", "full_coverage", np.full(n, by_statute))


def visit_after_complaint(world: World, who: Ints, days: Days) -> None:
    """A complaint that was taken seriously brings a visit."""
    n = len(world.firms)
    chosen = np.zeros(n, dtype=bool)
    chosen[who] = True
    _visits(world, chosen & world.alive, "complaint", "complaint", np.full(n, np.nan), after=days)


def problem_chance(world: World, who: Ints) -> Floats:
    """True chance that a visit this month finds a problem."""
    a = world.assumed["problem"]
    sector = np.array([0.25, 0.1, 0.35, 0.0])[world.firms.sector[who]]
    summer = 0.3 * (world.of_year in {6, 7, 8}) * (world.firms.sector[who] == 0)
    odds = (
        a["intercept"]
        + a["compliance"] * world.compliance[who]
        + a["distress"] * world.distress[who]
        + sector
        + summer
    )
    return sigmoid(odds)


def _visits(
    world: World, chosen: Flags, kind: str, reason: str, chance: Floats, *,
    after: Days | None = None,
) -> None:  # fmt: skip
    rng = world.rng(f"visits {kind}")
    who = where(chosen)
    if who.size == 0:
        return
    n = who.size
    day = (
        world.day(rng, n)
        if after is None
        else np.minimum(after[0] + 7, world.next_day - 1) + (np.zeros(n, dtype=np.int64))
    )
    p = problem_chance(world, who)
    gone = rng.random(n) < sigmoid(-4.8 + 1.3 * world.distress[who])
    problem = ~gone & (rng.random(n) < p)
    world.truth.chance(
        "inspection", who,
        {
            "checked_on": dates(day), "reason": pl.Series([reason]).new_from_index(0, n),
            "risk_class": pl.Series(world.risk_class[who].astype(np.int8)),
            "p_problem": pl.Series(1 - (1 - p) * (1 - sigmoid(-4.8 + 1.3 * world.distress[who]))),
            "problem": pl.Series(problem | gone),
        },
    )  # fmt: skip
    _tell_visits(world, rng, who, day, kind, reason, chance[who], gone, problem)
    world.trouble[who[problem]] += 1.0
    world.trouble[who[gone]] += 1.5


def _tell_visits(  # noqa: PLR0913, PLR0917  (what a visit is)
    world: World, rng: np.random.Generator, who: Ints, day: Days, kind: str, reason: str,
    chance: Floats, gone: Flags, problem: Flags,
) -> None:  # fmt: skip
    n = who.size
    columns = _found(world, rng, who, day, gone, problem) | {
        "plan_no": f"{world.year}-{kind}",
        "kind": kind,
        "selection_reason": reason,
        "selection_prob": pl.Series(np.round(chance, 8)).fill_nan(None),
    }
    cases = world.assumed["case_filed"]
    share = np.where(columns["result"] == "failed", cases["failed"], cases["other"])
    filed = problem & (rng.random(n) < share)
    columns["case_filed"] = pl.Series(np.where(filed, "是", "否"))
    quick = rng.integers(5, 30, n)
    slow = rng.random(n) < sigmoid(-1.6 - world.diligence[who])
    mended = day + np.where(slow, quick + 40, quick)
    arrives = day + world.lag(rng, n, 5, 40)
    follows = problem & (rng.random(n) < 0.9)
    for office in ("scjgj", "yjj", "zjj"):
        own = where(OFFICE[world.firms.sector[who]] == office)
        told = kept(columns, own)
        number = world.post.send(office, "inspection", who[own], arrives[own], told)
        world.post.correct(
            office, "inspection", who[own], np.maximum(mended + 3, arrives + 1)[own], told,
            number=number, keep=follows[own], rectified_on=dates(mended[own]),
        )  # fmt: skip
    rows = where(filed)
    penalise(world, who[rows], day[rows] + rng.integers(20, 75, rows.size))
    lost = where(gone & (rng.random(n) < 0.5))
    listing = {"reason": "no_contact", "listed_on": dates(day[lost] + 10)}
    world.post.send("scjgj", "abnormal_list", who[lost], day[lost] + 13, listing)


def _found(
    world: World, rng: np.random.Generator, who: Ints, day: Days, gone: Flags, problem: Flags
) -> dict[str, object]:
    """Defects and the result that goes with them."""
    n, sector = who.size, world.firms.sector[who]
    worse = np.exp(-0.5 * world.compliance[who])
    critical = np.where(problem, rng.poisson(0.35 * worse), 0)
    major = np.where(problem, rng.poisson(0.7 * worse), 0)
    minor = np.where(gone, 0, rng.poisson(1.3 * worse))
    minor = np.where(problem & (critical + major + minor == 0), 1, minor)
    failed = problem & ((critical > 0) | (rng.random(n) < 0.2))
    result = np.where(gone, "no_contact", np.where(failed, "failed", "ordered_correction"))
    absent = np.where(problem & (rng.random(n) < 0.3), "是", "否")
    return {
        "joint": "否",
        "matter_code": pl.Series(np.array(SECTORS)[sector]),
        "sector": pl.Series(np.array(["food", "drugs", "construction", "general"])[sector]),
        "checked_on": dates(day),
        "result": pl.Series(np.where(problem | gone, result, "no_problem")),
        "critical_defects": pl.Series(critical),
        "major_defects": pl.Series(major),
        "minor_defects": pl.Series(minor),
        "checked_items": 40,
        "rectify_due_on": dates_where(problem, day + 30),
        "pharmacist_absent": pl.Series(absent).set(pl.Series(sector != 1), None),
    }


def other_cases(world: World) -> None:
    """Penalties that follow no visit: reports, referrals, the office's own findings."""
    rng = world.rng("other cases")
    rate = world.assumed["other_cases"]["monthly"] * np.exp(-0.8 * world.compliance) * world.alive
    who = where(rng.random(rate.size) < rate)
    penalise(world, who, world.day(rng, who.size))
    world.trouble[who] += 0.8


def penalise(world: World, who: Ints, decided: Days) -> None:
    """Decisions, their service, payment or not, and in time their repair."""
    lives = world.ended[who] > decided
    who, decided = who[lives], decided[lives]
    if who.size == 0:
        return
    rng = world.rng(f"penalties {int(decided.sum())}")
    n = who.size
    severity = rng.choice(3, n, p=[0.25, 0.65, 0.1])
    fine = np.round(np.exp(8.5 + 0.9 * rng.standard_normal(n) + 0.3 * world.firms.size[who])
                    * np.array([0.3, 1, 6])[severity], 2)  # fmt: skip
    fine = np.where(rng.random(n) < 0.01, np.round(fine * 30, 2), fine)
    warned = (severity == 0) & (rng.random(n) < 0.4)
    fine = np.where(warned, 0, np.maximum(fine, 100))
    taken = np.where(~warned & (rng.random(n) < 0.15), np.round(fine * 0.3, 2), 0)
    served = decided + rng.integers(2, 10, n)
    builders = OFFICE[world.firms.sector[who]] == "zjj"
    for office, own in (("scjgj", ~builders), ("zjj", builders)):
        if own.any():
            _decide(world, rng, office, who[own], decided[own], served[own], severity[own],
                    fine[own], taken[own])  # fmt: skip


def _decide(  # noqa: PLR0913, PLR0917  (what a decision is)
    world: World, rng: np.random.Generator, office: str, who: Ints, decided: Days, served: Days,
    severity: Ints, fine: Floats, taken: Floats,
) -> None:  # fmt: skip
    n = who.size
    place = {"scjgj": "示市监罚", "zjj": "示建罚"}[office]
    serial = world.post.numbers(office, "penalty", n)
    year = 1970 + (decided // 365.2425).astype(np.int64)
    short = serial.str.slice(-9).str.strip_chars_start("0")
    decision = pl.select(pl.format(place + "〔{}〕{}号", pl.Series(year), short)).to_series()
    sector = np.array(SECTORS)[world.firms.sector[who]]
    act = pl.Series([ACTS[s][k] for s, k in zip(sector, rng.integers(0, 4, n), strict=True)])
    kinds = np.where(fine > 0, np.where(taken > 0, "fine|confiscate_income", "fine"), "warn")
    kinds = np.where(
        (severity == 2) & (fine > 0), np.char.add(kinds.astype(str), "|suspend_business"), kinds
    )
    due = served + 15
    publicity = decided + np.array(PUBLIC_DAYS)[severity] - 3
    columns: dict[str, object] = {
        "decision_no": decision,
        "illegal_act_code": act,
        "penalty_kinds": pl.Series(kinds.astype(str)),
        "procedure": pl.Series(np.where(fine > 1_000, "ordinary", "simple")),
        "fine_amount_yuan": yuan(fine),
        "confiscated_yuan": yuan(taken),
        "decided_on": dates(decided),
        "served_on": dates(served),
        "due_on": dates(due),
        "severity": pl.Series(np.array(["轻微", "一般", "严重"])[severity]),
        "sector": pl.Series(np.where(sector == "other", "general", sector)),
        "repeat_same_act": pl.Series(np.where(rng.random(n) < 0.05, "是", "否")),
        "state": "effective",
        "publicity_until": dates(publicity),
    }
    arrives = served + world.lag(rng, n, 4, 25)
    world.post.send(office, "penalty", who, arrives, columns, number=serial)
    _withdraw(world, rng, office, who, arrives, columns, serial)
    _repair(world, rng, office, who, decided, publicity, columns, serial)
    owed = fine > 0
    _pay(world, rng, who[owed], decision.filter(pl.Series(owed)), fine[owed], served[owed])


def _withdraw(  # noqa: PLR0913, PLR0917  (a decision and who reports it)
    world: World, rng: np.random.Generator, office: str, who: Ints, arrives: Days,
    columns: dict[str, object], number: pl.Series,
) -> None:  # fmt: skip
    """A decision that was set aside: its record is withdrawn."""
    gone = rng.random(who.size) < world.assumed["dirt"]["withdrawn"]
    late = arrives + rng.integers(20, 120, who.size)
    world.post.correct(office, "penalty", who, late, columns, number=number, keep=gone,
                       operation="withdraw")  # fmt: skip


def _repair(  # noqa: PLR0913, PLR0917  (a decision and who reports it)
    world: World, rng: np.random.Generator, office: str, who: Ints, decided: Days,
    publicity: Days, columns: dict[str, object], number: pl.Series,
) -> None:  # fmt: skip
    """The diligent apply for repair after the shortest period; it ends the publicity."""
    wish = rng.random(who.size) < 0.35 * sigmoid(world.diligence[who])
    day = decided + np.where(publicity - decided > 300, 95, 40) + rng.integers(0, 60, who.size)
    done = wish & (day < publicity) & (world.ended[who] > day)
    asked = {
        "target_record_id": number, "target_table": "penalty", "applied_on": dates(day - 5),
        "decided_on": dates(day), "result": "approved", "effective_on": dates(day),
    }  # fmt: skip
    rows = where(done)
    world.post.send("scjgj", "credit_repair", who[rows], day[rows] + 1, kept(asked, rows))
    world.post.correct(office, "penalty", who, day + 2, columns, number=number, keep=done,
                       repair_status="repaired", repaired_at=dates(day))  # fmt: skip


def _pay(
    world: World, rng: np.random.Generator, who: Ints, decision: pl.Series, fine: Floats,
    served: Days,
) -> None:  # fmt: skip
    """Paid in time, late or never; the truth keeps the chance."""
    if who.size == 0:
        return
    a, n = world.assumed["unpaid_fine"], who.size
    p = sigmoid(
        a["intercept"]
        + a["diligence"] * world.diligence[who]
        + a["distress"] * world.distress[who]
        + a["log_fine"] * np.log(fine / 5_000)
    )
    unpaid = rng.random(n) < p
    in_time = np.minimum(rng.geometric(0.16, n), 15)
    seen = 1 - 0.84 ** (15 - LAST_LOOK_DAYS)
    late = 15 + np.minimum(rng.geometric(1 / 60, n), 700)
    never = rng.random(n) < 0.4
    deferred = unpaid & (rng.random(n) < 0.12)
    wait = np.where(unpaid, late, in_time)
    world.truth.chance(
        "unpaid_fine", who,
        {
            "decision_no": decision, "served_on": dates(served), "p_unpaid": pl.Series(p),
            "p_unpaid_at_last_look": pl.Series(p / (p + (1 - p) * (1 - seen))),
            "open_at_last_look": pl.Series(unpaid | (in_time > 15 - LAST_LOOK_DAYS)),
            "unpaid": pl.Series(unpaid),
        },
    )  # fmt: skip
    paid = ~(unpaid & never)
    day = served + wait
    events: list[tuple[Flags, Days, str, pl.Series | None, pl.Series | None]] = [
        (paid, day, "paid", yuan(fine[paid]), None),
        (deferred, served + 12, "deferral_approved", None, dates(served[deferred] + 90)),
        (unpaid & never, served + 60, "demand_served", None, None),
    ]
    for flags, when, kind, amount, new_due in events:
        own = where(flags)
        columns: dict[str, object] = {
            "decision_no": decision.filter(pl.Series(flags)), "event_kind": kind,
            "occurred_on": dates(when[own]), "amount_yuan": amount, "new_due_on": new_due,
        }  # fmt: skip
        columns = {k: v for k, v in columns.items() if v is not None}
        lag = world.lag(rng, own.size, 3, 20)
        arrives = np.maximum(when[own] + lag, served[own] + 26)
        world.post.send("czj", "penalty_performance", who[own], arrives, columns)
