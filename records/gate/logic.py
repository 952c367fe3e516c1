"""What one row, or a row beside others, cannot say without contradicting itself."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from xinheng.records.duties.days import legal_day
from xinheng.records.duties.payments import PAYING
from xinheng.records.gate.catalogue import Check, Failure, Said, Scene, yuan
from xinheng.records.gate.identity import ENDED, SURROGATE_PREFIX
from xinheng.records.in_force.rules import values_in_force
from xinheng.records.versions import KEY

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
    yield Failure(((fine > 0) != kinds.list.contains("fine")) & ~annuls(), "fine_amount_yuan")
    yield Failure((taken > 0) & ~confiscates & ~annuls(), "confiscated_yuan")
    yield Failure((fine < 0) | (taken < 0), "fine_amount_yuan")


def annuls() -> pl.Expr:
    """Rows after which a decision is no penalty: withdrawn, revoked, invalid, or corrected to 0."""
    amounts = pl.col("fine_amount_fen", "confiscated_fen").fill_null(0)
    to_zero = (pl.col("operation") == "correct") & (pl.sum_horizontal(amounts.abs()) == 0)
    is_over = ~pl.col("state").is_in(values_in_force("penalty", "state"))
    return to_zero | is_over.fill_null(value=False) | (pl.col("operation") == "withdraw")


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
    timely = scene.records("annual_report").where(
        pl.col("revision_no") == 0, ~pl.col("is_late_supplement")
    )
    missing = {"report_year": year.cast(pl.Int64)}
    filed = timely.beside(["uscc", "report_year"], viewers=missing, _filed="submitted_at")
    first = filed.agg(filed=pl.col("_filed").min())["filed"]
    lists = (pl.col("reason") == "annual_report") & (pl.col("operation") != "withdraw")
    for_report = scene.rows.select(lists).to_series()
    says: Said = {"report_year": missing["report_year"], "submitted_at": first}
    yield Failure(for_report & first.is_not_null(), "listed_on", says)


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
    """For a decision that is not there, or more than fine and surcharge (at most the fine).

    A decision that waits, was revoked or was withdrawn is there: its payments are no mistake, and
    what could be owed is the most that any of its versions said.
    """
    key = ["uscc", "decision_no"]
    decisions = (
        scene.records("penalty")
        .that_arrived()
        .beside(key, state="ever", _fine="fine_amount_fen", _taken="confiscated_fen")
    )
    owed = decisions.agg(fine=pl.col("_fine").max(), taken=pl.col("_taken").max())
    most = (2 * owed["fine"] + owed["taken"]).fill_null(0)
    pays = pl.col("event_kind").is_in(PAYING)
    paid = (
        scene.records("penalty_performance")
        .where(pays)
        .beside(key, state="held", _fen="amount_fen")
    )
    total = paid.agg(fen=pl.col("_fen").sum())["fen"].fill_null(0)
    says = {"max": pl.DataFrame({"m": most}).select(yuan(pl.col("m"))).to_series()}
    states, pays_now = (
        scene.rows.select(goes_on() & c).to_series() for c in (pl.lit(value=True), pays)
    )
    yield Failure(states & owed["fine"].is_null(), "decision_no", says)
    exceeds = owed["fine"].is_not_null() & (total > most)
    yield Failure(pays_now & exceeds, "amount_yuan", says)


def odd_decision_numbers(scene: Scene) -> Iterator[Failure]:
    """Not of the form 甲罚〔2024〕12号, or the number of another decision of the authority."""
    if not scene.has("authority_uscc"):
        return
    number, authority = pl.col("decision_no"), pl.col("authority_uscc")
    known = authority.is_not_null()
    form = r"^\S{1,30}[〔\[(（]\d{4}[〕\])）]\S{0,4}?\d+(号)?$"
    yield Failure(known & ~number.str.contains(form), "decision_no")
    used = scene.everyone("penalty").where(known).beside(
        ["authority_uscc", "decision_no"], state="held", others=True
    )  # fmt: skip
    yield Failure(used.any() & scene.rows.select(goes_on()).to_series(), "decision_no")


def business_after_the_end(scene: Scene) -> Iterator[Failure]:
    """A passed inspection, a licence or a contract of an enterprise that was cancelled before."""
    if scene.table.name not in _ALIVE:
        return
    cancelled = scene.records("entity").where(pl.col("status") == "cancelled")
    ended = cancelled.beside(["uscc"], _ended="ended_on").agg(on=pl.col("_ended").max())["on"]
    alive = _ALIVE[scene.table.name] & goes_on()
    happened = legal_day(pl.col("event_at"))
    late = scene.rows.with_columns(_ended=ended).select((happened > pl.col("_ended")) & alive)
    yield Failure(late.to_series(), "event_at", {"ended_on": ended})


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
    approved = scene.records("credit_repair").where(
        pl.col("result") == "approved", pl.col("target_table") == scene.table.name
    )
    full = pl.concat_str(pl.lit(scene.table.name), *KEY, separator="/")
    matched = [
        approved.beside(
            {"uscc": pl.col("uscc"), "_target": _bare("target_record_id")}, viewers={"_target": own}
        ).any()
        for own in (full, pl.col("source_record_no"))
    ]
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
    repaired = scene.records(scene.table.name).where(pl.col("repair_status") == "repaired")
    before = repaired.beside(KEY, state="ever").where(pl.col("_rknown_at") < pl.col("known_at"))
    return before.any() & scene.rows.select(goes_on()).to_series()


def goes_on() -> pl.Expr:
    """Rows that state a fact; the others withdraw one."""
    return pl.col("operation") != "withdraw"


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
