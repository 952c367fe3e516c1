"""A city's home of one's own for live updates, and records to send to it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Engine

from tests.cities import CityHome
from xinheng.config import Home, Settings
from xinheng.database import open_database
from xinheng.decisions.assess import Assessment
from xinheng.decisions.kept.store import DecisionStore
from xinheng.decisions.office import Offices
from xinheng.decisions.whole import assess_whole
from xinheng.records.inbox.columns import given_columns
from xinheng.records.inbox.store import InboxStore, Sent
from xinheng.records.lake import Lake
from xinheng.records.tables import table
from xinheng.serving.live.worker import Step, Worker

BEGINS = datetime(2026, 1, 5, 2, tzinfo=UTC)


@dataclass
class Clock:
    """A minute later whenever it is asked."""

    at: datetime = BEGINS

    def __call__(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


@dataclass
class LiveHome:
    """A copy of a city's home whose database is empty but for one run of everyone."""

    home: Home
    engine: Engine
    clock: Clock = field(default_factory=Clock)

    @classmethod
    def copied(cls, city: CityHome, folder: Path, url: str) -> LiveHome:
        root = folder / "home"
        for part in ("lake", "models", "tasks"):
            shutil.copytree(city.home.root / part, root / part)
        home = Home(root, Settings(database_url=url, officer="王科长"))
        made = cls(home, open_database(url))
        number = Lake(home.lake).snapshot.number
        made.decisions.keep_run(_everyone(city.home.root), lake_batch=number, at=BEGINS)
        return made

    @property
    def decisions(self) -> DecisionStore:
        return DecisionStore(self.engine)

    @property
    def inbox(self) -> InboxStore:
        return InboxStore(self.engine)

    def worker(self) -> Worker:
        return Worker(self.home, self.engine, self.clock)

    def until_idle(self, worker: Worker) -> list[Step]:
        steps = []
        while not (done := worker.step()).is_idle:
            steps.append(done)
        return steps

    def send(self, key: str, *sent: Sent) -> int:
        receipt, _ = self.inbox.receive(1, key, key, sent, at=self.clock())
        return receipt.receipt_id

    def outcomes(self, receipt_id: int) -> list[str]:
        return [one.outcome for one in self.inbox.rows(receipt_id)]


@cache
def _everyone(root: Path) -> list[Assessment]:
    """How everyone stands at the beginning, the same for all copies."""
    home = Home(root)
    return assess_whole(Offices(home).current(), Lake(home.lake), BEGINS)


def like(lake: Lake, name: str, uscc: str = "", **changes: Any) -> Sent:
    """A record as a sender would write it, after one that is stored, with some values changed."""
    rows = lake.rows(name).filter(pl.col("operation") == "insert").collect()
    own = rows.filter(pl.col("uscc") == uscc) if uscc else rows
    row = (own if own.height else rows).sort("known_at", "record_id").row(-1, named=True)
    values = {
        column.name: _said(row[column.stored], is_money=column.is_money)
        for column in table(name).columns
        if column.name in given_columns(name) and row[column.stored] is not None
    }
    if uscc:
        values |= {"uscc": uscc, "entity_name": name_of(lake, uscc)}
    return Sent(name, values | changes)


def name_of(lake: Lake, uscc: str) -> str:
    entries = lake.rows("entity").filter(pl.col("uscc") == uscc).collect()
    return str(entries.sort("version")["name_zh"][-1])


def listing(lake: Lake, uscc: str, number: str) -> Sent:
    """An entry on the list of serious offenders, which changes all who are tied to the firm."""
    basis = like(lake, "inspection", uscc).values
    keep = ("uscc", "entity_name", "source_dept", "source_system", "region_code")
    values: Mapping[str, Any] = {name: basis[name] for name in keep} | {
        "source_record_no": number, "operation": "insert", "field": "market",
        "listed_on": "2026-01-04",
    }  # fmt: skip
    return Sent("serious_list", values)


def _said(value: Any, *, is_money: bool) -> Any:
    if is_money:
        return value / 100
    return value if isinstance(value, str | int | float | bool | list) else str(value)


def tied(live: LiveHome, place: int = 0) -> str:
    """A firm on the register that shares an investor with others there; the next is one of them."""
    lake = Lake(live.home.lake)
    owners = lake.rows("party_link").filter(pl.col("role") == "shareholder").collect()
    scored = live.decisions.regions(owners["uscc"].unique().to_list())
    own = owners.filter(pl.col("uscc").is_in([*scored])).unique(["uscc", "party_key"])
    shared = own.filter(pl.len().over("party_key").is_between(2, 5)).sort("party_key", "uscc")
    return str(shared["uscc"][place])


def assert_as_of_a_full_run(live: LiveHome, usccs: list[str]) -> None:
    """What stands now is what a run of everyone at the same moment says, to the last digit."""
    lake, office = Lake(live.home.lake), Offices(live.home).current()
    for uscc in usccs:
        told = live.decisions.answer(uscc)
        (whole,) = [
            one
            for one in assess_whole(office, lake, moment(told["as_of"]), usccs=[uscc])
            if one.uscc == uscc
        ]
        assert told["log_odds"] == whole.log_odds
        assert told["reasons"] == [_plain(reason) for reason in whole.reasons]
        assert told["obligations"] == list(whole.obligations)
        assert told["authority_duties"] == list(whole.authority_duties)
        assert told["repairs"] == list(whole.repairs)
        assert told["outcomes"] == list(whole.outcomes)


def moment(text: str) -> Any:
    return datetime.fromisoformat(text)


def _plain(reason: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(reason))
    return told
