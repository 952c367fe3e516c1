"""What is possible and yet unlikely: late, doubled, too large, too small, out of line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache, reduce
from importlib.resources import files
from operator import or_

import numpy as np
import polars as pl

from xinheng.records.duties.days import legal_day
from xinheng.records.duties.deadline import LastDayRule
from xinheng.records.duties.rules import clocks
from xinheng.records.frames import NONE, as_days, days, truths
from xinheng.records.gate.catalogue import Check, Failure, Said, Scene, yuan
from xinheng.records.gate.identity import SURROGATE_PREFIX
from xinheng.records.gate.logic import annuls, goes_on

LARGE_FINE_FEN = 100_000_000
"""Above 1,000,000 yuan an amount is disputed data until two persons confirm it (QC12)."""
UNIT_RATIO, ROUND_UNIT_RATIO = 10_000, 1_000
"""Times the median of the same act; the second where the amount would be round in 万元 (QC13)."""
ROUND_FEN = 100_000
"""A tenth of 万元: amounts that a decision would name."""
MIN_PENALTIES_OF_AN_ACT = 5
YEARLY_RATIO = 100
USAGE_RATIO = 20
HEADCOUNT_RATIO = 10
SMALL_STAFF = 3
"""Smaller staffs may go to zero without a question."""
BALANCE_SHARE, BALANCE_FEN = 0.01, 100_000
PUBLICITY_DAYS = {"minor": (0, 92), "general": (89, 366), "serious": (365, 3 * 366)}
"""Least and most days of publicity by severity (domain README, LC14)."""


def late_arrivals(scene: Scene) -> Iterator[Failure]:
    """Longer under way than agreed, in working or calendar days as `lags.csv` says."""
    row = scene.codes.lags.get(scene.table.name)
    if row is None:
        return
    days = scene.rows.select(legal_day(pl.col(name)) for name in ("event_at", "known_at"))
    happened, heard = days.get_columns()
    limit = int(row["days"])
    working = row["kind"] == "working"
    calendar = (heard - happened).dt.total_days()
    lag = scene.calendar.between(happened, heard) if working else calendar
    first = scene.rows["operation"] == "insert"  # a later version is no late report
    yield Failure(
        first & (lag > limit).fill_null(value=False), "known_at", {"lag": lag, "limit": f"{limit}"}
    )


def reported_twice(scene: Scene) -> Iterator[Failure]:
    """The same fact of one day under two numbers: from two sources, or twice from one.

    `near.csv` says what must be the same, and whether one source can have two such facts a day.
    A foreign register numbers its own facts: two alike of one day are two.
    """
    near = _near().get(scene.table.name)
    if near is None or not scene.has(*near["same"].split("|")):
        return
    source = ["source_system", "source_dept"]
    own = {f"_{name}": pl.col(name) for name in source}
    pairs = scene.records(scene.table.name).beside(
        ["uscc", "event_at", *near["same"].split("|")], state="held", others=True, viewers=own,
        _no="source_record_no",
        _their_source_system="source_system", _their_source_dept="source_dept",
    )  # fmt: skip
    number = pl.col("_no") != pl.col("_own_source_record_no")
    other = pl.any_horizontal(pl.col(f"_{n}") != pl.col(f"_their_{n}") for n in source)
    is_chinese = ~pl.col("uscc").str.starts_with(SURROGATE_PREFIX)
    within = is_chinese if near["within_one_source"] == "yes" else pl.lit(value=False)
    twin = pairs.where(number & (other | within)).agg(no_b=pl.col("_no").min())["no_b"]
    says: Said = {"no_a": pl.col("source_record_no"), "no_b": twin}
    states = scene.rows.select(goes_on()).to_series()
    yield Failure(twin.is_not_null() & states, "source_record_no", says)


def large_amounts(_: Scene) -> Iterator[Failure]:
    for name in ("fine_amount_fen", "confiscated_fen"):
        says: Said = {"amount": yuan(pl.col(name)), "n": "0"}
        field = name.replace("_fen", "_yuan")
        yield Failure((pl.col(name) > LARGE_FINE_FEN) & ~annuls(), field, says)


def doubtful_units(scene: Scene) -> Iterator[Failure]:
    """10,000 times the usual fine of the same act, or its 10,000th part: 元 taken for 万元."""
    fined = scene.everyone("penalty").where(pl.col("fine_amount_fen") > 0)
    usual = fined.beside(["illegal_act_code"], alike=True, _fen="fine_amount_fen").agg(
        _n=pl.len(), _median=pl.col("_fen").median()
    )
    enough = pl.when(pl.col("_n") > MIN_PENALTIES_OF_AN_ACT).then(pl.col("_median"))
    beside = scene.rows.select(fen="fine_amount_fen", annuls=annuls()).hstack(
        usual.select(_median=enough)
    )
    fen, ratio = pl.col("fen"), pl.col("fen") / pl.col("_median")
    far = (ratio >= UNIT_RATIO) | (ratio <= 1 / UNIT_RATIO)
    rounded_up = (ratio <= 1 / ROUND_UNIT_RATIO) & (fen * 10_000 % ROUND_FEN == 0)
    rounded_down = (ratio >= ROUND_UNIT_RATIO) & (fen % ROUND_FEN == 0)
    doubtful = beside.select(
        (fen > 0) & (far | rounded_up | rounded_down) & ~pl.col("annuls")
    ).to_series()
    says: Said = {
        "amount": yuan(pl.col("fine_amount_fen")),
        "ratio": beside.select(_times(ratio)).to_series(),
    }
    yield Failure(doubtful, "fine_amount_yuan", says)


def other_payment_terms(scene: Scene) -> Iterator[Failure]:
    """Neither 15 days after service nor, where that day is not worked, the next that is."""
    if not scene.has("served_on", "due_on"):
        return
    clock, told = clocks().penalty_payment, scene.rows["due_on"]
    served = days(scene.rows["served_on"])
    term = np.where(served == NONE, NONE, served + clock.days)
    bound = as_days(LastDayRule(scene.calendar, clock.shift_to_workday).last_days(term))
    is_other = (told != as_days(term)) & (told != bound)
    if scene.has("due_is_fixed"):
        is_other &= ~pl.Series(truths(scene.rows["due_is_fixed"]))
    yield Failure(is_other, "due_on", {"expected": bound})


def unknown_codes(scene: Scene) -> Iterator[Failure]:
    """Industry or region outside the tables, or a region that the firm's code does not bear.

    A code that was abolished is outside from the year after; a firm whose district only got
    another code has not moved.
    """
    industry, region = scene.rows["industry_code"], scene.rows["registered_region_code"]
    bad = {code: not scene.codes.is_industry(code) for code in industry.drop_nulls().unique()}
    wrong = industry.replace_strict(bad, default=False, return_dtype=pl.Boolean)
    born = scene.rows["uscc"].str.slice(2, 6)
    chinese = ~scene.rows["uscc"].str.starts_with(SURROGATE_PREFIX)
    says = {"uscc_region": born}
    yield Failure(wrong, "industry_code", {"value": industry, **says})
    foreign, elsewhere = (is_so & chinese for is_so in _out_of_place(scene, born))
    named = {code: scene.codes.regions.described(code) for code in region.filter(foreign).unique()}
    value = region.replace(named) if named else region
    yield Failure(foreign, "registered_region_code", {"value": value, **says})
    moves = scene.records("entity_change").where(pl.col("change_item") == "address")
    unmoved = ~moves.beside(["uscc"]).any()
    yield Failure(elsewhere & unmoved, "registered_region_code", {"value": region, **says})


def _out_of_place(scene: Scene, born: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Whether each region is unknown in the row's year, and else whether it is another's."""
    known, rows = scene.codes.regions, scene.rows
    last = rows["ended_on"] if "ended_on" in rows.columns else pl.Series([None], dtype=pl.Date)
    year = rows.select(pl.coalesce(last, legal_day(pl.col("known_at"))).dt.year()).to_series()
    triples = list(zip(born, rows["registered_region_code"], year, strict=True))
    foreign, elsewhere = dict[object, bool](), dict[object, bool]()
    for one in {*triples}:
        code, region, when = one
        is_known = region is None or (region in known and not known.is_abolished(region, when))
        foreign[one] = not is_known
        elsewhere[one] = region is not None and is_known and not known.agrees(code, region)
    told = ([found[one] for one in triples] for found in (foreign, elsewhere))
    unknown, other = (pl.Series(values, dtype=pl.Boolean) for values in told)
    return unknown, other


def open_balances(scene: Scene) -> Iterator[Failure]:
    """Assets that are not liabilities and equity, all zero, or figures of another firm."""
    names = ["assets_fen", "liabilities_fen", "equity_fen"]
    if not scene.has(*names):
        return
    assets, owed, own = map(pl.col, names)
    total = owed + own
    gap = (assets - total).abs()
    says = {"sum": yuan(total)}
    yield Failure((gap > BALANCE_FEN) & (gap > assets.abs() * BALANCE_SHARE), "assets_yuan", says)
    told = [pl.col(n) for n in (*names, "revenue_fen", "profit_fen") if scene.has(n)]
    yield Failure(pl.all_horizontal(c == 0 for c in told), "assets_yuan", says)
    yield from _copied(scene, says)


def _copied(scene: Scene, says: Mapping[str, pl.Expr]) -> Iterator[Failure]:
    same = ["report_year", "assets_fen", "liabilities_fen", "revenue_fen"]
    if not scene.has(*same):
        return
    filled = [pl.col(name) > 0 for name in ("assets_fen", "revenue_fen", "liabilities_fen")]
    reports = scene.everyone("annual_report").where(*filled)
    copies = reports.beside(same, others=True, viewers={"_own": pl.col("uscc")}, _firm="uscc")
    yield Failure(copies.where(pl.col("_firm") != pl.col("_own")).any(), "assets_yuan", says)


def jumping_reports(scene: Scene) -> Iterator[Failure]:
    for name in ("assets_fen", "revenue_fen"):
        if not scene.has(name):
            continue
        following = {"uscc": pl.col("uscc"), "report_year": pl.col("report_year") + 1}
        reports = scene.records("annual_report").where(pl.col(name) > 0)
        before = reports.beside(following, _fen=name).agg(in_order=True, _was=pl.col("_fen").last())
        beside = scene.rows.select(_is=name).hstack(before)
        ratio = pl.col("_is") / pl.col("_was")
        jump = beside.select((ratio > YEARLY_RATIO) | ((ratio > 0) & (ratio < 1 / YEARLY_RATIO)))
        says = {"ratio": beside.select(_times(ratio)).to_series()}
        yield Failure(jump.to_series(), name.replace("_fen", "_yuan"), says)


def unexplained_selection(scene: Scene) -> Iterator[Failure]:
    chance = pl.col("selection_prob") if scene.has("selection_prob") else pl.lit(None)
    reason = pl.col("selection_reason")
    yield Failure(reason.is_null(), "selection_reason")
    yield Failure((reason == "random_draw") & chance.is_null(), "selection_prob")


def odd_publicity(scene: Scene) -> Iterator[Failure]:
    """Shown for longer or shorter than the severity allows, without an ongoing restriction."""
    if not scene.has("publicity_until", "severity"):
        return
    days = (pl.col("publicity_until") - pl.col("event_at").dt.date()).dt.total_days()
    least, most = (
        pl.col("severity").replace_strict(
            {name: limits[i] for name, limits in PUBLICITY_DAYS.items()},
            default=None, return_dtype=pl.Int64,
        )
        for i in (0, 1)
    )  # fmt: skip
    restricted = (
        pl.col("penalty_kinds").list.contains("restrict_business")
        if scene.has("penalty_kinds")
        else pl.lit(value=False)
    )
    yield Failure(((days < least) | (days > most)) & ~restricted, "publicity_until")


def implausible_usage(scene: Scene) -> Iterator[Failure]:
    """Negative, or 20 times more or less than in the same month a year ago at an own meter."""
    a_year_later = {
        "uscc": pl.col("uscc"), "utility": pl.col("utility"),
        "month": pl.col("month").dt.offset_by("1y"),
    }  # fmt: skip
    metered = scene.records("utility_usage").where(pl.col("usage") > 0)
    before = metered.beside(a_year_later, _usage="usage").agg(
        in_order=True, _was=pl.col("_usage").last()
    )
    beside = scene.rows.select("usage", "meter_shared").hstack(before)
    ratio = pl.col("usage") / pl.col("_was")
    jump = (ratio > USAGE_RATIO) | ((ratio > 0) & (ratio < 1 / USAGE_RATIO))
    yield Failure(pl.col("usage") < 0, "usage")
    own = ~pl.col("meter_shared").fill_null(value=False)
    yield Failure(beside.select(jump & own).to_series(), "usage")


def jumping_headcounts(scene: Scene) -> Iterator[Failure]:
    """To zero, or more than tenfold within a month, while the firm goes on unchanged."""
    a_month_later = {"uscc": pl.col("uscc"), "month": pl.col("month").dt.offset_by("1mo")}
    insured = scene.records("social_insurance").beside(a_month_later, _staff="insured_headcount")
    before = insured.agg(in_order=True, prev=pl.col("_staff").last())
    beside = scene.rows.select(now="insured_headcount").hstack(before)
    now, prev = pl.col("now"), pl.col("prev")
    gone = (now == 0) & (prev >= SMALL_STAFF)
    grown = (prev > 0) & (now > HEADCOUNT_RATIO * prev) & (now >= HEADCOUNT_RATIO)
    jumped = beside.select(gone | grown).to_series()
    if jumped.fill_null(value=False).any():
        jumped &= ~_closing(scene)
    yield Failure(jumped, "insured_headcount", {"prev": beside["prev"]})


def _closing(scene: Scene) -> pl.Series:
    """Enterprises with a record of the end of business, of a rest, or of a merger or split."""
    ended = scene.records("entity").where(pl.col("status") != "active")
    resting = scene.records("suspension_filing")
    changed = scene.records("entity_change").where(pl.col("change_item") == "other")
    return reduce(or_, (records.beside(["uscc"]).any() for records in (ended, resting, changed)))


def _times(ratio: pl.Expr) -> pl.Expr:
    """A ratio as a message says it: 12000, 0.0001."""
    return (
        pl.when(ratio >= 10).then(ratio.round()).otherwise(ratio.round_sig_figs(2)).cast(pl.String)
    )


@cache
def _near() -> Mapping[str, Mapping[str, str]]:
    return {row["record_type"]: row for row in _rows("near.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    text = files("xinheng.records.gate").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


PLAUSIBILITY: dict[str, Check] = {
    "QC07": reported_twice,
    "QC11": late_arrivals,
    "QC12": large_amounts,
    "QC13": doubtful_units,
    "QC16": other_payment_terms,
    "QC20": unknown_codes,
    "QC23": open_balances,
    "QC24": jumping_reports,
    "QC27": unexplained_selection,
    "QC29": odd_publicity,
    "QC31": implausible_usage,
    "QC32": jumping_headcounts,
}
