"""Which version was live when, who decided it and why: a ledger that only grows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self

from sqlalchemy import (
    Column,
    Engine,
    Integer,
    String,
    Table,
    Text,
    insert,
    select,
)

from xinheng.database import METADATA, open_database

Action = Literal["promote", "trial", "rollback", "retire", "challenge"]
"""`trial`: live although gates are not held, and said to be so wherever its scores are shown."""
PROMOTION = Table(
    "model_promotion",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("task", String(60), nullable=False, index=True),
    Column("action", String(12), nullable=False),
    Column("version", String(80), nullable=False),
    Column("former", String(80), nullable=False),
    Column("at", String(40), nullable=False),
    Column("by", Text, nullable=False),
    Column("second", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("gates", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision about the versions of a task."""

    number: int
    task: str
    action: Action
    version: str
    """The version that it is about; after `retire` none is live."""
    former: str
    """The version that was live before; empty: none."""
    at: datetime
    by: str
    second: str
    """The second name, where gates were overridden."""
    reason: str
    gates: Mapping[str, Any]
    """Of a promotion or trial: each gate with what it found."""

    @property
    def failed_gates(self) -> tuple[str, ...]:
        """Names of the gates that were not held."""
        return tuple(name for name, told in self.gates.items() if not told["is_passed"])


class Promotions:
    """The ledger in the operational database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def at(cls, url: str) -> Promotions:
        return cls(open_database(url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def add(  # noqa: PLR0913  (what an entry says)
        self,
        task: str,
        action: Action,
        version: str,
        *,
        at: datetime,
        by: str,
        second: str = "",
        reason: str = "",
        gates: Mapping[str, Any] | None = None,
    ) -> Entry:
        """Write a decision down and return it."""
        row = {
            "task": task,
            "action": action,
            "version": version,
            "former": self.champion(task) or "",
            "at": at.astimezone(UTC).isoformat(),
            "by": by,
            "second": second,
            "reason": reason,
            "gates": json.dumps(gates or {}, ensure_ascii=False, default=str),
        }
        with self.engine.begin() as connection:
            connection.execute(insert(PROMOTION).values(row))
        return self.history(task)[-1]

    def history(self, task: str = "") -> list[Entry]:
        """The decisions about a task, or about all, the oldest first."""
        query = select(PROMOTION).order_by(PROMOTION.c.number)
        if task:
            query = query.where(PROMOTION.c.task == task)
        with self.engine.connect() as connection:
            return [_entry(dict(row)) for row in connection.execute(query).mappings()]

    def trials(self, on: datetime | None = None) -> list[Entry]:
        """Of all tasks whose live version is on trial at a moment, the entries by which it is."""
        tasks = dict.fromkeys(entry.task for entry in self.history())
        return [entry for task in tasks if (entry := self.trial(task, on)) is not None]

    def champion(self, task: str, on: datetime | None = None) -> str | None:
        """The version that was live at a moment, or is live now; None: there was none."""
        live: str | None = None
        for entry in self.history(task):
            if (on is None or entry.at <= on) and entry.action != "challenge":
                live = None if entry.action == "retire" else entry.version
        return live

    def trial(self, task: str, on: datetime | None = None) -> Entry | None:
        """The entry by which the live version is on trial; None: it is not, or none is live."""
        live = self.champion(task, on)
        past = [e for e in self.history(task) if on is None or e.at <= on]
        own = [e for e in past if e.version == live and e.action in {"promote", "trial"}]
        return own[-1] if own and own[-1].action == "trial" else None

    def challenger(self, task: str) -> str | None:
        """The version that is scored in the shadow of the live one."""
        found: str | None = None
        for entry in self.history(task):
            if entry.action == "challenge":
                found = entry.version
            elif entry.version == found:
                found = None
        return found

    def before(self, task: str) -> str | None:
        """The version to go back to: the one that was live before the present one."""
        live = self.champion(task)
        steps = [
            e.version for e in self.history(task) if e.action in {"promote", "trial", "rollback"}
        ]
        others = [version for version in steps if version != live]
        return others[-1] if others else None


def _entry(row: dict[str, Any]) -> Entry:
    told = row | {"at": datetime.fromisoformat(row["at"]), "gates": json.loads(row["gates"])}
    return Entry(**told)
