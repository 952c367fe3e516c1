"""Whose record it is: former codes, names, codes outside the rule, and what kind of body."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.records.handmade import ENVELOPE, GOOD
from tests.records.test_gate import write_delivery
from xinheng.domain import check_character, organisation_check
from xinheng.records.archive import archive
from xinheng.records.duties.ledger import ledger
from xinheng.records.intake import ingest
from xinheng.records.lake import FINDINGS, Lake

AT = datetime(2024, 6, 20, 2, tzinfo=UTC)
Record = tuple[str, dict[str, Any], str, str]


def code(symbols: str, prefix: str = "91") -> str:
    first_17 = f"{prefix}640302{symbols}{organisation_check(symbols)}"
    return first_17 + check_character(first_17)


OLD, NEW = code("MA8A0001"), code("MA8B0001")
NAME = "示例(北京)阿·卜餐饮有限公司"


def record(table: str, number: str, uscc: str = OLD, **more: Any) -> Record:
    made = {**ENVELOPE, **GOOD[table], "uscc": uscc, "entity_name": NAME}
    made |= {"source_record_no": number} | more
    if table == "entity":
        made.setdefault("name_zh", made["entity_name"])
    return table, made, "", ""


class Town:
    """A lake that takes a delivery a day."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.days = folder, 0
        self.lake = Lake.at(folder / "lake", buckets=4)

    def take(self, *records: Record) -> list[tuple[int, int, int]]:
        """Accepted, quarantined and rejected of each table."""
        at = AT + timedelta(days=self.days)
        self.days += 1
        folder = self.folder / str(self.days)
        sent = at.isoformat()
        report = ingest(write_delivery(folder, [*records], sent=sent), None, self.lake, at=at)
        self.lake = self.lake.newest()
        return [(t.accepted, t.quarantined, t.rejected) for t in report.tables]

    def findings(self, check: str) -> list[str]:
        rows = self.lake.told(FINDINGS).filter(pl.col("check") == check).collect()
        return rows["message_en"].to_list()


@pytest.fixture
def town(tmp_path: Path) -> Town:
    made = Town(tmp_path)
    assert made.take(record("entity", "E1")) == [(1, 0, 0)]
    return made


def end_and_begin(town: Town, **more: Any) -> None:
    """The old code ends, and a day later the new one begins at another address."""
    ended = record("entity", "E1", operation="correct", status="迁出", ended_on="2024-06-21")
    assert town.take(ended) == [(1, 0, 0)]
    begun = record("entity", "E2", NEW, former_uscc=OLD, address_text="示例新路8号", **more)
    assert town.take(begun) == [(1, 0, 0)]


def test_a_record_under_a_former_code_is_accepted_and_stays_under_it(town: Town) -> None:
    end_and_begin(town)
    assert town.take(record("penalty", "P1")) == [(1, 0, 0)]
    whole = archive(town.lake, NEW)
    assert whole["penalty"]["uscc"].to_list() == [OLD]
    assert {*whole["entity"]["uscc"]} == {OLD, NEW}
    assert archive(town.lake, OLD).keys() == whole.keys()
    before = archive(town.lake, OLD, AT + timedelta(hours=1))
    assert {*before} == {"entity"}
    assert archive(town.lake, NEW, AT + timedelta(hours=1)) == {}


def test_a_former_code_that_was_never_registered_here_is_known(town: Town) -> None:
    elsewhere = code("MA8C0001")
    assert town.take(record("complaint", "C1", elsewhere)) == [(0, 1, 0)]
    entry = record("entity", "E3", NEW, former_uscc=elsewhere, address_text="示例新路9号")
    assert town.take(entry) == [(1, 0, 0)]
    assert town.take(record("complaint", "C2", elsewhere)) == [(1, 0, 0)]


def test_duties_stand_under_the_present_code_from_the_change_on(town: Town) -> None:
    assert town.take(record("penalty", "P1")) == [(1, 0, 0)]
    end_and_begin(town)
    for days, uscc in ((1, OLD), (3, NEW)):
        duties = ledger(town.lake.rows, AT + timedelta(days=days, hours=1))
        fines = duties.filter(pl.col("kind") == "penalty_payment")
        assert fines["uscc"].to_list() == [uscc]
        assert {*duties["uscc"]} == {uscc}


@pytest.mark.parametrize(
    "name", ["示例（北京）阿•卜餐饮有限公司", "示例〔北京〕阿．卜 餐饮有限公司"]
)
def test_a_name_may_be_written_otherwise(town: Town, name: str) -> None:
    assert town.take(record("complaint", "C1", entity_name=name)) == [(1, 0, 0)]
    other = record("complaint", "C2", entity_name=name.replace("有限", "有限责任"))
    assert town.take(other) == [(0, 0, 1)]
    assert "does not match the registered name" in town.findings("QC03")[0]


@pytest.mark.parametrize(
    ("prefix", "kind", "why"),
    [
        ("92", "enterprise", "individual businesses are not scored"),
        ("52", "enterprise", "neither scored nor owe an annual report"),
        ("91", "individual_business", "only enterprise and branch are scored"),
    ],
)
def test_a_type_that_contradicts_the_code_is_warned_of_with_the_reason(
    town: Town, prefix: str, kind: str, why: str
) -> None:
    entry = record("entity", "E9", code("MA8D0001", prefix), entity_type=kind, address_text="甲路")
    assert town.take(entry) == [(1, 0, 0)]
    (message,) = town.findings("QC20")
    assert why in message
    assert "entity_type says" in message


def living(uscc: str, number: str, **told: Any) -> Record:
    return record("entity", number, uscc, **told)


ENDED = {"operation": "correct", "status": "moved_out", "ended_on": "2024-06-20"}


def test_a_former_code_that_still_lives_is_asked_about_and_both_are_taken(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.take(living(OLD, "E1"))
    assert town.take(living(NEW, "E2", former_uscc=OLD)) == [(1, 0, 0)]
    (message,) = town.findings("QC05")
    assert message.startswith(f"The former code {OLD} of {NEW} still has a living entry")
    usable = town.lake.rows("entity").filter(pl.col("quality_status") != "rejected").collect()
    assert dict(usable.select("uscc", "quality_status").rows()) == {OLD: "passed", NEW: "warned"}


def test_a_former_code_that_has_ended_is_no_question(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.take(living(OLD, "E1"))
    town.take(living(OLD, "E1", **ENDED))
    assert town.take(living(NEW, "E2", former_uscc=OLD)) == [(1, 0, 0)]
    assert town.findings("QC05") == []


def test_a_firm_that_seems_to_have_gone_on_under_a_new_code_is_asked_about(tmp_path: Path) -> None:
    """Name, address and founding day are those of one that left; nothing is joined meanwhile."""
    town = Town(tmp_path)
    town.take(living(OLD, "E1"))
    town.take(living(OLD, "E1", **ENDED))
    assert town.take(living(NEW, "E2")) == [(1, 0, 0)]
    (message,) = town.findings("QC05")
    assert message.startswith(f"Name, address and founding day of {NEW} are those of")
    assert OLD in message
    assert town.lake.successions().family([NEW]) == [NEW]


@pytest.mark.parametrize(
    "told",
    [
        {"address_text": "示例路99号"},
        {"established_on": "2019-03-01"},
        {"status": "revoked", "ended_on": "2024-06-20"},
    ],
    ids=["another address", "another founding day", "itself at its end"],
)
def test_who_only_resembles_one_that_left_is_not_asked_about(
    tmp_path: Path, told: dict[str, str]
) -> None:
    town = Town(tmp_path)
    town.take(living(OLD, "E1"))
    town.take(living(OLD, "E1", **ENDED))
    assert town.take(living(NEW, "E2", **told)) == [(1, 0, 0)]
    assert town.findings("QC05") == []
