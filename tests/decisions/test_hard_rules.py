"""Facts that lift a class whatever the model says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import AS_OF, TownRun
from tests.decisions.handmade import FIRM, OTHER, rows
from xinheng.config import ClassSettings
from xinheng.decisions.assess import assess
from xinheng.decisions.hard_rules import (
    Fired,
    HardRule,
    asked_by,
    fired,
    lifted,
    load_rules,
)
from xinheng.errors import BadMapping, UnknownName
from xinheng.features.engine.compute import answer
from xinheng.features.explain.evidence import Grounds
from xinheng.features.memory import Memory

TODAY = datetime(2025, 6, 30, 16, tzinfo=UTC)
LISTED = datetime(2025, 1, 10, tzinfo=UTC)
WHEN = {"event_at": LISTED, "known_at": LISTED}


def firing(
    rules: Sequence[HardRule], asked: pl.DataFrame, source: Memory, view: str = ""
) -> Mapping[str, tuple[Fired, ...]]:
    told = answer(asked_by(rules), asked, source)
    return fired(rules, told.values, Grounds.of(told, None), view=view)


def holding(source: Memory, at: datetime = TODAY, view: str = "") -> dict[str, list[str]]:
    asked = pl.DataFrame({"uscc": [FIRM, OTHER], "as_of": [at, at]})
    found = firing(load_rules(), asked, source, view)
    return {uscc: [one.rule.id for one in ones] for uscc, ones in found.items()}


SERIOUS = rows("serious_list", WHEN | {"field": "market", "listed_on": LISTED.date()})
LICENCE = rows(
    "licence",
    WHEN
    | {
        "licence_kind": "food_business", "status": "suspended", "valid_from": date(2023, 1, 1),
        "valid_to": date(2028, 1, 1),
    },
)  # fmt: skip


def test_a_serious_listing_holds_from_the_day_it_was_known_until_its_removal() -> None:
    source = Memory({"serious_list": SERIOUS})
    assert holding(source) == {FIRM: ["H1"]}
    assert holding(source, LISTED - timedelta(days=1)) == {}
    gone = rows(
        "serious_list",
        WHEN | {"field": "market", "listed_on": LISTED.date(), "removed_on": date(2025, 5, 1)},
    )
    assert holding(Memory({"serious_list": gone})) == {}


@pytest.mark.parametrize(
    ("moment", "held"),
    [
        pytest.param(datetime(2025, 5, 31, 15, 59, tzinfo=UTC), ["H1"], id="the day before"),
        pytest.param(datetime(2025, 5, 31, 16, tzinfo=UTC), [], id="the statutory end"),
    ],
)
def test_a_serious_listing_holds_until_its_statutory_end(moment: datetime, held: list[str]) -> None:
    own = {"field": "market", "listed_on": LISTED.date(), "term_until": date(2025, 6, 1)}
    source = Memory({"serious_list": rows("serious_list", WHEN | own)})
    assert holding(source, moment).get(FIRM, []) == held


@pytest.mark.parametrize(
    "told",
    [{"dispute_status": "under_review"}, {"removal_kind": "revoked"}, {"operation": "withdraw"}],
    ids=str,
)
def test_a_listing_that_is_not_in_force_lifts_nobody(told: dict[str, object]) -> None:
    own = WHEN | {"field": "market", "listed_on": LISTED.date()} | told
    assert holding(Memory({"serious_list": rows("serious_list", own)})) == {}


def test_an_approved_repair_ends_a_rule_on_its_day() -> None:
    listing = WHEN | {"reason": "no_contact", "listed_on": LISTED.date()}
    repair = WHEN | {
        "target_table": "abnormal_list", "target_record_id": "abnormal_list-0",
        "result": "approved", "effective_on": date(2025, 6, 1),
    }  # fmt: skip
    frames = {"abnormal_list": rows("abnormal_list", listing)}
    source = Memory(frames | {"credit_repair": rows("credit_repair", repair)})
    midnight = datetime(2025, 5, 31, 16, tzinfo=UTC)
    assert holding(source, midnight - timedelta(microseconds=1)) == {FIRM: ["H4"]}
    assert holding(source, midnight) == {}


@pytest.mark.parametrize("status", ["valid", "revoked"])
def test_a_canteens_licence_does_not_end_a_builders_rules(status: str) -> None:
    term = {"valid_from": date(2023, 1, 1), "valid_to": date(2028, 1, 1)}
    held = rows(
        "licence",
        WHEN | {"licence_kind": "safety_production", "status": "suspended"} | term,
        WHEN | {"licence_kind": "food_business", "status": status} | term,
    )
    entity = rows("entity", WHEN | {"industry_code": "E4710", "status": "active"})
    source = Memory({"licence": held, "entity": entity})
    assert holding(source, view="construction") == {FIRM: ["H3-PERMIT"]}


def test_a_repaired_listing_lifts_nobody() -> None:
    repaired = rows(
        "serious_list",
        WHEN
        | {
            "field": "market",
            "listed_on": LISTED.date(),
            "repaired_at": date(2025, 6, 27),
        },
    )
    assert holding(Memory({"serious_list": repaired})) == {}


def test_a_suspended_food_licence_counts_in_the_view_of_food_alone() -> None:
    source = Memory({"licence": LICENCE})
    assert holding(source) == {}
    assert holding(source, view="food") == {FIRM: ["H3-FOOD"]}


def test_a_rule_names_the_record_it_rests_on_and_its_basis() -> None:
    asked = pl.DataFrame({"uscc": [FIRM], "as_of": [TODAY]})
    (one,) = firing(load_rules(), asked, Memory({"serious_list": SERIOUS}))[FIRM]
    told = one.as_json()
    assert told["record_ids"] == ["serious_list-0/v1"]
    assert "44" in str(told["basis_zh"])


def rule(name: str) -> Fired:
    return Fired(rule={one.id: one for one in load_rules()}[name], record_ids=())


@pytest.mark.parametrize(
    ("by_model", "names", "four", "five"),
    [
        pytest.param("A", [], "A", "A", id="no rule"),
        pytest.param("A", ["H4"], "C", "C", id="abnormal list: at least C"),
        pytest.param("D", ["H4"], "D", "D", id="a rule never improves a class"),
        pytest.param("B", ["H2"], "D", "D", id="dishonest debtor"),
        pytest.param("B", ["H1"], "D", "E", id="serious list: E of five"),
        pytest.param("A", ["H2", "H3-PERMIT"], "D", "E", id="two grave facts: E of five"),
        pytest.param("A", ["H2", "H4"], "D", "D", id="the abnormal list does not count to E"),
    ],
)
def test_rules_lift_the_class_by_the_scheme(
    by_model: str, names: list[str], four: str, five: str
) -> None:
    holds = [rule(name) for name in names]
    assert lifted(by_model, holds, "A-D") == four
    assert lifted(by_model, holds, "A-E") == five


def test_everyone_of_a_named_sector_is_lifted(tmp_path: Path) -> None:
    path = tmp_path / "hard_rules.toml"
    path.write_text(
        """
[[rule]]
id = "H5"
name_zh = "社会高度关注行业"
name_en = "Sector of high public concern"
sector = "food"
at_least = "C"
basis_zh = "市局文件"
basis_en = "Notice of the bureau"
remedy_zh = "文件到期"
remedy_en = "Ends with the notice"
""",
        encoding="utf-8",
    )
    asked = pl.DataFrame({"uscc": [FIRM, OTHER], "as_of": [TODAY, TODAY]})
    found = firing(load_rules(path), asked, Memory({"licence": LICENCE}))
    assert {uscc: [one.rule.id for one in ones] for uscc, ones in found.items()} == {FIRM: ["H5"]}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param({"indicator": "serious_list_curent_flag"}, UnknownName, id="indicator"),
        pytest.param({"view": "foood"}, UnknownName, id="view"),
        pytest.param({"table": "licence", "condition": "true"}, BadMapping, id="two grounds"),
        pytest.param({"at_least": "E"}, BadMapping, id="E of four classes"),
        pytest.param({"basis_zh": ""}, BadMapping, id="no legal basis"),
        pytest.param({"colour": "red"}, BadMapping, id="unknown key"),
    ],
)
def test_a_file_of_rules_that_cannot_be_meant_is_refused(
    tmp_path: Path, change: dict[str, str], fault: type[Exception]
) -> None:
    told = rule("H1").rule.model_dump(exclude={"at_least_of_five", "counts_to_e"}) | change
    lines = "\n".join(f'{key} = "{value}"' for key, value in told.items())
    path = tmp_path / "hard_rules.toml"
    path.write_text(f"[[rule]]\n{lines}\n", encoding="utf-8")
    with pytest.raises(fault):
        load_rules(path)


def test_a_rule_stands_in_a_file_once(tmp_path: Path) -> None:
    told = rule("H4").rule.model_dump(exclude={"at_least_of_five", "counts_to_e"})
    one = "[[rule]]\n" + "\n".join(f'{key} = "{value}"' for key, value in told.items())
    path = tmp_path / "hard_rules.toml"
    path.write_text(f"{one}\n\n{one}\n", encoding="utf-8")
    with pytest.raises(BadMapping, match="twice"):
        load_rules(path)


def test_an_assessment_tells_its_rules_and_leaves_the_model_class_visible(town: TownRun) -> None:
    visited = HardRule(
        id="HX", name_zh="曾被检查", name_en="Visited once", table="inspection", condition="true",
        at_least="D", at_least_of_five="E", basis_zh="测试", basis_en="test", remedy_zh="",
        remedy_en="",
    )  # fmt: skip
    lake, model = town.prepared.lake, town.outcome.model
    plain = {one.uscc: one for one in assess(model, lake, AS_OF, ClassSettings(), rules=())}
    five = ClassSettings(scheme="A-E")
    ruled = {one.uscc: one for one in assess(model, lake, AS_OF, five, rules=(visited,))}
    touched = [one for one in ruled.values() if one.hard_rules]
    assert touched
    for one in touched:
        assert one.risk_class == "E"
        assert one.model_class == plain[one.uscc].model_class
        assert one.hard_rules[0]["record_ids"]
    for one in ruled.values():
        if not one.hard_rules:
            assert one.risk_class == plain[one.uscc].risk_class
