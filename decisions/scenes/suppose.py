"""What would be: with other records, with a record repaired, with a duty performed.

Nothing is stored, and the numbers come from the one engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import polars as pl

from xinheng.decisions.duties import pending_duties, repairs_of
from xinheng.decisions.office import Office
from xinheng.decisions.scenes.position import Position, positions
from xinheng.domain import ZONE
from xinheng.features.knowledge import Knowledge
from xinheng.features.memory import Memory
from xinheng.features.others.others import Others
from xinheng.records.duties.ledger import standing_duties
from xinheng.records.inbox.columns import by_table
from xinheng.records.inbox.store import Sent
from xinheng.records.inbox.supposed import SUPPOSED, as_stored

REPAIRED_TABLES = ("penalty", "abnormal_list", "serious_list")
"""Tables of which a record may be repaired (domain README, section 9, LC05 and LC14 to LC16)."""
GOAL = "B"
_UNREPAIRABLE = ("repaired", "not_repairable")


@dataclass(frozen=True, slots=True)
class Way:
    """One thing an enterprise may do, and how it would stand then."""

    kind: str
    """`repair` of a record, or `perform` a duty."""
    subject: str
    """The record's id, or the duty's."""
    what: str
    """Table of the record, or kind of the duty."""
    then: Position
    earliest_on: str | None = None
    """Of a repair the first day on which it may be asked for; None: not known in advance."""
    waits_for: tuple[str, ...] = ()
    """Of a repair the duties that must be performed before."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How an enterprise stands, each single way to a better standing, and the shortest to B."""

    now: Position
    ways: tuple[Way, ...]
    """The most helpful first."""
    path: tuple[Way, ...]
    """Steps one after the other, each on top of those before, as long as they help."""
    reaches_goal: bool


@dataclass(frozen=True, slots=True)
class Case:
    """An enterprise with all its records at a moment, and what is known of others."""

    office: Office
    uscc: str
    as_of: datetime
    others: Others | None = None

    def standing(self, source: Memory) -> Position | None:
        """How it stands by some records; None: it is not on the register."""
        found = positions(self.office, source, self.as_of, [self.uscc], others=self.others)
        return found.get(self.uscc)


def ways_back(case: Case, source: Memory) -> Ways | None:
    """What each repair and each performed duty would change; None: not on the register."""
    now = case.standing(source)
    if now is None:
        return None
    open_ones = dict(_possible(case, source))
    dated = _dated(case, source)
    single = [dated(way) for way in _tried(case, source, open_ones)]
    ways = tuple(sorted(single, key=lambda way: (way.then.score, way.subject)))
    path: list[Way] = []
    here, tried = now, list(ways)
    while tried and not _is_there(here):
        best = min(tried, key=lambda way: (_rank(way.then), way.subject))
        if _rank(best.then) >= _rank(here):
            break
        path.append(dated(best))
        here = best.then
        source = open_ones.pop((best.kind, best.subject, best.what))(source)
        tried = [] if _is_there(here) else _tried(case, source, open_ones)
    return Ways(now, ways, tuple(path), _is_there(here))


def _rank(one: Position) -> tuple[str, int, float]:
    """How bad a standing is: by class, then hard rules that hold, then score."""
    return one.risk_class, len(one.hard_rules), one.score


def _is_there(one: Position) -> bool:
    return one.risk_class <= GOAL


def _dated(case: Case, source: Memory) -> Callable[[Way], Way]:
    """Tells of the way of a repair when it is open and what comes first."""
    known = Knowledge(source, case.as_of, usccs=[case.uscc])
    standing = standing_duties(known.duty_spans, case.as_of.astimezone(UTC))
    own = repairs_of([known], standing, case.as_of).get(case.uscc, [])
    terms = {one["record_id"]: one for one in own}

    def dated(way: Way) -> Way:
        term = terms.get(way.subject) if way.kind == "repair" else None
        if term is None:
            return way
        waits = tuple(term["waits_for"])
        return replace(way, earliest_on=term["earliest_on"], waits_for=waits)

    return dated


Key = tuple[str, str, str]
Change = Callable[[Memory], Memory]


def _tried(case: Case, source: Memory, changes: Mapping[Key, Change]) -> list[Way]:
    found = []
    for key, change in changes.items():
        then = case.standing(change(source))
        if then is not None:
            found.append(Way(*key, then))
    return found


def _possible(case: Case, source: Memory) -> Iterator[tuple[Key, Change]]:
    """Records that may be repaired, then duties of the firm that are open."""
    known = Knowledge(source, case.as_of, usccs=[case.uscc])
    for name in REPAIRED_TABLES:
        rows = known.known(name, ("repair_status",))
        for row in rows.filter(~pl.col("repair_status").is_in(_UNREPAIRABLE)).iter_rows(named=True):
            number = str(row["record_id"])
            yield ("repair", number, name), _repair(case, name, row)
    pending = pending_duties(source, case.as_of, known.duty_spans)
    for row in pending.filter(pl.col("uscc") == case.uscc).iter_rows(named=True):
        sent = _performance(case, source, row)
        if sent is not None:
            change = _with([sent], case)
            yield ("perform", str(row["obligation_id"]), str(row["kind"])), change


def _repair(case: Case, name: str, row: Mapping[str, object]) -> Change:
    """The record as it would be once repaired on that day."""
    day = case.as_of.astimezone(ZONE).date()

    def change(source: Memory) -> Memory:
        frame = source.rows(name).collect()
        own = frame.filter(pl.col("record_id") == row["record_id"]).with_columns(
            version=pl.col("version") + 1,
            operation=pl.lit("correct"),
            known_at=pl.lit(case.as_of.astimezone(UTC)).cast(frame.schema["known_at"]),
            repair_status=pl.lit("repaired"),
            repaired_at=pl.lit(day),
        )
        return source.changed({name: pl.concat([frame, own])})

    return change


def _with(sent: Sequence[Sent], case: Case) -> Change:
    def change(source: Memory) -> Memory:
        return source.changed(as_stored(by_table(sent), source.all_of, at=case.as_of))

    return change


def _performance(case: Case, source: Memory, duty: Mapping[str, object]) -> Sent | None:
    """The record that would prove a duty performed; None: this kind has none of its own."""
    entity = source.rows("entity", [case.uscc]).collect().sort("known_at", "version")
    common = {
        "uscc": case.uscc, "entity_name": entity["name_zh"][-1], "source_dept": SUPPOSED,
        "source_system": SUPPOSED, "source_record_no": str(duty["obligation_id"]),
        "region_code": entity["registered_region_code"][-1],
    }  # fmt: skip
    if duty["kind"] == "annual_report":
        return Sent("annual_report", _report(case, source, duty) | common)
    if duty["kind"] == "penalty_payment" and isinstance(duty["amount_fen"], int):
        fines = source.rows("penalty", [case.uscc]).collect()
        own = fines.filter(pl.col("record_id") == duty["source_record_id"])
        if own.height:
            return Sent("penalty_performance", common | {
                "decision_no": own["decision_no"][0], "event_kind": "paid",
                "occurred_on": case.as_of.astimezone(ZONE).date().isoformat(),
                "amount_yuan": duty["amount_fen"] / 100,
            })  # fmt: skip
    return None


def _report(case: Case, source: Memory, duty: Mapping[str, object]) -> dict[str, object]:
    """A report filed now, with the figures of the last one."""
    year = int(str(duty["obligation_id"]).rpartition("/")[2])
    last = source.rows("annual_report", [case.uscc]).collect().sort("report_year", "version")
    said = _figures(last.row(-1, named=True)) if last.height else {}
    return said | {
        "report_year": year,
        "due_on": f"{year + 1}-06-30",
        "submitted_at": f"{case.as_of.astimezone(ZONE):%Y-%m-%d %H:%M:%S}",
        "channel": "online",
        "revision_no": 0,
        "is_late_supplement": duty["state"] == "overdue",
    }


def _figures(row: Mapping[str, object]) -> dict[str, object]:
    """What the last report said of the business, in yuan."""
    counted = ("employees", "insured_employees", "operating_state")
    money = [name for name in row if name.endswith("_fen") and row[name] is not None]
    return {name: row[name] for name in counted} | {
        f"{name.removesuffix('_fen')}_yuan": _yuan(row[name]) for name in money
    }


def _yuan(fen: object) -> float:
    assert isinstance(fen, int)
    return fen / 100
