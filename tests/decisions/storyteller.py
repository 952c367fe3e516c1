"""Stories of warning points: records with their arrivals, the nights that were run, what was said.

A story is data (`stories/*.toml`): the records of a few made-up firms as they arrive, the nights on
which `alerts run` was called (a night that is left out was missed), and the night on which the
point must be raised for firm A, or that it must not be.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from tests.proven import DELIVERED
from xinheng.domain import ZONE, check_character, organisation_check
from xinheng.features.memory import Memory
from xinheng.records.asked import stored_schema
from xinheng.records.tables import Column, Table, table

FOLDER = Path(__file__).parent / "stories"
FOUNDED = date(2015, 3, 2)
FIRM: Mapping[str, Any] = {
    "entity_type": "enterprise", "status": "active", "established_on": FOUNDED,
    "industry_code": "K7010", "registered_region_code": "640302", "address_kind": "leased",
    "large_enterprise": False, "name_zh": "甲",
}  # fmt: skip
"""A firm of the register, unless its story says otherwise."""


class Story(BaseModel):
    """One story; the keys of a record that are not of its table say whose it is and when it came.

    `firm` (A where it is left out; `*`: every other firm has one like it), `no` (a later record
    with the number of a former one is its next version), `known` (a day: nine in the morning).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    point: str
    told: str = Field(min_length=10, description="What happens, in a sentence")
    nights: list[date] = Field(min_length=1)
    raised: date | None = Field(None, description="The night; none: it must not be raised")
    ended: date | None = Field(None, description="The night on which the alert is over")
    level: str = ""
    is_late: bool = False
    firms: int = 1
    grace_days: int = Field(0, description="LC04, of the region of the firms")
    is_proven: bool = Field(True, description="Whether anybody delivers proofs of duties")
    register_as: dict[str, Any] = Field({}, description="What is so of every firm")
    chances: dict[date, float] = Field({}, description="Night to risk, as the model sees it")
    record: list[dict[str, Any]] = []

    def source(self) -> Memory:
        """The records as the engine asks for them."""
        frames: dict[str, list[dict[str, Any]]] = {"entity": list(self._register())}
        versions = Counter[tuple[str, str]]()
        for number, told in enumerate(self._told()):
            name = str(told["table"])
            no = str(told.get("no", f"{name}-{number}"))
            versions[name, no] += 1
            row = _row(table(name), told, no, versions[name, no])
            frames.setdefault(name, []).append(row)
        proofs = DELIVERED if self.is_proven else None
        return Memory({name: _frame(name, own) for name, own in frames.items()}, proofs=proofs)

    def _register(self) -> Iterator[dict[str, Any]]:
        own = {told.get("firm", "A") for told in self.record if told["table"] == "entity"}
        for name in self.names:
            if name not in own:
                told = {"firm": name, "known": FOUNDED + timedelta(days=1), "address_key": name}
                yield _row(table("entity"), dict(FIRM) | told | self.register_as, f"E{name}", 1)

    def _told(self) -> Iterator[dict[str, Any]]:
        for told in self.record:
            base = dict(FIRM) if told["table"] == "entity" else {}
            if told.get("firm") != "*":
                yield base | told
                continue
            for name in self.names[1:]:
                no = f"{told['no']}{name}" if "no" in told else f"{told['table']}-{name}"
                yield base | told | {"firm": name, "no": no}

    @property
    def names(self) -> list[str]:
        """Of its firms: A is the one that the story is about."""
        return [chr(ord("A") + place) for place in range(self.firms)]


def stories() -> list[Story]:
    """All of them, file by file."""
    return [
        Story.model_validate(one)
        for path in sorted(FOLDER.glob("*.toml"))
        for one in tomllib.loads(path.read_text("utf-8"))["story"]
    ]


def code_of(name: str) -> str:
    """The code of a firm of a story."""
    symbols = f"MA9{ord(name):05}"
    first_17 = f"91640302{symbols}{organisation_check(symbols)}"
    return first_17 + check_character(first_17)


def _row(kind: Table, told: Mapping[str, Any], no: str, version: int) -> dict[str, Any]:
    own = {c.stored: _stored(c, told[c.name]) for c in kind.columns if c.name in told}
    event = told[kind.event.name]
    known = told["known"]
    at = known if isinstance(known, datetime) else datetime.combine(known, time(9), ZONE)
    happened = event if isinstance(event, datetime) else datetime.combine(event, time(0), ZONE)
    return {
        "operation": "insert", "quality_status": "passed", "dispute_status": "none",
        **own,
        "uscc": code_of(str(told.get("firm", "A"))), "record_id": f"{no}/v{version}",
        "source_system": "s", "source_record_no": no, "version": version,
        "event_at": happened.astimezone(UTC), "known_at": at.astimezone(UTC),
    }  # fmt: skip


def _stored(column: Column, value: Any) -> Any:
    if column.stored != column.name:  # money
        return round(value * 100)
    if isinstance(value, str) and value.startswith("code of "):
        return code_of(value.removeprefix("code of "))
    return value


def _frame(name: str, own: list[dict[str, Any]]) -> pl.DataFrame:
    keys = {key for row in own for key in row}
    schema = {key: kind for key, kind in stored_schema(name).items() if key in keys}
    return pl.DataFrame(own, schema=schema)
