from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import openpyxl
import polars as pl
import pytest

from tests.conftest import AS_OF, AT, TownRun
from xinheng.config import ClassSettings
from xinheng.decisions.age import Age
from xinheng.decisions.assess import Assessment, assess
from xinheng.decisions.classes import known_share, with_classes
from xinheng.decisions.lists import HEADER, draw, list_from_json, rendered
from xinheng.errors import BadRequest
from xinheng.features.memory import Memory
from xinheng.features.population import population

TODAY = datetime(2025, 6, 30, 16, tzinfo=UTC)
OLD = date(2010, 1, 1)
AGE = Age(AS_OF, AT, 2)


@pytest.mark.parametrize(
    ("score", "founded", "risk_class", "thin"),
    [
        pytest.param(0.0, OLD, "A", False, id="lowest"),
        pytest.param(199.9, OLD, "A", False, id="just below B"),
        pytest.param(200.0, OLD, "B", False, id="B begins at 200"),
        pytest.param(500.0, OLD, "C", False, id="C begins at 500"),
        pytest.param(750.0, OLD, "D", False, id="D begins at 750"),
        pytest.param(1000.0, OLD, "D", False, id="highest"),
        pytest.param(10.0, date(2025, 1, 1), "B", True, id="young is never better than B"),
        pytest.param(990.0, date(2025, 1, 1), "C", True, id="young is not D by the model alone"),
        pytest.param(10.0, None, "B", True, id="unknown founding day is thin data"),
        pytest.param(990.0, None, "D", True, id="unknown founding day does not excuse"),
        pytest.param(10.0, date(2024, 6, 30), "A", False, id="a year and a day"),
    ],
)
def test_a_class_follows_the_cuts_and_the_thin_data_rule(
    score: float, founded: date | None, risk_class: str, thin: bool
) -> None:
    row = pl.DataFrame(
        {"score": [score], "as_of": [TODAY], "established_on": [founded], "known_share": [1.0]},
        schema_overrides={"established_on": pl.Date},
    )
    told = with_classes(row, ClassSettings()).row(0, named=True)
    assert (told["risk_class"], told["low_confidence"]) == (risk_class, thin)


@pytest.mark.parametrize(("share", "told"), [(0.5, ("A", False)), (0.49, ("B", True))])
def test_a_firm_of_whom_little_is_covered_is_never_better_than_b(
    share: float, told: tuple[str, bool]
) -> None:
    row = pl.DataFrame(
        {"score": [10.0], "as_of": [TODAY], "established_on": [OLD], "known_share": [share]}
    )
    found = with_classes(row, ClassSettings()).row(0, named=True)
    assert (found["risk_class"], found["low_confidence"]) == told


def test_the_known_share_counts_general_tables(town: TownRun) -> None:
    model, features = town.outcome.model, town.prepared.of("test")[1]
    share = known_share(model, features)
    assert share.is_between(0, 1).all()
    names = [c.name for c in model.columns if c.indicator.scope == "general"]
    tables = {c.indicator.table for c in model.columns if c.indicator.scope == "general"}
    blank = features.with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)
    assert (known_share(model, blank) == 0).all()
    one = next(c for c in model.columns if c.indicator.scope == "general")
    single = blank.with_columns(pl.lit(1.0).alias(one.name))
    assert known_share(model, single)[0] == pytest.approx(1 / len(tables))


@pytest.mark.parametrize("change", [{"cuts": (500, 200, 750)}, {"shares": (0.9, 0.2, 0.1)}])
def test_class_settings_that_contradict_themselves_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"cuts must rise|shares must be positive"):
        ClassSettings.model_validate(change)


def entity(code: str, **more: object) -> dict[str, object]:
    return {
        "record_id": code, "uscc": code, "source_system": "s", "source_record_no": code,
        "version": 1, "operation": "insert", "quality_status": "passed", "name_zh": "甲",
        "event_at": datetime(2020, 1, 1, tzinfo=UTC), "known_at": datetime(2020, 1, 1, tzinfo=UTC),
        "entity_type": "enterprise", "status": "active", "established_on": OLD,
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("more", "scored"),
    [
        pytest.param({}, True, id="enterprise"),
        pytest.param({"entity_type": "branch"}, True, id="branch"),
        pytest.param({"entity_type": "individual_business"}, False, id="individual business"),
        pytest.param({"entity_type": "farmer_coop"}, False, id="cooperative"),
        pytest.param({"status": "suspended"}, True, id="suspended"),
        pytest.param({"status": "cancelled"}, False, id="cancelled"),
        pytest.param({"known_at": TODAY + timedelta(days=1)}, False, id="not known yet"),
        pytest.param({"uscc": "92440300192317458F"}, False, id="code of an individual business"),
    ],
)
def test_only_registered_enterprises_and_branches_are_scored(
    more: dict[str, object], scored: bool
) -> None:
    row = entity("91440300192317458F", **more)
    found = population(Memory({"entity": pl.DataFrame([row])}), TODAY)
    assert found.height == int(scored)


@pytest.fixture(scope="module")
def assessed(town: TownRun) -> list[Assessment]:
    return assess(town.outcome.model, town.prepared.lake, AS_OF, ClassSettings())


def test_everyone_on_the_register_is_assessed_riskiest_first(
    town: TownRun, assessed: list[Assessment]
) -> None:
    everyone = population(town.prepared.lake, AS_OF)
    assert sorted(a.uscc for a in assessed) == everyone["uscc"].to_list()
    assert [a.log_odds for a in assessed] == sorted((a.log_odds for a in assessed), reverse=True)


def test_one_enterprise_gets_the_same_answer_as_among_all(
    town: TownRun, assessed: list[Assessment]
) -> None:
    for among in (assessed[0], assessed[-1]):
        (alone,) = assess(
            town.outcome.model, town.prepared.lake, AS_OF, ClassSettings(), usccs=[among.uscc]
        )
        assert alone == among


def test_reasons_add_up_and_point_at_records_of_that_enterprise(
    town: TownRun, assessed: list[Assessment]
) -> None:
    owners: dict[str, str] = {}
    for name in ("inspection", "penalty", "complaint", "licence", "entity", "sector_profile"):
        rows = town.prepared.lake.rows(name).select("record_id", "uscc").collect()
        owners |= dict(rows.iter_rows())
    for one in assessed[:50]:
        pushes = sum(reason["contribution"] for reason in one.reasons) + one.other_contributions
        assert one.base_value + pushes == pytest.approx(one.log_odds, abs=1e-9)
        records = [record for reason in one.reasons for record in reason["record_ids"]]
        assert records
        duties = {record for record in records if record.startswith("annual_report:")}
        assert all(f":{one.uscc}/" in duty for duty in duties), "a duty without a record"
        assert {owners[record] for record in set(records) - duties} <= {one.uscc}


def test_nothing_known_later_is_quoted(town: TownRun) -> None:
    moment = datetime(2024, 12, 31, tzinfo=UTC)
    known = town.prepared.lake.rows("inspection").collect()
    late = set(known.filter(pl.col("known_at") > moment)["record_id"])
    found = assess(town.outcome.model, town.prepared.lake, moment, ClassSettings())
    quoted = {record for one in found for reason in one.reasons for record in reason["record_ids"]}
    assert late
    assert not quoted & late


def test_a_list_is_ranked_and_every_name_can_be_defended(assessed: list[Assessment]) -> None:
    drawn = draw(assessed, top=20, officer="王某", age=AGE)
    assert [row.rank for row in drawn.rows] == list(range(1, 21))
    assert not drawn.is_draft
    for row in drawn.rows:
        assert 1 <= len(row.reasons_zh) <= 5
        assert row.record_ids


def test_a_list_without_a_named_officer_is_a_draft(assessed: list[Assessment]) -> None:
    drawn = draw(assessed, top=3, officer="", age=AGE)
    assert (drawn.is_draft, drawn.draft_reasons) == (True, ("no_officer",))
    assert drawn.draft_note("en") == "Draft: no officer is named, so nobody may act on it"


@pytest.mark.parametrize(
    ("days", "stale", "draft", "said_by"),
    [
        pytest.param(2, False, (), "", id="as old as may be"),
        pytest.param(3, False, ("stale_scores",), "", id="stale"),
        pytest.param(3, True, (), "王某", id="stale, and the officer says that it may be used"),
        pytest.param(1, True, (), "", id="nothing to be said of fresh scores"),
    ],
)
def test_a_list_of_stale_scores_is_a_draft_unless_the_officer_says_otherwise(
    assessed: list[Assessment], days: int, stale: bool, draft: tuple[str, ...], said_by: str
) -> None:
    old = Age(AS_OF, AS_OF + timedelta(days=days), 2)
    drawn = draw(assessed, top=3, officer="王某", age=old, stale=stale)
    assert (drawn.draft_reasons, drawn.stale_said_by) == (draft, said_by)
    assert drawn.scores_age_days == days
    sheet = openpyxl.load_workbook(io.BytesIO(rendered(drawn, "xlsx"))).active
    assert sheet is not None
    assert f"{float(days)} 天前" in str(sheet["A1"].value)
    assert ("评分已过时" in str(sheet["A1"].value)) == bool(draft)


def test_stale_scores_are_accepted_by_nobody_without_a_name(assessed: list[Assessment]) -> None:
    with pytest.raises(BadRequest, match="who says"):
        draw(assessed, top=3, officer="", age=AGE, stale=True)


def test_a_list_survives_json(assessed: list[Assessment]) -> None:
    drawn = draw(assessed, top=5, officer="王某", age=AGE)
    assert list_from_json(json.loads(rendered(drawn, "json"))) == drawn


def test_csv_and_workbook_tell_the_same_rows(assessed: list[Assessment]) -> None:
    drawn = draw(assessed, top=5, officer="王某", age=AGE)
    text = rendered(drawn, "csv")
    assert text.startswith(b"\xef\xbb\xbf"), "spreadsheets need the mark to read Chinese"
    header, *rows = csv.reader(io.StringIO(text.decode("utf-8-sig")))
    assert tuple(header) == HEADER
    sheet = openpyxl.load_workbook(io.BytesIO(rendered(drawn, "xlsx"))).active
    assert sheet is not None
    cells = [[cell.value for cell in line] for line in sheet.iter_rows(min_row=4)]
    assert [row[1] for row in rows] == [line[1] for line in cells]
    assert [row[8] for row in rows] == [line[8] for line in cells]
    assert "王某" in str(sheet["A1"].value)


def test_a_name_that_looks_like_a_formula_stays_text(assessed: list[Assessment]) -> None:
    evil = replace(assessed[0], name_zh='=HYPERLINK("x")')
    drawn = draw([evil], top=1, officer="", age=AGE)
    assert "\"'=HYPERLINK" in rendered(drawn, "csv").decode("utf-8-sig")
    sheet = openpyxl.load_workbook(io.BytesIO(rendered(drawn, "xlsx"))).active
    assert sheet is not None
    assert sheet["C4"].data_type == "s"


def test_uncovered_sources_are_told_as_gaps(town: TownRun) -> None:
    early = datetime(2022, 12, 1, tzinfo=UTC)
    found = assess(town.outcome.model, town.prepared.lake, early, ClassSettings())
    assert {"complaint", "penalty"} <= set(found[0].data_gaps)
