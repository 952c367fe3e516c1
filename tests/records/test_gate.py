"""Every check of the gate, tripped by hand-made rows; the table of outcomes is `handmade.py`."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.records.handmade import A, B, rows
from xinheng.errors import BadDelivery
from xinheng.records.gate.catalogue import rules
from xinheng.records.gate.form import FORM
from xinheng.records.gate.identity import CODES, REGISTER
from xinheng.records.gate.logic import LOGIC
from xinheng.records.gate.plausibility import PLAUSIBILITY
from xinheng.records.intake import Report, find_deliveries, ingest, ingest_all
from xinheng.records.lake import FINDINGS, REJECTED, Lake

AT = datetime(2024, 6, 20, 2, tzinfo=UTC)
Outcome = dict[tuple[str, int], tuple[str, str]]


def write_delivery(
    folder: Path,
    made: list[tuple[str, dict[str, Any], str, str]],
    *,
    sent: str = "2024-06-20T10:00:00+08:00",
    promised: dict[str, int] | None = None,
) -> Path:
    """Canonical CSV files, one a table, and a manifest."""
    folder.mkdir(parents=True)
    tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, row, _, _ in made:
        tables[name].append(row)
    counts = {}
    for name, own in tables.items():
        columns = list(dict.fromkeys(key for row in own for key in row))
        text = [{c: None if row.get(c) is None else str(row[c]) for c in columns} for row in own]
        pl.DataFrame(text, schema=dict.fromkeys(columns, pl.String)).write_csv(
            folder / f"{name}.csv"
        )
        counts[f"{name}.csv"] = len(own)
    counts |= promised or {}
    lines = [
        'department = "scj"', "period_from = 2024-06-01", "period_to = 2024-06-15",
        f"sent_at = {sent}", "[rows]", *(f'"{name}" = {n}' for name, n in counts.items()),
    ]  # fmt: skip
    (folder / "manifest.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def outcomes(lake: Lake, made: list[tuple[str, dict[str, Any], str, str]]) -> Outcome:
    """By table and row of its file: what became of it, and the checks it failed."""
    findings = lake.told(FINDINGS).filter(pl.col("row").is_not_null()).collect()
    failed: dict[tuple[str, int], set[str]] = defaultdict(set)
    for record_type, row, check in findings.select("record_type", "row", "check").iter_rows():
        failed[record_type, row].add(check)
    rejected = set(lake.told(REJECTED).select("record_type", "row").collect().iter_rows())
    found: Outcome = {}
    place: dict[str, int] = defaultdict(int)
    for name, row, _, _ in made:
        place[name] += 1
        key = (name, place[name])
        checks = ",".join(sorted(failed[key]))
        if key in rejected:
            found[key] = ("rejected", checks)
        elif "QC06" in failed[key]:
            found[key] = ("duplicate", checks)
        else:
            own = lake.rows(name).filter(pl.col("source_record_no") == row["source_record_no"])
            status = own.sort("version").collect()["quality_status"].to_list()
            found[key] = (status[-1], checks)
    return found


def balanced(reports: list[Report]) -> bool:
    """In = accepted + quarantined + rejected + duplicate + left out, for every file."""
    return all(
        t.offered == t.left_out + t.accepted + t.quarantined + t.rejected + t.duplicate
        for report in reports
        for t in report.tables
    )


def test_200_rows_end_as_the_table_says(tmp_path: Path) -> None:
    made = rows()
    assert len(made) == 200
    lake = Lake.at(tmp_path / "lake")
    report = ingest(write_delivery(tmp_path / "d", made), None, lake, at=AT)
    expected: Outcome = {}
    place: dict[str, int] = defaultdict(int)
    for name, _, outcome, checks in made:
        place[name] += 1
        expected[name, place[name]] = (outcome, checks)
    found = outcomes(lake, made)
    wrong = {key: (found[key], told) for key, told in expected.items() if found[key] != told}
    assert not wrong
    assert balanced([report])
    assert sum(t.offered for t in report.tables) == 200


def test_every_row_check_is_tripped_by_some_hand_made_row() -> None:
    tripped = {check for _, _, _, checks in rows() for check in checks.split(",")}
    assert tripped - {""} == set(rules()) - {"QC33", "QC34"}, "those two judge whole batches"


def test_the_checks_are_those_of_the_specification_and_each_has_its_condition() -> None:
    assert list(rules()) == [f"QC{n:02d}" for n in range(1, 35)]
    built = {*FORM, *CODES, *REGISTER, *LOGIC, *PLAUSIBILITY}
    elsewhere = {"QC06", "QC09", "QC33", "QC34"}
    assert built | elsewhere == set(rules())
    assert not built & elsewhere


def test_an_incomplete_batch_leaves_its_period_uncovered(tmp_path: Path) -> None:
    from xinheng.records.intake.completeness import coverage  # noqa: PLC0415

    lake = Lake.at(tmp_path / "lake")
    folder = write_delivery(tmp_path / "d", rows()[:5], promised={"entity.csv": 9})
    report = ingest(folder, None, lake, at=AT)
    assert "QC34 entity: Batch" in report.notes[0]
    assert "has 5 rows, expected 9" in report.notes[0]
    told = coverage(lake).collect().row(0, named=True)
    assert (told["record_type"], told["state"], str(told["month"])) == (
        "entity", "unknown", "2024-06-01",
    )  # fmt: skip


def test_a_batch_half_as_large_as_usual_leaves_its_period_uncovered(tmp_path: Path) -> None:
    base = dict(rows()[0][1])
    lake = Lake.at(tmp_path / "lake")

    def month(number: int, count: int) -> Report:
        made = [
            ("entity", base | {"source_record_no": f"{number}-{i}", "name_zh": f"甲{i}"}, "", "")
            for i in range(count)
        ]
        sent = f"2024-06-{10 + number:02d}T10:00:00+08:00"
        return ingest(write_delivery(tmp_path / f"d{number}", made, sent=sent), None, lake, at=AT)

    for number in range(4):
        assert month(number, 40).notes == ()
    assert "expected 40" in month(5, 19).notes[0]
    assert month(6, 21).notes == (), "an irregular feed has no usual size"


def test_a_repaired_record_may_not_become_unrepaired(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path / "lake")
    made = rows()
    ingest(write_delivery(tmp_path / "d", made), None, lake, at=AT)
    (repaired,) = [row for _, row, _, _ in made if row["source_record_no"] == "N-repaired"]
    again = {k: v for k, v in repaired.items() if k not in {"repair_status", "repaired_at"}}
    later = "2024-06-25T10:00:00+08:00"
    folder = write_delivery(tmp_path / "e", [("penalty", again, "", "")], sent=later)
    assert ingest(folder, None, lake, at=AT).tables[0].quarantined == 1
    told = lake.told(FINDINGS).filter(pl.col("source_record_no") == "N-repaired").collect()
    assert told["check"].to_list() == ["QC28"]


@pytest.mark.parametrize("language", ["message_en", "message_zh"])
def test_messages_name_what_is_wrong_in_both_languages(tmp_path: Path, language: str) -> None:
    lake = Lake.at(tmp_path / "lake")
    ingest(write_delivery(tmp_path / "d", rows()), None, lake, at=AT)
    told = lake.told(FINDINGS).select("check", language).collect()
    assert not told.filter(pl.col(language).str.contains(r"[{}]")).height
    first = dict(told.unique("check", keep="first", maintain_order=True).iter_rows())
    if language == "message_en":
        assert first["QC12"] == (
            "Amount 1000000.01 yuan exceeds 1,000,000. Held as disputed; confirmation 0 of 2 "
            "received."
        )
        assert first["QC03"].startswith("Name '示例市另外有限公司' does not match the registered")
    else:
        assert "处罚金额1000000.01元超过100万元" in first["QC12"]


def test_a_manifest_must_name_its_files(tmp_path: Path) -> None:
    folder = write_delivery(tmp_path / "d", rows()[:2], promised={"penalty.csv": 1})
    with pytest.raises(BadDelivery, match=r"names penalty\.csv, which is not there"):
        ingest(folder, None, Lake.at(tmp_path / "lake"), at=AT)


def test_folders_with_manifests_are_batches_in_the_order_of_arrival(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path / "lake", buckets=4)
    first, second = rows()[:1], rows()[1:2]
    write_delivery(tmp_path / "all/b", second, sent="2024-06-18T10:00:00+08:00")
    write_delivery(tmp_path / "all/a", first, sent="2024-06-19T10:00:00+08:00")
    found = find_deliveries(tmp_path / "all", None, at=AT)
    reports = ingest_all(found, lake, at=AT)
    assert balanced(reports)
    assert [d.place.name for d in found] == ["b", "a"]
    assert lake.batches()["arrived_at"].is_sorted()
    known = dict(lake.rows("entity").select("uscc", "known_at").collect().iter_rows())
    assert known[B] < known[A]
    assert all(r.already_taken for r in ingest_all(found, lake, at=AT))
