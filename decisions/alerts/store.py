"""Alerts in the operational database: raised in whole runs, every step with its name and time."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from xinheng.database import as_moment, as_text, open_database
from xinheng.decisions.alerts.alert import (
    NEXT,
    NO_DUTY,
    NO_RECORD,
    OPEN_STEPS,
    SYSTEM,
    Alert,
    Raised,
    Taken,
    key_of,
    open_key,
)
from xinheng.decisions.alerts.tables import ALERT, HOLDING, RUN, STEP
from xinheng.errors import BadRequest, NotFound
from xinheng.records.codes.succession import Successions
from xinheng.records.privacy.texts import need_impersonal

PART = 500
"""Alerts in one statement; SQLite takes no more than some thousands of values."""


@dataclass(frozen=True, slots=True)
class RunBefore:
    """The newest run: its number, moment and what held then."""

    run_id: int
    as_of: datetime


class AlertStore:
    """Alerts, their steps and runs."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def at(cls, url: str) -> AlertStore:
        return cls(open_database(url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.dispose()

    def last_run(self) -> RunBefore | None:
        """The run of everyone with the latest moment; None before the first."""
        query = (
            select(RUN.c.run_id, RUN.c.as_of)
            .where(RUN.c.kind == "all")
            .order_by(RUN.c.as_of.desc())
            .limit(1)
        )
        with self.engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else RunBefore(int(row[0]), datetime.fromisoformat(row[1]))

    def holding(self) -> dict[str, frozenset[str]]:
        """By point of whom a state held at the run before."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(HOLDING.c.point, HOLDING.c.uscc)).all()
        held: dict[str, set[str]] = {}
        for point, uscc in rows:
            held.setdefault(str(point), set()).add(str(uscc))
        return {point: frozenset(usccs) for point, usccs in held.items()}

    def follow(self, codes: Successions, at: datetime) -> int:
        """File what is open of former codes under the present ones; how many alerts.

        What is over stays under the code that it was raised for.
        """
        if not codes.pieces:
            return 0
        with self.engine.begin() as connection:
            query = select(ALERT.c.alert_id, ALERT.c.point, ALERT.c.uscc, ALERT.c.subject)
            rows = connection.execute(query.where(ALERT.c.open_key.is_not(None))).all()
            moved = [(row, codes.present(row.uscc, at)) for row in rows]
            taken = {key_of(row.point, row.uscc, row.subject) for row in rows}
            changes = [
                {"its_id": row.alert_id, "code": code, "key": key}
                for row, code in moved
                if code != row.uscc and (key := key_of(row.point, code, row.subject)) not in taken
            ]
            if changes:
                change = update(ALERT).where(ALERT.c.alert_id == bindparam("its_id"))
                values: dict[str, Any] = {"uscc": bindparam("code"), "open_key": bindparam("key")}
                connection.execute(change.values(values), changes)
            self._follow_states(connection, codes, at)
        return len(changes)

    def _follow_states(self, connection: Connection, codes: Successions, at: datetime) -> None:
        rows = connection.execute(select(HOLDING.c.point, HOLDING.c.uscc)).all()
        present = {(row.point, codes.present(row.uscc, at)) for row in rows}
        if present != {(row.point, row.uscc) for row in rows}:
            connection.execute(delete(HOLDING))
            named = [{"point": point, "uscc": uscc} for point, uscc in sorted(present)]
            connection.execute(insert(HOLDING), named)

    def raised_since(self, moment: datetime) -> set[tuple[str, str]]:
        """Point and enterprise of what was raised since then and has not lost its ground."""
        query = select(ALERT.c.point, ALERT.c.uscc).where(
            ALERT.c.as_of > as_text(moment), _has_ground()
        )
        with self.engine.connect() as connection:
            return {(str(a), str(b)) for a, b in connection.execute(query).all()}

    def raised_subjects(self, points: Collection[str]) -> set[tuple[str, str, datetime | None]]:
        """Point, subject and deadline of all that was ever raised about some points' subjects.

        Without what ended because its record was not in force, under dispute for instance: once
        that is decided it is told again.
        """
        query = select(ALERT.c.point, ALERT.c.subject, ALERT.c.due_at)
        wanted = query.where(ALERT.c.point.in_([*points]), _has_ground())
        with self.engine.connect() as connection:
            rows = connection.execute(wanted).all()
        return {(str(a), str(b), as_moment(c)) for a, b, c in rows}

    def alerts(
        self,
        *,
        states: Sequence[str] = OPEN_STEPS,
        level: str = "",
        point: str = "",
        uscc: str = "",
        after: int = 0,
        limit: int | None = 1_000,
    ) -> list[Alert]:
        """Alerts in these states by number, those after a number; without their steps."""
        query = select(ALERT).where(ALERT.c.state.in_(states), ALERT.c.alert_id > after)
        for column, wanted in (("level", level), ("point", point), ("uscc", uscc)):
            if wanted:
                query = query.where(ALERT.c[column] == wanted)
        with self.engine.connect() as connection:
            found = connection.execute(query.order_by(ALERT.c.alert_id).limit(limit)).mappings()
            return [_alert(row) for row in found]

    def alert(self, alert_id: int) -> Alert:
        """One alert with its steps.

        Raises
        ------
        NotFound
            If there is none of that number.
        """
        with self.engine.connect() as connection:
            return _read(connection, alert_id)

    def last_alert(self) -> int:
        """Number of the newest alert; 0: there is none."""
        with self.engine.connect() as connection:
            return int(connection.execute(select(func.max(ALERT.c.alert_id))).scalar() or 0)

    def counts(self) -> dict[tuple[str, str], int]:
        """How many alerts there are, by level and state."""
        query: Select[Any] = select(ALERT.c.level, ALERT.c.state, func.count()).group_by(
            ALERT.c.level, ALERT.c.state
        )
        with self.engine.connect() as connection:
            return {(str(a), str(b)): int(n) for a, b, n in connection.execute(query).all()}

    def step(self, alert_id: int, taken: Taken) -> Alert:
        """Take a step and return the alert.

        Raises
        ------
        NotFound
            If there is no such alert.
        BadRequest
            If nobody is named, or the step cannot follow.
        """
        need_impersonal(f"{taken.by} | {taken.measure} | {taken.result} | {taken.note}", "the step")
        if not taken.by.strip():
            raise BadRequest("a step wants the name of who takes it", hint="--by NAME")
        with self.engine.begin() as connection:
            before = _read(connection, alert_id, lock=True)
            if taken.step not in NEXT[before.state]:
                following = ", ".join(NEXT[before.state]) or "nothing: it is over"
                raise BadRequest(
                    f"alert {alert_id} is {before.state}, {taken.step} cannot follow",
                    hint=f"next may be {following}",
                )
            _take(connection, alert_id, len(before.steps) + 1, taken)
            return _read(connection, alert_id)

    def keep_run(
        self,
        as_of: datetime,
        raised: Sequence[Raised],
        over: Sequence[tuple[int, Taken]],
        holding: Mapping[str, frozenset[str]],
        report: Mapping[str, Any],
        *,
        at: datetime,
    ) -> int:
        """Keep all that a run found, or nothing; the number of the run."""
        with self.engine.begin() as connection:
            run_id = _insert_run(connection, as_of, at, report)
            _take_all(connection, over)
            _raise_all(connection, run_id, as_of, raised)
            _hold(connection, holding)
        return run_id

    def keep_live(
        self, as_of: datetime, raised: Sequence[Raised], report: Mapping[str, Any], *, at: datetime
    ) -> int:
        """Keep what new facts of some enterprises raised; the number of the run."""
        with self.engine.begin() as connection:
            run_id = _insert_run(connection, as_of, at, report, kind="live")
            _raise_all(connection, run_id, as_of, raised)
        return run_id

    def treatments(self) -> Iterable[tuple[str, str, str, bool]]:
        """Point, enterprise, duty and whether the warning was kept back: treatments, as logged.

        For training with the alert as a logged treatment, never an input (README, section 2).
        """
        query = select(ALERT.c.point, ALERT.c.uscc, ALERT.c.subject, ALERT.c.state)
        with self.engine.connect() as connection:
            for point, uscc, subject, state in connection.execute(query.order_by(ALERT.c.alert_id)):
                yield str(point), str(uscc), str(subject), state == "held_back"


def _has_ground() -> ColumnElement[bool]:
    """Alerts that the system did not end for want of a record in force."""
    lost = select(STEP.c.alert_id).where(
        STEP.c.by == SYSTEM, STEP.c.step == "closed", STEP.c.note.in_([NO_RECORD, NO_DUTY])
    )
    return ALERT.c.alert_id.not_in(lost)


def _insert_run(
    connection: Connection,
    as_of: datetime,
    at: datetime,
    report: Mapping[str, Any],
    kind: str = "all",
) -> int:
    told = {"as_of": as_text(as_of), "made_at": as_text(at), "report": json.dumps(report)}
    key = connection.execute(insert(RUN).values(kind=kind, **told)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _raise_all(
    connection: Connection, run_id: int, as_of: datetime, raised: Sequence[Raised]
) -> None:
    """The numbers go on from the last; two runs at once cannot both be kept."""
    if not raised:
        return
    last = connection.execute(select(func.max(ALERT.c.alert_id))).scalar() or 0
    numbered = list(enumerate(raised, start=int(last) + 1))
    rows = [_row(one, run_id, as_of) | {"alert_id": number} for number, one in numbered]
    connection.execute(insert(ALERT), rows)
    steps = [
        _step_row(number, place, taken)
        for number, one in numbered
        for place, taken in enumerate(one.steps, start=1)
    ]
    connection.execute(insert(STEP), steps)


def _row(one: Raised, run_id: int, as_of: datetime) -> dict[str, Any]:
    found, last = one.finding, one.steps[-1]
    return {
        "run_id": run_id,
        "point": found.point.id,
        "level": found.level,
        "uscc": found.uscc,
        "subject": found.subject,
        "title_zh": found.point.name_zh,
        "title_en": found.point.name_en,
        "as_of": as_text(as_of),
        "event_at": as_text(found.event_at),
        "due_at": as_text(found.due_at),
        "deliver_by": as_text(found.deliver_by),
        "is_late": one.is_late,
        "probability": found.probability,
        "threshold": found.threshold,
        "model_version": found.model_version,
        "record_ids": json.dumps(found.record_ids),
        "officer": one.officer,
        "state": last.step,
        "changed_at": as_text(last.at),
        "open_key": open_key(found) if last.step in OPEN_STEPS else None,
    }


def _take_all(connection: Connection, over: Sequence[tuple[int, Taken]]) -> None:
    """Steps of the system; an alert that a person has ended meanwhile stays as it is."""
    for start in range(0, len(over), PART):
        part = dict(over[start : start + PART])
        counted = (
            select(ALERT.c.alert_id, func.count(STEP.c.number))
            .join(STEP, STEP.c.alert_id == ALERT.c.alert_id)
            .where(ALERT.c.alert_id.in_([*part]), ALERT.c.open_key.is_not(None))
            .group_by(ALERT.c.alert_id)
        )
        rows = [(int(a), int(n) + 1, part[int(a)]) for a, n in connection.execute(counted)]
        if not rows:
            continue
        connection.execute(insert(STEP), [_step_row(*row) for row in rows])
        changes = [{"its_id": a, "told": t.step, "moment": as_text(t.at)} for a, _, t in rows]
        change = update(ALERT).where(ALERT.c.alert_id == bindparam("its_id"))
        connection.execute(
            change.values(state=bindparam("told"), changed_at=bindparam("moment"), open_key=None),
            changes,
        )


def _take(connection: Connection, alert_id: int, number: int, taken: Taken) -> None:
    connection.execute(insert(STEP).values(_step_row(alert_id, number, taken)))
    change: dict[str, Any] = {"state": taken.step, "changed_at": as_text(taken.at)}
    if taken.step not in OPEN_STEPS:
        change["open_key"] = None
    connection.execute(update(ALERT).where(ALERT.c.alert_id == alert_id).values(change))


def _hold(connection: Connection, holding: Mapping[str, frozenset[str]]) -> None:
    connection.execute(delete(HOLDING))
    rows = [{"point": p, "uscc": uscc} for p, usccs in holding.items() for uscc in sorted(usccs)]
    if rows:
        connection.execute(insert(HOLDING), rows)


def _read(connection: Connection, alert_id: int, *, lock: bool = False) -> Alert:
    query = select(ALERT).where(ALERT.c.alert_id == alert_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        raise NotFound(f"there is no alert {alert_id}", hint="see `xinheng alerts list`")
    steps = connection.execute(
        select(STEP).where(STEP.c.alert_id == alert_id).order_by(STEP.c.number)
    ).mappings()
    return _alert(row, tuple(_taken(step) for step in steps))


def _step_row(alert_id: int, number: int, taken: Taken) -> dict[str, Any]:
    return asdict(taken) | {"alert_id": alert_id, "number": number, "at": as_text(taken.at)}


def _taken(row: RowMapping) -> Taken:
    return Taken(
        row["step"], datetime.fromisoformat(row["at"]), row["by"], row["measure"], row["result"],
        row["note"],
    )  # fmt: skip


def _alert(row: RowMapping, steps: tuple[Taken, ...] = ()) -> Alert:
    told = {key: value for key, value in row.items() if key != "open_key"}
    for key in ("as_of", "event_at", "due_at", "deliver_by", "changed_at"):
        told[key] = as_moment(told[key])
    told["record_ids"] = tuple(json.loads(told["record_ids"]))
    return Alert(**told, steps=steps)
