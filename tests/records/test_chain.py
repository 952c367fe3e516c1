"""A record number belongs to its enterprise, and nothing undoes what came later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records.deliveries import FIRM, GOOD, HEADER, MAPPING, OTHER, write_csv, write_mapping
from xinheng.records.gate.numbers import RELATION
from xinheng.records.gate.validity import DELIVERY, IS_KEPT, PLACE, STATUS
from xinheng.records.intake import TableReport, ingest
from xinheng.records.intake.judging import chain
from xinheng.records.intake.judging.chain import STORED, related
from xinheng.records.lake import FINDINGS, Lake
from xinheng.records.sources.mapping import load_mapping
from xinheng.records.sources.origins import ROW
from xinheng.records.versions import CONTENT, KEY

AT = datetime(2024, 6, 1, tzinfo=UTC)
SYSTEM = 'source_system = { constant = "test" }'
STATED = MAPPING.replace(SYSTEM, f'{SYSTEM}\n    operation = "operation"')
BAD = GOOD.replace("ok,0", "bad,2")


def later(row: str, day: str) -> str:
    """The row as known on another day."""
    return row.replace("2024-03-05", day)


def take(folder: Path, *rows: str) -> TableReport:
    """One delivery of a source that says what each operation is."""
    path = write_csv(folder, *rows, header=f"{HEADER},operation")
    mapping = load_mapping(write_mapping(folder, STATED))
    (told,) = ingest(path, mapping, Lake.at(folder / "lake"), at=AT).tables
    return told


def versions(folder: Path, firm: str = FIRM) -> list[tuple[str, str, str]]:
    """Operation, result and status of every version of an enterprise's records."""
    rows = Lake(folder / "lake").rows("inspection", [firm]).sort("version").collect()
    return list(rows.select("operation", "result", "quality_status").iter_rows())


def messages(folder: Path) -> list[str]:
    found = Lake(folder / "lake").told(FINDINGS).filter(pl.col("check").is_in(["QC07", "QC10"]))
    return found.sort("row").collect()["message_en"].to_list()


@pytest.mark.parametrize("turned", [False, True])
def test_two_contents_of_one_number_at_one_moment_wait_both(tmp_path: Path, turned: bool) -> None:
    rows = [f"{GOOD},insert", f"{BAD},insert"]
    told = take(tmp_path, *(reversed(rows) if turned else rows))
    assert (told.accepted, told.quarantined) == (0, 2)
    assert {status for _, _, status in versions(tmp_path)} == {"quarantined"}
    assert f"for {FIRM} (row 1) and for {FIRM} (row 2)" in messages(tmp_path)[0]


def test_a_correction_follows_its_insert_in_whatever_order_the_rows_stand(tmp_path: Path) -> None:
    assert take(tmp_path, f"{BAD},correct", f"{GOOD},insert").accepted == 2
    assert [result for _, result, _ in versions(tmp_path)] == ["no_problem", "failed"]


def test_the_number_of_another_firm_s_record_is_a_question_and_moves_nothing(
    tmp_path: Path,
) -> None:
    take(tmp_path, f"{GOOD},insert")
    told = take(tmp_path, later(BAD.replace(FIRM, OTHER), "2024-04-01") + ",insert")
    assert (told.accepted, told.quarantined) == (0, 1)
    assert versions(tmp_path) == [("insert", "no_problem", "passed")]
    assert f"of {OTHER} is already that of a record of {FIRM}" in messages(tmp_path)[0]


def test_the_owner_of_a_number_corrects_it_whoever_else_claims_it(tmp_path: Path) -> None:
    take(tmp_path, f"{GOOD},insert")
    take(tmp_path, later(GOOD.replace(FIRM, OTHER), "2024-04-01") + ",insert")
    assert take(tmp_path, later(BAD, "2024-04-02") + ",correct").accepted == 1
    assert [result for _, result, _ in versions(tmp_path)] == ["no_problem", "failed"]
    assert len(versions(tmp_path, OTHER)) == 1, "nothing is withdrawn there"


def test_two_firms_with_one_number_in_one_delivery_wait_both(tmp_path: Path) -> None:
    told = take(tmp_path, f"{GOOD},insert", f"{GOOD.replace(FIRM, OTHER)},insert")
    assert (told.accepted, told.quarantined) == (0, 2)
    assert OTHER in messages(tmp_path)[0]


def test_what_was_withdrawn_comes_back_with_the_same_words(tmp_path: Path) -> None:
    take(tmp_path, f"{GOOD},insert")
    take(tmp_path, later(GOOD, "2024-04-01") + ",withdraw")
    assert take(tmp_path, later(GOOD, "2024-05-01") + ",insert").accepted == 1
    assert [how for how, _, _ in versions(tmp_path)] == ["insert", "withdraw", "insert"]


@pytest.mark.parametrize("operation", ["correct", "withdraw"])
@pytest.mark.parametrize("day", ["2024-03-05", "2024-05-01"])
def test_an_insert_that_arrives_after_its_end_undoes_nothing(
    tmp_path: Path, operation: str, day: str
) -> None:
    take(tmp_path, later(BAD, "2024-04-01") + f",{operation}")
    told = take(tmp_path, later(GOOD, day) + ",insert")
    assert (told.accepted, told.rejected) == (0, 1)
    assert [how for how, _, _ in versions(tmp_path)] == [operation]
    assert "arrived after its own correction or withdrawal" in messages(tmp_path)[0]


def test_a_fact_that_moved_away_can_move_back(tmp_path: Path) -> None:
    take(tmp_path, f"{GOOD},correct")
    take(tmp_path, later(GOOD.replace(FIRM, OTHER), "2024-04-01") + ",correct")
    assert take(tmp_path, later(GOOD, "2024-05-01") + ",correct").accepted == 1
    assert [how for how, _, _ in versions(tmp_path)] == ["correct", "withdraw", "correct"]
    assert [how for how, _, _ in versions(tmp_path, OTHER)] == ["correct", "withdraw"]


@pytest.mark.parametrize("number", ["2.02503E+11", "2e+12", "9.1E15"])
def test_a_number_that_a_spreadsheet_made_is_rejected_and_told_so(
    tmp_path: Path, number: str
) -> None:
    told = take(tmp_path, GOOD.replace("N1", number) + ",insert")
    assert told.rejected == 1
    assert f"Number {number} of source_record_no was made by a spreadsheet" in told.reasons[0]


MOMENTS = st.integers(0, 2).map(lambda day: AT + timedelta(days=day))
SAID = {
    "known_at": MOMENTS,
    "uscc": st.sampled_from([FIRM, FIRM, FIRM, OTHER]),
    "operation": st.sampled_from(["insert", "correct", "correct", "withdraw"]),
    CONTENT: st.integers(0, 3),
    "source_record_no": st.sampled_from(["N1", "N2"]),
}
ARRIVING = st.fixed_dictionaries({
    **SAID, DELIVERY: st.integers(0, 3), IS_KEPT: st.sampled_from([True, True, True, False]),
})  # fmt: skip
VERSION = st.fixed_dictionaries({
    **SAID, "quality_status": st.sampled_from(["passed", "quarantined"]),
})  # fmt: skip


def arriving(rows: list[dict[str, Any]]) -> pl.DataFrame:
    order = ["insert", "correct", "withdraw"]
    return pl.DataFrame(
        [
            {**row, "source_system": "test", ROW: at, "_stated": True, STATUS: "passed",
             PLACE: at + (order.index(row["operation"]) << 61)}
            for at, row in enumerate(rows)
        ],
        schema_overrides={DELIVERY: pl.Int32()},
    )  # fmt: skip


def stored(rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = {
        **dict.fromkeys(STORED, pl.String()), "version": pl.Int64(), CONTENT: pl.Int64(),
        "known_at": pl.Datetime("us", "UTC"),
    }  # fmt: skip
    named = [{**row, "source_system": "test", "version": at} for at, row in enumerate(rows, 1)]
    return pl.DataFrame(named, schema=schema)


@settings(max_examples=500)
@given(st.lists(ARRIVING, min_size=1, max_size=6), st.lists(VERSION, max_size=3))
def test_facts_without_dispute_are_answered_as_each_row_by_itself_would_be(
    rows: list[dict[str, Any]], former: list[dict[str, Any]]
) -> None:
    came, were = arriving(rows), stored(former)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain, "_plain_facts", lambda rows, _: rows.select(KEY).clear())
        singly = related(came, were)
    assert related(came, were).equals(singly)


def test_a_provisional_value_and_its_correction_are_no_dispute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def looked_at(*_: object) -> list[None]:
        raise AssertionError("looked at by itself")

    monkeypatch.setattr(chain, "_of_delivery", looked_at)
    row = {"known_at": AT, "uscc": FIRM, "source_record_no": "N1", IS_KEPT: True}
    first = {**row, "operation": "insert", CONTENT: 1, DELIVERY: 0}
    then = {**row, "operation": "correct", CONTENT: 2, DELIVERY: 1}
    assert related(arriving([first, then]), stored([]))[RELATION].to_list() == ["new", "new"]
    with pytest.raises(AssertionError, match="by itself"):
        related(arriving([first, {**then, CONTENT: 1}]), stored([]))
