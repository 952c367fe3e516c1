"""What was known of one enterprise at one moment, in plain Python: versions, duties, values.

Written for the tests alone. Nothing here is shared with the engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Any, Self
from zoneinfo import ZoneInfo

from tests.features.grammar import Row, holds
from tests.records.plain_law import Fine, settled

Keep = Callable[[Row], bool]
PROOFS = {"annual_report": "annual_report", "penalty_payment": "penalty_performance"}
DONE = {
    "rectified_on": ("inspection", "rectify_due_on"),
    "disposed_on": ("sampling_test", "disposal_due_on"),
    "disclosed_on": ("disclosure_item", "due_on"),
    "renewal_applied_on": ("licence", "valid_to"),
}
"""What is done, in which table, and the day by which."""
SCORABLE = ("passed", "warned", "confirmed_twice")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)


def legal(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()


def newest(versions: Sequence[Row], as_of: datetime) -> list[Row]:
    """Section 2: known by then, newest version, confirmed, not withdrawn."""
    found: dict[tuple[str, ...], Row] = {}
    for row in versions:
        key = (row["uscc"], row["source_system"], row["source_record_no"])
        if row["known_at"] <= as_of and row["version"] >= found.get(key, row)["version"]:
            found[key] = row
    confirmed = {"passed", "warned", "confirmed_twice"}
    return [
        row
        for row in found.values()
        if row["operation"] != "withdraw" and row["quality_status"] in confirmed
    ]


def is_held(row: Row) -> bool:
    return row.get("dispute_status") in {"under_review", "upheld"}


def is_annulled(table: str, row: Row) -> bool:
    """Revoked, invalid, cancelled, spared or corrected to 0: no such decision counts."""
    if table == "penalty":
        spared = row["decision_kind"] in {"spared_first_offence", "spared_minor"}
        money = {"fine", "confiscate_income", "confiscate_goods"}
        nothing = not row["fine_amount_fen"] and not row["confiscated_fen"]
        emptied = nothing and bool(row["penalty_kinds"]) and {*row["penalty_kinds"]} <= money
        return spared or emptied or row["state"] not in {"effective", "changed"}
    void = {"abnormal_list": "cancelled_decision", "serious_list": "revoked"}
    return table in void and row["removal_kind"] == void[table]


def ends_of(table: str, row: Row) -> list[date | None]:
    """Days from which on a record is over."""
    more = [row["term_until"]] if table == "serious_list" else []
    return [row["repaired_at"], row["publicity_until"], *more]


class World:
    """All versions of all tables, asked about one enterprise at one moment."""

    def __init__(self, tables: dict[str, list[Row]], uscc: str, as_of: datetime) -> None:
        self.tables, self.uscc, self.as_of = tables, uscc, as_of
        self.today = legal(as_of)

    def of(self, uscc: str) -> World:
        return World(self.tables, uscc, self.as_of)

    def rows(self, table: str) -> list[Row]:
        """Rows of the enterprise in force whose event has come."""
        if table == "obligation":
            found = self.duties
        else:
            found = [row for row in self.standing(table) if self.is_in_force(table, row)]
        return [row for row in found if row["event_at"] <= self.as_of]

    def is_in_force(self, table: str, row: Row) -> bool:
        """Section 2: not disputed, annulled or repaired, nor past publicity or statutory end."""
        over = any(end is not None and self.as_of >= midnight(end) for end in ends_of(table, row))
        return not (
            over or is_held(row) or is_annulled(table, row) or self.was_repaired(table, row)
        )

    def was_repaired(self, table: str, row: Row) -> bool:
        """Whether an approved application names the record, and its day has come."""
        number, system = row["source_record_no"], row["source_system"]
        names = {number, f"{table}/{system}/{number}"}
        return any(
            one["result"] == "approved"
            and one["target_table"] == table
            and re.sub(r"/v\d+$", "", one["target_record_id"]) in names
            and self.as_of >= _begins(one)
            for one in self.standing("credit_repair")
        )

    def window(self, table: str, days: int, before: int = 0) -> list[Row]:
        """Rows with the event in `(as_of - before - days, as_of - before]`; 0 days: all."""
        last = self.as_of - timedelta(days=before)
        first = last - timedelta(days=days)
        return [
            row
            for row in self.rows(table)
            if row["event_at"] <= last and (days == 0 or row["event_at"] > first)
        ]

    def standing(self, table: str) -> list[Row]:
        """What the ledger sees: whether a record is in force does not matter."""
        return newest([r for r in self.tables[table] if r["uscc"] == self.uscc], self.as_of)

    def covered(self, table: str) -> bool:
        return any(row["known_at"] <= self.as_of for row in self.tables[table])

    def look(self, row: Row) -> Callable[[str], Any]:
        """Values of one row by the names of the specification."""

        def told(name: str) -> Any:
            if name == "as_of":
                return Today(self.as_of)
            if name == "age_days":
                return (self.today - row["established_on"]).days
            if name == "has_successor":
                return self.successor(row)
            if "." in name:
                return self._elsewhere(*name.split("."))
            fen = f"{name.removesuffix('_yuan')}_fen"
            if fen in row:
                return None if row[fen] is None else Fraction(row[fen], 100)
            value = row[name]
            return Day(value) if isinstance(value, date) and type(value) is date else value

        return told

    def _elsewhere(self, table: str, column: str) -> Any:
        """The latest value in another table, or whether it is told who did a thing."""
        if table == "proves":
            return self.proves(column)
        latest = self.latest(table)
        return None if latest is None else self.look(latest)(column)

    def keep(self, text: str) -> Keep:
        return lambda row: not text or holds(text, self.look(row))

    def latest(self, table: str, text: str = "") -> Row | None:
        kept = [row for row in self.rows(table) if self.keep(text)(row)]
        return max(kept, key=recency) if kept else None

    @property
    def division(self) -> str:
        row = self.latest("entity")
        return "" if row is None else row["industry_code"][:3]

    @property
    def others(self) -> list[World]:
        codes = {row["uscc"] for rows in self.tables.values() for row in rows} - {self.uscc}
        return [self.of(code) for code in sorted(codes)]

    @cached_property
    def duties(self) -> list[Row]:
        """Annual reports, fines and rectification orders, each with its state.

        One without performance is not known where performances were not delivered yet.
        """
        return [duty for duty in self.counting_duties if duty["performed"] or self._is_proven(duty)]

    @property
    def counting_duties(self) -> list[Row]:
        """Duties that count and warn, whether or not proofs were delivered from their first day."""
        found = [*self._reports(), *self._fines(), *self._orders()]
        return [duty for duty in found if self._counts(duty) and self._is_observable(duty)]

    def _is_observable(self, duty: Row) -> bool:
        """Past its deadline nobody knows of a duty whose proof no firm was ever known to have."""
        if duty["state"] != "overdue":
            return True
        if duty["kind"] in PROOFS:
            return self.covered(PROOFS[duty["kind"]])
        return self.proves("rectified_on")

    def proves(self, done: str) -> bool:
        """Whether any firm is known to have done such a thing: then it is told who has not."""
        table, due = DONE[done]
        known = [row for row in self.tables[table] if row["known_at"] <= self.as_of]
        stood = [
            r for r in known if r["operation"] != "withdraw" and r["quality_status"] in SCORABLE
        ]
        if any(row[done] and row[due] for row in stood):
            return True
        return table == "licence" and any(
            was.successor(row)
            for moment in sorted({row["known_at"] for row in known})
            for uscc in {row["uscc"] for row in known}
            for was in [World(self.tables, uscc, moment)]
            for row in was.standing(table)
            if row[due]
        )

    def successor(self, licence: Row) -> bool:
        """Whether a later licence of the same kind stands, and ends later."""
        return any(
            row["licence_kind"] == licence["licence_kind"]
            and row["granted_on"] > licence["granted_on"]
            and (row["valid_to"] or date.max) > (licence["valid_to"] or date.max)
            and row["status"] not in {"revoked", "cancelled"}
            for row in self.of(licence["uscc"]).standing("licence")
        )

    def _counts(self, duty: Row) -> bool:
        """Not disputed; once its record is repaired or annulled only what the law leaves."""
        table, row = duty["behind"]
        if row is None:
            return True
        if duty["performed"]:
            return not is_held(row) and not is_annulled(table, row)
        day = row["repaired_at"]
        is_over = day is not None and self.as_of >= midnight(day)
        return not (is_held(row) or is_over or self.was_repaired(table, row))

    def _is_proven(self, duty: Row) -> bool:
        if (table := PROOFS.get(duty["kind"])) is None:
            return True
        return any(row["known_at"] <= duty["event_at"] for row in self.tables[table])

    def _reports(self) -> list[Row]:
        entities = self.standing("entity")
        filed = self.standing("annual_report")
        if not entities:
            return [self._filed(year, filed) for year in {row["report_year"] for row in filed}]
        since = min(row["established_on"] for row in entities)
        found = []
        for year in range(max(2013, since.year), self.today.year):
            own = [row["submitted_at"] for row in filed if row["report_year"] == year]
            done, due = min(own, default=None), midnight(date(year + 1, 7, 1))
            opened = midnight(date(year + 1, 1, 1))
            found.append(self._duty("annual_report", opened, due, done, report_year=year))
        return found

    def _filed(self, year: int, filed: list[Row]) -> Row:
        """A report of a firm without an entry in the register, as its source dates it."""
        own = [row for row in filed if row["report_year"] == year]
        first = min(own, key=lambda row: row["submitted_at"])
        opened = min(date(first["due_on"].year, 1, 1), legal(first["submitted_at"]))
        due = midnight(first["due_on"] + timedelta(days=1))
        done = first["submitted_at"]
        duty = self._duty("annual_report", midnight(opened), due, done, report_year=year)
        return duty | {"state": "performed_late" if first["is_late_supplement"] else "performed"}

    def _fines(self) -> list[Row]:
        found = []
        for row in self.standing("penalty"):
            if not row["fine_amount_fen"] or row["served_on"] is None:
                continue
            events = [
                e
                for e in self.standing("penalty_performance")
                if e["decision_no"] == row["decision_no"]
            ]
            found.append(self._fine(row, sorted(events, key=recency)))
        return found

    def _fine(self, fine: Row, events: list[Row]) -> Row:
        same = [
            r
            for r in self.standing("penalty")
            if r["decision_no"] == fine["decision_no"] and r["served_on"] and r["fine_amount_fen"]
        ]
        changed = [r for r in same if r["state"] == "changed"]
        owed = [max(changed, key=lambda r: r["known_at"])] if changed else same
        law = Fine(
            max(r["fine_amount_fen"] for r in owed),
            fine["served_on"],
            fine["due_on"],
            bool(fine["due_is_fixed"]),
            [event | {"id": event["record_id"]} for event in events],
        )
        _, last, paid_on = law.state(self.today)
        return self._duty(
            "penalty_payment",
            midnight(fine["served_on"]),
            midnight(last + timedelta(days=1)),
            paid_on and midnight(paid_on),
            amount_fen=fine["fine_amount_fen"],
            behind=("penalty", fine),
            waived=is_annulled("penalty", fine) or any(e["event_kind"] == "closed" for e in events),
            paused=law.is_moved,
        )

    def _orders(self) -> list[Row]:
        return [
            self._duty(
                "rectification",
                midnight(row["checked_on"]),
                midnight(settled(row["rectify_due_on"]) + timedelta(days=1)),
                row["rectified_on"] and midnight(row["rectified_on"]),
                behind=("inspection", row),
            )
            for row in self.standing("inspection")
            if row["rectify_due_on"] is not None
        ]

    def _duty(
        self, kind: str, opened: datetime, due: datetime, done: datetime | None, **more: Any
    ) -> Row:
        ended = max(
            (r["ended_on"] for r in self.standing("entity") if r["ended_on"] is not None),
            default=None,
        )
        if done is not None:
            state = "performed" if done < due else "performed_late"
        elif more.get("waived") or (ended is not None and midnight(ended) < due):
            state = "waived"
        elif due <= self.as_of:
            state = "overdue"
        else:
            state = "paused" if more.get("paused") else "open"
        named = {
            "kind": kind,
            "event_at": opened,
            "due_at": due,
            "state": state,
            "behind": ("", None),
        }
        return named | {"performed": done is not None} | more


def _begins(repair: Row) -> datetime:
    """From when on an approved application acts, once it is known."""
    day = repair["effective_on"] or repair["decided_on"]
    return repair["known_at"] if day is None else midnight(day)


def recency(row: Row) -> tuple[Any, ...]:
    return row["event_at"], row["known_at"], row["record_id"]


class Day(date):
    """A legal day, compared with the moment of a question by its day."""

    def __new__(cls, day: date) -> Self:
        return super().__new__(cls, day.year, day.month, day.day)


class Today:
    """`as_of`: a moment beside moments, a legal day beside days."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def _beside(self, other: Any) -> Any:
        return self.moment if isinstance(other, datetime) else legal(self.moment)

    def __le__(self, other: Any) -> bool:
        return bool(self._beside(other) <= other)

    def __lt__(self, other: Any) -> bool:
        return bool(self._beside(other) < other)

    def __ge__(self, other: Any) -> bool:
        return bool(self._beside(other) >= other)

    def __gt__(self, other: Any) -> bool:
        return bool(self._beside(other) > other)
