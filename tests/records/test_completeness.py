"""A department can deliver nothing and say so; what it does not deliver stays unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.records.deliveries import GOOD, HEADER, write_csv, write_mapping
from tests.records.handmade import rows
from tests.records.test_gate import write_delivery
from xinheng.errors import BadDelivery, BadMapping, UnknownName
from xinheng.records.intake import Report, find_deliveries, ingest, ingest_all
from xinheng.records.intake.completeness import coverage
from xinheng.records.lake import FINDINGS, Lake
from xinheng.records.quality import monthly_quality
from xinheng.records.sources.mapping import load_mapping
from xinheng.records.tickets.desk import keep_step
from xinheng.records.tickets.store import TicketStore

AT = datetime(2024, 6, 20, 2, tzinfo=UTC)


def manifest(folder: Path, *lines: str, region: str = "", sent: str = "2024-06-17") -> Path:
    """A delivery folder without any file but its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    head = [
        'department = "scj"', f'region = "{region}"', "period_from = 2024-06-01",
        "period_to = 2024-06-15", f"sent_at = {sent}T10:00:00+08:00", "[rows]",
    ]  # fmt: skip
    (folder / "manifest.toml").write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
    return folder


def lines(lake: Lake) -> list[tuple[str, str, str]]:
    """Table, region and state of every coverage line."""
    return coverage(lake).select("record_type", "region_code", "state").collect().rows()


def test_a_table_without_rows_covers_its_period_beside_those_with_rows(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path / "lake")
    folder = write_delivery(tmp_path / "d", rows()[:1], promised={"serious_list": 0})
    report = ingest(folder, None, lake, at=AT)
    assert [(t.record_type, t.offered, t.file) for t in report.tables] == [
        ("serious_list", 0, "manifest.toml"), ("entity", 1, "entity.csv"),
    ]  # fmt: skip
    assert report.notes == ()
    assert lines(lake) == [
        ("entity", "", "covered"), ("entity", "640302", "covered"),
        ("serious_list", "", "covered"),
    ]  # fmt: skip
    assert ingest(folder, None, lake, at=AT).already_taken


def test_a_delivery_may_consist_of_empty_tables_alone(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path / "lake")
    folder = manifest(tmp_path / "d", "serious_list = 0", "court_record = 0")
    (report,) = ingest_all(find_deliveries(tmp_path / "d", None, at=AT), lake, at=AT)
    assert [t.record_type for t in report.tables] == ["court_record", "serious_list"]
    assert {name for name, _, state in lines(lake) if state == "covered"} == {
        "court_record", "serious_list",
    }  # fmt: skip
    assert ingest(folder, None, lake, at=AT).already_taken
    assert lake.rows("entity").collect().height == 0


def test_a_manifest_with_a_region_speaks_of_that_region_only(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path / "lake")
    ingest(manifest(tmp_path / "d", "serious_list = 0", region="640303"), None, lake, at=AT)
    assert lines(lake) == [("serious_list", "640303", "covered")]
    notes = lake.coverage()
    assert notes is not None
    assert notes["scope"].to_list() == ["640303"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_with_a_header_and_no_rows_covers_its_period(tmp_path: Path, suffix: str) -> None:
    folder = write_delivery(tmp_path / "d", rows()[:1])
    columns = pl.read_csv(folder / "entity.csv").clear().cast(pl.String)
    (folder / "entity.csv").unlink()
    if suffix == "csv":
        columns.write_csv(folder / "entity.csv")
    else:
        columns.write_parquet(folder / "entity.parquet")
    manifest(folder, f'"entity.{suffix}" = 0')
    lake = Lake.at(tmp_path / "lake")
    report = ingest(folder, None, lake, at=AT)
    assert (report.tables[0].offered, report.notes) == (0, ())
    assert lines(lake) == [("entity", "", "covered")]


def test_an_empty_file_that_should_have_rows_is_in_doubt(tmp_path: Path) -> None:
    folder = write_delivery(tmp_path / "d", rows()[:1])
    text = (folder / "entity.csv").read_text("utf-8").splitlines()[0]
    (folder / "entity.csv").write_text(text + "\n", "utf-8")
    lake = Lake.at(tmp_path / "lake")
    assert "has 0 rows, expected 1" in ingest(folder, None, lake, at=AT).notes[0]
    assert lines(lake) == [("entity", "", "unknown")]


def test_without_a_manifest_an_empty_file_says_nothing_and_the_report_says_so(
    tmp_path: Path,
) -> None:
    lake = Lake.at(tmp_path / "lake")
    path, mapping = write_csv(tmp_path), load_mapping(write_mapping(tmp_path))
    report = ingest(path, mapping, lake, at=AT)
    assert report.notes == ("inspection: no rows; only a manifest says for which days",)
    assert lines(lake) == []
    wrong = write_csv(tmp_path, header=HEADER.replace("known", "knwn"))
    with pytest.raises(UnknownName, match="did you mean knwn"):
        ingest(wrong, mapping, lake, at=AT)


def test_no_rows_where_there_always_were_many_is_in_doubt_with_a_finding(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path / "lake")
    base = dict(rows()[0][1])
    for number in range(4):
        made = [
            ("entity", base | {"source_record_no": f"{number}-{i}", "name_zh": f"甲{i}"}, "", "")
            for i in range(40)
        ]
        sent = f"2024-06-{18 + number}T10:00:00+08:00"
        ingest(write_delivery(tmp_path / f"d{number}", made, sent=sent), None, lake, at=AT)
    report = ingest(manifest(tmp_path / "e", "entity = 0", sent="2024-06-25"), None, lake, at=AT)
    assert "expected 40" in report.notes[0]
    found = lake.told(FINDINGS).filter(pl.col("check") == "QC34").collect()
    assert found.select("file", "record_type", "source_dept").rows() == [
        ("manifest.toml", "entity", "scj")
    ]
    store = TicketStore.at(f"sqlite:///{tmp_path / 'tickets.db'}")
    keep_step(store, lake, at=AT)
    assert monthly_quality(lake, store, AT.date().replace(day=1)).height
    store.close()


def test_a_table_that_is_usually_empty_may_have_rows_and_be_empty_again(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path / "lake")
    told: list[Report] = []
    for number in range(5):
        sent = f"2024-06-{17 + number}"
        folder = manifest(tmp_path / f"d{number}", "entity = 0", sent=sent)
        told.append(ingest(folder, None, lake, at=AT))
    some = write_delivery(tmp_path / "e", rows()[:5], sent="2024-06-22T10:00:00+08:00")
    told.append(ingest(some, None, lake, at=AT))
    told.append(
        ingest(manifest(tmp_path / "f", "entity = 0", sent="2024-06-23"), None, lake, at=AT)
    )
    assert [one.notes for one in told] == [()] * 7


def test_what_a_mapping_expects_may_be_said_to_be_empty(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path / "lake")
    mapping = load_mapping(write_mapping(tmp_path))
    report = ingest(manifest(tmp_path / "d", "inspection = 0"), mapping, lake, at=AT)
    assert [(t.record_type, t.offered) for t in report.tables] == [("inspection", 0)]
    with pytest.raises(BadMapping, match="table inspection: no delivered file"):
        ingest(manifest(tmp_path / "e", "penalty = 0"), mapping, lake, at=AT)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        pytest.param("serious_list = 3", "names serious_list, which is not there", id="rows"),
        pytest.param('"serious.csv" = 0', r"names serious\.csv, which is not there", id="a file"),
        pytest.param("serious_list = -1", "greater than or equal to 0", id="fewer than none"),
    ],
)
def test_only_a_table_without_rows_needs_no_file(tmp_path: Path, line: str, fault: str) -> None:
    with pytest.raises(BadDelivery, match=fault):
        ingest(manifest(tmp_path / "d", line), None, Lake.at(tmp_path / "lake"), at=AT)


def test_a_table_cannot_be_empty_and_have_a_file(tmp_path: Path) -> None:
    folder = write_delivery(tmp_path / "d", rows()[:1], promised={"entity": 0})
    with pytest.raises(BadDelivery, match=r"gives entity no rows, and entity\.csv feeds it"):
        ingest(folder, None, Lake.at(tmp_path / "lake"), at=AT)


def test_rows_and_empty_files_of_one_mapping_are_read_together(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    write_csv(folder, GOOD, name="a.csv")
    write_csv(folder, name="b.csv")
    mapping = load_mapping(write_mapping(tmp_path))
    report = ingest(folder, mapping, Lake.at(tmp_path / "lake"), at=AT)
    assert [(t.file, t.offered, t.accepted) for t in report.tables] == [
        ("a.csv", 1, 1), ("b.csv", 0, 0),
    ]  # fmt: skip
