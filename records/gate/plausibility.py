"""What is possible and yet unlikely: late, doubled, too large, too small, out of line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

import polars as pl

from xinheng.records.duties.days import legal_day
from xinheng.records.duties.workdays import workdays
from xinheng.records.gate.catalogue import Check, Failure, Said, Scene, yuan
from xinheng.records.gate.identity import SURROGATE_PREFIX

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
_FACT = ["source_system", "source_record_no"]


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
    lag = workdays().between(happened, heard) if working else calendar
    first = scene.rows["operation"] == "insert"  # a later version is no late report
    yield Failure(
        first & (lag > limit).fill_null(value=False), "known_at", {"lag": lag, "limit": f"{limit}"}
    )


def reported_twice(scene: Scene) -> Iterator[Failure]:
    """The same fact of one day from two sources, under two numbers."""
    same = _near().get(scene.table.name)
    if same is None or not scene.has(*same.split("|")):
        return
    key = ["uscc", "event_at", *same.split("|")]
    facts = scene.records(scene.table.name).select(*key, *_FACT, "source_dept", "operation")
    others = (
        facts.filter(pl.col("operation") != "withdraw")
        .select(*key, *_FACT, "source_dept")
        .unique()
        .collect(engine="streaming")
    )
    rows = scene.rows.with_row_index("_at").select("_at", *key, *_FACT, "source_dept")
    pairs = rows.join(others, on=key, how="inner", nulls_equal=True, suffix="_b")
    number = pl.col("source_record_no") != pl.col("source_record_no_b")
    source = (pl.col("source_system") != pl.col("source_system_b")) | (
        pl.col("source_dept") != pl.col("source_dept_b")
    )
    twins = (
        pairs.filter(number & source).group_by("_at").agg(no_b=pl.col("source_record_no_b").min())
    )
    found = rows.join(twins, on="_at", how="left", maintain_order="left")["no_b"]
    says: Said = {"no_a": pl.col("source_record_no"), "no_b": found}
    yield Failure(found.is_not_null(), "source_record_no", says)


def large_amounts(_: Scene) -> Iterator[Failure]:
    for name in ("fine_amount_fen", "confiscated_fen"):
        says: Said = {"amount": yuan(pl.col(name)), "n": "0"}
        field = name.replace("_fen", "_yuan")
        yield Failure(pl.col(name) > LARGE_FINE_FEN, field, says)


def doubtful_units(scene: Scene) -> Iterator[Failure]:
    """10,000 times the usual fine of the same act, or its 10,000th part: 元 taken for 万元."""
    usual = (
        scene.everyone("penalty")
        .filter(pl.col("fine_amount_fen") > 0)
        .group_by("illegal_act_code")
        .agg(_n=pl.len(), _median=pl.col("fine_amount_fen").median())
        .filter(pl.col("_n") > MIN_PENALTIES_OF_AN_ACT)
        .collect(engine="streaming")
    )
    rows = scene.rows.select("illegal_act_code", fen="fine_amount_fen")
    beside = rows.join(usual, on="illegal_act_code", how="left", maintain_order="left")
    fen, ratio = pl.col("fen"), pl.col("fen") / pl.col("_median")
    far = (ratio >= UNIT_RATIO) | (ratio <= 1 / UNIT_RATIO)
    rounded_up = (ratio <= 1 / ROUND_UNIT_RATIO) & (fen * 10_000 % ROUND_FEN == 0)
    rounded_down = (ratio >= ROUND_UNIT_RATIO) & (fen % ROUND_FEN == 0)
    doubtful = beside.select((fen > 0) & (far | rounded_up | rounded_down)).to_series()
    says: Said = {
        "amount": yuan(pl.col("fine_amount_fen")),
        "ratio": beside.select(_times(ratio)).to_series(),
    }
    yield Failure(doubtful, "fine_amount_yuan", says)


def other_payment_terms(scene: Scene) -> Iterator[Failure]:
    if not scene.has("served_on", "due_on"):
        return
    due = pl.col("served_on").dt.offset_by("15d")
    shifted = scene.rows.select(expected=due)["expected"]
    worked = pl.DataFrame({"d": shifted}).select(workdays().on_or_after("d")).to_series()
    told = scene.rows["due_on"]
    yield Failure((told != shifted) & (told != worked), "due_on", {"expected": shifted})


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
    moved = (
        scene.records("entity_change")
        .filter(pl.col("change_item") == "address")
        .select("uscc", _moved=True)
        .unique()
        .collect(engine="streaming")
    )
    known = scene.rows.select("uscc").join(moved, on="uscc", how="left", maintain_order="left")
    unmoved = known["_moved"].is_null()
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
    copies = (
        scene.everyone("annual_report")
        .filter(pl.col("assets_fen") > 0, pl.col("revenue_fen") > 0, pl.col("liabilities_fen") > 0)
        .group_by(same)
        .agg(_firms=pl.col("uscc").n_unique())
        .filter(pl.col("_firms") > 1)
        .collect(engine="streaming")
    )
    beside = scene.rows.select(same).join(copies, on=same, how="left", maintain_order="left")
    yield Failure(beside["_firms"].is_not_null(), "assets_yuan", says)


def jumping_reports(scene: Scene) -> Iterator[Failure]:
    for name in ("assets_fen", "revenue_fen"):
        if not scene.has(name):
            continue
        before = (
            scene.records("annual_report")
            .filter(pl.col(name) > 0)
            .select("uscc", (pl.col("report_year") + 1).alias("report_year"), "known_at", _was=name)
            .collect(engine="streaming")
            .sort("known_at")
            .unique(["uscc", "report_year"], keep="last", maintain_order=True)
            .drop("known_at")
        )
        key = ["uscc", "report_year"]
        beside = scene.rows.select(*key, _is=name).join(
            before, on=key, how="left", maintain_order="left"
        )
        ratio = pl.col("_is") / pl.col("_was")
        jump = beside.select((ratio > YEARLY_RATIO) | ((ratio > 0) & (ratio < 1 / YEARLY_RATIO)))
        says = {"ratio": beside.select(_times(ratio)).to_series()}
        yield Failure(jump.to_series(), name.replace("_fen", "_yuan"), says)


def unexplained_selection(scene: Scene) -> Iterator[Failure]:
    chance = pl.col("selection_prob") if scene.has("selection_prob") else pl.lit(None)
    drawn = pl.col("selection_reason") == "random_draw"
    yield Failure(drawn & chance.is_null(), "selection_prob")


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
    key = ["uscc", "utility", "month"]
    before = (
        scene.records("utility_usage")
        .filter(pl.col("usage") > 0)
        .select("uscc", "utility", pl.col("month").dt.offset_by("1y"), "known_at", _was="usage")
        .join(scene.rows.lazy().select(key).unique(), on=key, how="semi")
        .collect(engine="streaming")
        .sort("known_at")
        .unique(key, keep="last", maintain_order=True)
        .drop("known_at")
    )
    beside = scene.rows.select(*key, "usage", "meter_shared").join(
        before, on=key, how="left", maintain_order="left"
    )
    ratio = pl.col("usage") / pl.col("_was")
    jump = (ratio > USAGE_RATIO) | ((ratio > 0) & (ratio < 1 / USAGE_RATIO))
    yield Failure(pl.col("usage") < 0, "usage")
    own = ~pl.col("meter_shared").fill_null(value=False)
    yield Failure(beside.select(jump & own).to_series(), "usage")


def jumping_headcounts(scene: Scene) -> Iterator[Failure]:
    """To zero, or more than tenfold within a month, while the firm goes on unchanged."""
    key = ["uscc", "month"]
    before = (
        scene.records("social_insurance")
        .select("uscc", pl.col("month").dt.offset_by("1mo"), "known_at", prev="insured_headcount")
        .join(scene.rows.lazy().select(key).unique(), on=key, how="semi")
        .collect(engine="streaming")
        .sort("known_at")
        .unique(key, keep="last", maintain_order=True)
        .drop("known_at")
    )
    beside = scene.rows.select(*key, now="insured_headcount").join(
        before, on=key, how="left", maintain_order="left"
    )
    now, prev = pl.col("now"), pl.col("prev")
    gone = (now == 0) & (prev >= SMALL_STAFF)
    grown = (prev > 0) & (now > HEADCOUNT_RATIO * prev) & (now >= HEADCOUNT_RATIO)
    jumped = beside.select(gone | grown).to_series()
    if jumped.fill_null(value=False).any():
        jumped &= ~_closing(scene)
    yield Failure(jumped, "insured_headcount", {"prev": beside["prev"]})


def _closing(scene: Scene) -> pl.Series:
    """Enterprises with a record of the end of business, of a rest, or of a merger or split."""
    ended = scene.records("entity").filter(pl.col("status") != "active").select("uscc")
    resting = scene.records("suspension_filing").select("uscc")
    changed = scene.records("entity_change").filter(pl.col("change_item") == "other").select("uscc")
    codes = pl.concat([ended, resting, changed]).unique().collect(engine="streaming")
    return scene.rows["uscc"].is_in(codes["uscc"].implode())


def _times(ratio: pl.Expr) -> pl.Expr:
    """A ratio as a message says it: 12000, 0.0001."""
    return (
        pl.when(ratio >= 10).then(ratio.round()).otherwise(ratio.round_sig_figs(2)).cast(pl.String)
    )


@cache
def _near() -> Mapping[str, str]:
    return {row["record_type"]: row["same"] for row in _rows("near.csv")}


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
