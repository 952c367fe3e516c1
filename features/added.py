"""A record added in thought to many firms: what their indicators are with it and without it.

Records are monotone (domain README, section 2): a bad record never lowers the risk of its firm at
the same moment, a clean inspection never raises it. The records are rows of `added.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from xinheng.domain import ZONE
from xinheng.features.engine.compute import compute
from xinheng.features.indicator import FeatureColumn, Indicator, columns_of
from xinheng.features.memory import Memory
from xinheng.features.others.others import Others
from xinheng.features.population import sector_population
from xinheng.records.inbox.columns import by_table
from xinheng.records.inbox.store import Sent
from xinheng.records.inbox.supposed import SUPPOSED, as_stored
from xinheng.records.lake import Lake

Value = str | int | float | bool
Firm = tuple[str, str, str]
"""Code, name and region."""
_DAY = re.compile(r"day([+-]\d+)")
SEED = 20260101


class AddedRecord(BaseModel):
    """A kind of record that is added."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    table: str
    is_bad: bool = Field(description="May not lower the risk; else it may not raise it")
    sector: str = Field("", description="Only members of the sector have it")
    values: Mapping[str, Value | list[Value]] = Field(
        description="By column; of a list one is drawn for each firm"
    )

    def of(self, firm: Firm, day: date, rng: np.random.Generator) -> Sent:
        """The record of a firm, as a department would send it the day after."""
        uscc, name, region = firm
        drawn = {key: _drawn(value, rng) for key, value in self.values.items()}
        return Sent(
            self.table,
            {key: _dated(value, day) for key, value in drawn.items()}
            | {
                "uscc": uscc, "entity_name": name, "region_code": region,
                "source_dept": SUPPOSED, "source_system": SUPPOSED, "source_record_no": self.id,
            },
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """Indicators of the same firms at the same moment, without and with a record."""

    record: AddedRecord
    without: pl.DataFrame
    with_it: pl.DataFrame


@cache
def added_records() -> tuple[AddedRecord, ...]:
    """The kinds of records, as `added.toml` lists them."""
    text = files("xinheng.features").joinpath("added.toml").read_text(encoding="utf-8")
    return tuple(AddedRecord.model_validate(one) for one in tomllib.loads(text)["record"])


def added(
    lake: Lake,
    indicators: Sequence[Indicator],
    as_of: datetime,
    *,
    most: int,
    sector: str = "",
    on_step: Callable[[str], None] = lambda _: None,
) -> Iterator[Pair]:
    """Each record added to at most so many firms on the register, drawn by a fixed seed.

    What is known of other firms stays: the question is about the firm itself.
    """
    others = Others.of(lake, tuple(columns_of(tuple(indicators))), as_of)
    for number, record in enumerate(added_records(), start=1):
        on_step(f"records added in thought: {number} of {len(added_records())}")
        if sector and record.sector and record.sector != sector:
            continue
        asked = sector_population(lake, as_of, record.sector or sector)
        if asked.height == 0:
            continue
        asked = asked.sample(min(most, asked.height), seed=SEED).sort("uscc")
        source = Memory.of(lake, asked["uscc"].to_list())
        changed = source.changed(_stored(record, source, asked["uscc"], as_of))
        yield Pair(
            record,
            compute(indicators, asked, source, others=others),
            compute(indicators, asked, changed, others=others),
        )


def against(pair: Pair, columns: Sequence[FeatureColumn]) -> dict[str, int]:
    """By column for how many firms a record moves it the wrong way; others that move are `none`.

    A column without a direction that moves at all can move the risk either way.
    """
    wanted = 1 if pair.record.is_bad else -1
    found = {}
    for column in columns:
        before, after = pair.without[column.name], pair.with_it[column.name]
        step = (after - before).fill_null(0)
        wrong = (step * wanted * column.monotone < 0) if column.monotone else (step != 0)
        if count := int(wrong.sum()):
            found[column.name] = count
    return found


def _stored(
    record: AddedRecord, source: Memory, usccs: pl.Series, as_of: datetime
) -> dict[str, pl.DataFrame]:
    """The table with the record of each firm added, known at the moment itself."""
    day = as_of.astimezone(ZONE).date()
    register = source.all_of("entity").sort("known_at", "version")
    newest = register.group_by("uscc", maintain_order=True).last().select(
        "uscc", "name_zh", "registered_region_code"
    )  # fmt: skip
    own = usccs.to_frame().join(newest, on="uscc", how="left").sort("uscc")
    rng = np.random.default_rng(SEED)
    sent = [record.of(firm, day, rng) for firm in own.iter_rows()]
    return as_stored(by_table(sent), source.all_of, at=as_of)


def _drawn(value: Value | list[Value], rng: np.random.Generator) -> Value:
    return value[rng.integers(len(value))] if isinstance(value, list) else value


def _dated(value: object, day: date) -> object:
    if isinstance(value, str) and (told := _DAY.fullmatch(value)):
        return (day + timedelta(days=int(told.group(1)))).isoformat()
    return value
