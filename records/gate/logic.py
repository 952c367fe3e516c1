"""What one row, or a row beside others, cannot say without contradicting itself."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from xinheng.records.duties.days import legal_day
from xinheng.records.gate.catalogue import Check, Failure, Said, Scene, yuan
from xinheng.records.gate.identity import ENDED, SURROGATE_PREFIX

LICENCE_YEARS = {
    "food_production": 5, "food_business": 5, "drug_production": 5, "drug_wholesale": 5,
    "drug_retail": 5, "medical_device": 5, "safety_production": 3,
}  # fmt: skip
"""Term by kind (domain README, LC18); a term may end a day earlier or be cut short."""
CONFISCATIONS = ("confiscate_income", "confiscate_goods")
PASSING = ("no_problem",)


def contradicting_penalties(_: Scene) -> Iterator[Failure]:
    kinds = pl.col("penalty_kinds")
    fine, taken = pl.col("fine_amount_fen"), pl.col("confiscated_fen")
    confiscates = kinds.list.eval(pl.element().is_in(CONFISCATIONS)).list.any()
    yield Failure((fine > 0) != kinds.list.contains("fine"), "fine_amount_yuan")
    yield Failure((taken > 0) & ~confiscates, "confiscated_yuan")
    yield Failure((fine < 0) | (taken < 0), "fine_amount_yuan")


def disordered_service(scene: Scene) -> Iterator[Failure]:
    if not scene.has("served_on"):
        return
    served = pl.col("served_on")
    yield Failure(served < pl.col("decided_on"), "served_on")
    if scene.has("due_on"):
        yield Failure((pl.col("due_on") < served), "due_on")
        unserved = served.is_null() & pl.col("due_on").is_not_null()
        yield Failure(unserved & _chinese(), "served_on")


def impossible_licences(scene: Scene) -> Iterator[Failure]:
    granted, since = pl.col("granted_on"), pl.col("valid_from")
    yield Failure(granted > since, "granted_on")
    if not scene.has("valid_to"):
        return
    until = pl.col("valid_to")
    yield Failure(until < since, "valid_to")
    years = pl.col("licence_kind").replace_strict(
        LICENCE_YEARS, default=None, return_dtype=pl.Int64
    )
    longest = since.dt.offset_by(pl.format("{}y", years)).dt.offset_by("1d")
    yield Failure((until > longest) & _chinese(), "valid_to")


def contradicting_entities(scene: Scene) -> Iterator[Failure]:
    ended = pl.col("status").is_in(ENDED)
    on = pl.col("ended_on") if scene.has("ended_on") else pl.lit(None, dtype=pl.Date)
    yield Failure(ended != on.is_not_null(), "status")
    yield Failure(on < pl.col("established_on"), "ended_on")


def contradicting_listings(scene: Scene) -> Iterator[Failure]:
    """Removed before listed; listed for a report that was filed in time."""
    if scene.has("removed_on"):
        yield Failure(
            pl.col("removed_on") < pl.col("listed_on"),
            "removed_on",
            {"report_year": "?", "submitted_at": "?"},
        )
    year = pl.col("listed_on").dt.offset_by("6mo").dt.year() - 2  # of the last deadline
    timely = (
        scene.records("annual_report")
        .filter(pl.col("operation") != "withdraw", pl.col("revision_no") == 0)
        .filter(~pl.col("is_late_supplement"))
        .group_by("uscc", "report_year")
        .agg(_filed=pl.col("submitted_at").min(), _heard=pl.col("known_at").min())
        .collect(engine="streaming")
    )
    rows = scene.rows.select("uscc", "known_at", report_year=year.cast(pl.Int64))
    beside = rows.join(timely, on=["uscc", "report_year"], how="left", maintain_order="left")
    for_report = scene.rows["reason"] == "annual_report"
    contradicted = beside.select(pl.col("_heard") <= pl.col("known_at")).to_series()
    says = {"report_year": beside["report_year"], "submitted_at": beside["_filed"]}
    yield Failure(for_report & contradicted, "listed_on", says)


def contradicting_inspections(scene: Scene) -> Iterator[Failure]:
    def number(name: str) -> pl.Expr:
        return pl.col(name).fill_null(0) if scene.has(name) else pl.lit(0)

    grave = number("critical_defects") + number("major_defects")
    any_defect = grave + number("minor_defects")
    due = pl.col("rectify_due_on") if scene.has("rectify_due_on") else pl.lit(None, dtype=pl.Date)
    clean = pl.col("result") == "no_problem"
    found = pl.col("result").is_in(["failed", "ordered_correction"])
    says: Said = {
        "critical_defects": number("critical_defects"),
        "major_defects": number("major_defects"),
    }
    yield Failure(clean & ((grave > 0) | due.is_not_null()), "result", says)
    counted = scene.has("critical_defects") and scene.has("minor_defects")
    if counted:
        said = pl.any_horizontal(
            pl.col(n).is_not_null() for n in ("critical_defects", "major_defects", "minor_defects")
            if scene.has(n)
        )  # fmt: skip
        yield Failure(found & said & (any_defect == 0) & due.is_null(), "result", says)


def contradicting_samples(scene: Scene) -> Iterator[Failure]:
    qualified = pl.col("qualified")
    item = pl.col("item_class") if scene.has("item_class") else pl.lit(None, dtype=pl.String)
    yield Failure(pl.col("sampled_on") > pl.col("reported_on"), "sampled_on")
    yield Failure(~qualified & item.is_null(), "item_class")
    yield Failure((pl.col("retest") == "overturned") & ~qualified, "retest")


def payments_without_a_debt(scene: Scene) -> Iterator[Failure]:
    """For a decision that is not there, or more than fine and surcharge (at most the fine)."""
    owed = (
        scene.records("penalty")
        .group_by("uscc", "decision_no")
        .agg(_fine=pl.col("fine_amount_fen").max(), _taken=pl.col("confiscated_fen").max())
        .collect(engine="streaming")
    )
    key = ["uscc", "decision_no"]
    rows = scene.rows.select(*key, "event_kind", "amount_fen", "source_record_no")
    beside = rows.join(owed, on=key, how="left", maintain_order="left")
    most = (2 * beside["_fine"] + beside["_taken"]).fill_null(0)
    paying = beside["event_kind"].is_in(["paid", "part_paid", "court_enforced"])
    paid = (
        scene.records("penalty_performance")
        .filter(pl.col("event_kind").is_in(["paid", "part_paid", "court_enforced"]))
        .select(*key, "source_system", "source_record_no", "amount_fen", "known_at")
        .collect(engine="streaming")
        .sort("known_at")
        .unique(["source_system", "source_record_no"], keep="last", maintain_order=True)
        .group_by(key)
        .agg(_paid=pl.col("amount_fen").sum())
    )
    total = rows.join(paid, on=key, how="left", maintain_order="left")["_paid"].fill_null(0)
    says = {"max": pl.DataFrame({"m": most}).select(yuan(pl.col("m"))).to_series()}
    yield Failure(beside["_fine"].is_null(), "decision_no", says)
    yield Failure(paying & beside["_fine"].is_not_null() & (total > most), "amount_yuan", says)


def odd_decision_numbers(scene: Scene) -> Iterator[Failure]:
    """Not of the form 甲罚〔2024〕12号, or the number of another decision of the authority."""
    if not scene.has("authority_uscc"):
        return
    number, authority = pl.col("decision_no"), pl.col("authority_uscc")
    known = authority.is_not_null()
    form = r"^\S{1,30}[〔\[(（]\d{4}[〕\])）]\S{0,4}?\d+(号)?$"
    yield Failure(known & ~number.str.contains(form), "decision_no")
    used = (
        scene.everyone("penalty")
        .filter(known)
        .group_by("authority_uscc", "decision_no")
        .agg(_facts=pl.struct("source_system", "source_record_no").n_unique())
        .filter(pl.col("_facts") > 1)
        .collect(engine="streaming")
    )
    keys = ["authority_uscc", "decision_no"]
    twice = scene.rows.select(keys).join(used, on=keys, how="left", maintain_order="left")
    yield Failure(twice["_facts"].is_not_null(), "decision_no")


def business_after_the_end(scene: Scene) -> Iterator[Failure]:
    """A passed inspection, a licence or a contract of an enterprise that was cancelled before."""
    if scene.table.name not in _ALIVE:
        return
    ends = (
        scene.records("entity")
        .filter(pl.col("status") == "cancelled")
        .group_by("uscc")
        .agg(ended_on=pl.col("ended_on").max())
        .collect(engine="streaming")
    )
    rows = scene.rows.with_columns(_ALIVE[scene.table.name].alias("_alive"))
    beside = rows.join(ends, on="uscc", how="left", maintain_order="left", suffix="_of_entity")
    day = legal_day(pl.col("event_at"))
    late = beside.select((day > pl.col("ended_on")) & pl.col("_alive")).to_series()
    yield Failure(late, "event_at", {"ended_on": beside["ended_on"]})


_ALIVE: dict[str, pl.Expr] = {
    "inspection": pl.col("result").is_in(PASSING),
    "licence": pl.col("status") == "valid",
    "contract_performance": pl.lit(value=True),
    "construction_project": pl.lit(value=True),
    "positive_record": pl.lit(value=True),
}
"""Tables, and which of their rows only a living enterprise can have."""


def doubtful_repairs(scene: Scene) -> Iterator[Failure]:
    """Called repaired without an approved application, or no longer repaired."""
    state = pl.col("repair_status")
    if scene.table.name == "credit_repair" or not scene.has("repair_status"):
        return
    repaired = state == "repaired"
    day = pl.col("repaired_at") if scene.has("repaired_at") else pl.lit(None, dtype=pl.Date)
    approved = (
        scene.records("credit_repair")
        .filter(pl.col("result") == "approved", pl.col("target_table") == scene.table.name)
        .select("uscc", _target=_bare("target_record_id"), _approved=True)
        .unique()
        .collect(engine="streaming")
    )
    names = scene.rows.select(
        "uscc",
        _full=pl.concat_str(
            pl.lit(scene.table.name), "source_system", "source_record_no", separator="/"
        ),
        _short="source_record_no",
    )
    matched = [
        names.join(
            approved, left_on=["uscc", name], right_on=["uscc", "_target"], how="left",
            maintain_order="left",
        )["_approved"].fill_null(value=False)
        for name in ("_full", "_short")
    ]  # fmt: skip
    unapproved = ~(matched[0] | matched[1])
    yield Failure(scene.rows.select(repaired).to_series() & unapproved, "repair_status")
    yield Failure(repaired & day.is_null(), "repaired_at")
    before = _was_repaired(scene)
    yield Failure(scene.rows.select(~repaired).to_series() & before, "repair_status")


def _bare(column: str) -> pl.Expr:
    """A record id without its version: a repair is of the fact."""
    return pl.col(column).str.replace(r"/v\d+$", "")


def _was_repaired(scene: Scene) -> pl.Series:
    """Whether a version known before said repaired, and the row is no withdrawal."""
    key = ["source_system", "source_record_no"]
    stored = (
        scene.records(scene.table.name)
        .filter(pl.col("repair_status") == "repaired")
        .group_by(key)
        .agg(_repaired=pl.col("known_at").min())
        .collect(engine="streaming")
    )
    rows = scene.rows.select(*key, "known_at", "operation")
    beside = rows.join(stored, on=key, how="left", maintain_order="left")
    later = pl.col("_repaired") < pl.col("known_at")
    return (
        beside.select(later & (pl.col("operation") != "withdraw"))
        .to_series()
        .fill_null(value=False)
    )


def _chinese() -> pl.Expr:
    """Chinese terms do not bind records of foreign registers."""
    return ~pl.col("uscc").str.starts_with(SURROGATE_PREFIX)


LOGIC: dict[str, Check] = {
    "QC14": contradicting_penalties,
    "QC15": disordered_service,
    "QC17": payments_without_a_debt,
    "QC18": odd_decision_numbers,
    "QC19": impossible_licences,
    "QC21": contradicting_entities,
    "QC22": business_after_the_end,
    "QC25": contradicting_listings,
    "QC26": contradicting_inspections,
    "QC28": doubtful_repairs,
    "QC30": contradicting_samples,
}
