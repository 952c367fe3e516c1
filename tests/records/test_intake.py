from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records.deliveries import FIRM, GOOD, HEADER, MAPPING, OTHER, write_csv, write_mapping
from xinheng.errors import BadDelivery, BadMapping, UnknownName, XinhengError
from xinheng.records.intake import Report, TableReport, find_deliveries, ingest, ingest_all
from xinheng.records.lake import FINDINGS, Lake
from xinheng.records.sources.mapping import load_mapping

AT = datetime(2024, 6, 1, tzinfo=UTC)


def take(folder: Path, *rows: str, header: str = HEADER, lake: Lake | None = None) -> Report:
    path = write_csv(folder, *rows, header=header)
    mapping = load_mapping(write_mapping(folder))
    return ingest(path, mapping, lake or Lake.at(folder / "lake"), at=AT)


def only(report: Report) -> TableReport:
    (table,) = report.tables
    return table


def test_a_good_row_is_accepted_with_its_two_times(tmp_path: Path) -> None:
    assert only(take(tmp_path, GOOD)).accepted == 1
    row = Lake(tmp_path / "lake").rows("inspection").collect().row(0, named=True)
    assert row["event_at"] == datetime(2024, 2, 29, 16, tzinfo=UTC), "midnight in Shanghai"
    assert row["known_at"] == datetime(2024, 3, 4, 16, tzinfo=UTC)
    assert (row["version"], row["result"], row["quality_status"]) == (1, "no_problem", "passed")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(
            f"{FIRM},甲,N1,2014-02-30,2024-03-05,ok,0",
            "QC10 Date checked_on=2014-02-30 is impossible",
            id="a date that never was",
        ),
        pytest.param(
            f"{FIRM},甲,N1,2024-03-01,2024-02-01,ok,0",
            "QC10 Date checked_on=2024-03-01 is impossible",
            id="known too early",
        ),
        pytest.param(
            "91440300192317458G,甲,N1,2024-03-01,2024-03-05,ok,0",
            "check character is G, expected F",
            id="wrong check character",
        ),
        pytest.param(
            f"{FIRM},甲,N1,2024-03-01,2024-03-05,maybe,0",
            "QC09 Value 'maybe' of result is not in the dictionary no_problem",
            id="outside the code list",
        ),
        pytest.param(
            f"{FIRM},甲,N1,2024-03-01,2024-03-05,ok,1.5",
            "QC09 Value '1.5' of critical_defects is no whole number",
            id="not a whole number",
        ),
        pytest.param(
            f"{FIRM},甲,,2024-03-01,2024-03-05,ok,0",
            "QC08 Key field source_record_no is empty",
            id="no number",
        ),
        pytest.param(
            f"{FIRM},测试,N1,2024-03-01,2024-03-05,ok,0",
            "QC08 Key field entity_name is empty or a placeholder",
            id="placeholder",
        ),
        pytest.param(
            f"{FIRM},甲,N1,,2024-03-05,ok,0", "QC08 Key field checked_on is empty", id="no date"
        ),
        pytest.param(
            f"{FIRM},甲,N1,1900-01-01,2024-03-05,ok,0",
            "QC10 Date checked_on=1900-01-01 is impossible",
            id="before 1949",
        ),
    ],
)
def test_a_bad_row_is_rejected_counted_and_kept_with_its_reason(
    tmp_path: Path, row: str, reason: str
) -> None:
    report = only(take(tmp_path, row, f"{OTHER},乙,N2,2024-03-01,2024-03-05,bad,2"))
    assert (report.offered, report.accepted, report.rejected) == (2, 1, 1)
    assert reason in report.reasons[0]
    kept = Lake(tmp_path / "lake").rejected().row(0, named=True)
    assert kept["row"] == 1
    assert reason in kept["reasons"]
    assert row.split(",")[5] in kept["content"], "the row as it was sent"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"", "d.csv is empty (0 bytes)", id="empty file"),
        pytest.param(f"{HEADER}\n{GOOD}\n企".encode()[:-1], "is not utf-8: byte", id="cut off"),
        pytest.param(f"{HEADER},day\n".encode(), "has column 'day' twice", id="a column twice"),
    ],
)
def test_a_bad_file_is_one_line_and_nothing_is_written(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(content)
    lake = Lake.at(tmp_path / "lake")
    with pytest.raises(BadDelivery) as fault:
        ingest(path, load_mapping(write_mapping(tmp_path)), lake, at=AT)
    assert told in str(fault.value)
    assert "\n" not in str(fault.value)
    assert lake.batches().height == 0
    assert not (tmp_path / "lake/inspection").exists()


def test_a_truncated_parquet_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    pl.DataFrame({name: ["x"] * 100 for name in HEADER.split(",")}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BadDelivery, match=r"d\.parquet is not a readable Parquet file"):
        ingest(path, load_mapping(write_mapping(tmp_path)), Lake.at(tmp_path / "lake"), at=AT)


def test_a_column_that_is_not_there_offers_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"d\.csv, table inspection.*'known'.*did you mean knwn"):
        take(tmp_path, GOOD, header=HEADER.replace("known", "knwn"))


def test_the_same_delivery_again_adds_nothing(tmp_path: Path) -> None:
    take(tmp_path, GOOD)
    assert take(tmp_path, GOOD).already_taken
    assert Lake(tmp_path / "lake").rows("inspection").collect().height == 1


def test_the_same_row_in_another_delivery_is_a_duplicate(tmp_path: Path) -> None:
    take(tmp_path, GOOD)
    report = only(take(tmp_path, GOOD, f"{OTHER},乙,N2,2024-03-01,2024-03-05,bad,2"))
    assert (report.accepted, report.duplicate) == (1, 1)


def test_a_changed_row_is_a_new_version_and_the_old_one_stays(tmp_path: Path) -> None:
    take(tmp_path, GOOD)
    take(tmp_path, GOOD.replace("ok,0", "bad,2").replace("03-05", "04-01"))
    rows = Lake(tmp_path / "lake").rows("inspection").sort("version").collect()
    assert rows["version"].to_list() == [1, 2]
    assert rows["result"].to_list() == ["no_problem", "failed"]
    assert rows["record_id"].n_unique() == 2


SYSTEM = 'source_system = { constant = "test" }'
STATED = MAPPING.replace(SYSTEM, f'{SYSTEM}\n    operation = "operation"')


def take_stated(folder: Path, *rows: str) -> TableReport:
    """Rows of a source that says what each operation is."""
    path = write_csv(folder, *rows, header=f"{HEADER},operation")
    mapping = load_mapping(write_mapping(folder, STATED))
    return only(ingest(path, mapping, Lake.at(folder / "lake"), at=AT))


def test_a_late_copy_of_an_old_version_does_not_undo_its_correction(tmp_path: Path) -> None:
    lake, mapping = Lake.at(tmp_path / "lake"), load_mapping(write_mapping(tmp_path, STATED))
    corrected = GOOD.replace("ok,0", "bad,2").replace("03-05", "04-01")
    copy = GOOD.replace("03-05", "05-01")
    for number, row in enumerate((f"{GOOD},insert", f"{corrected},correct", f"{copy},insert")):
        path = write_csv(tmp_path, row, header=f"{HEADER},operation", name=f"{number}.csv")
        report = ingest(path, mapping, lake, at=AT)
    assert only(report).duplicate == 1
    assert lake.rows("inspection").collect().height == 2
    back = f"{copy},correct"
    path = write_csv(tmp_path, back, header=f"{HEADER},operation", name="back.csv")
    assert only(ingest(path, mapping, lake, at=AT)).accepted == 1, "a correction may go back"


def test_a_back_dated_correction_is_rejected(tmp_path: Path) -> None:
    take(tmp_path, GOOD)
    report = only(take(tmp_path, GOOD.replace("ok,0", "bad,2").replace("03-05", "03-03")))
    assert (report.accepted, report.rejected) == (0, 1)
    assert "already stored" in report.reasons[0]


def test_a_correction_of_the_code_ends_the_fact_at_the_former_enterprise(tmp_path: Path) -> None:
    take_stated(tmp_path, f"{GOOD},insert")
    moved = GOOD.replace(FIRM, OTHER).replace("03-05", "04-01")
    report = take_stated(tmp_path, f"{moved},correct")
    assert (report.accepted, report.rejected) == (1, 0)
    lake = Lake(tmp_path / "lake")
    former = lake.rows("inspection", [FIRM]).sort("version").collect()
    assert former["operation"].to_list() == ["insert", "withdraw"]
    assert former["known_at"][1] == datetime(2024, 3, 31, 16, tzinfo=UTC)
    assert lake.rows("inspection", [OTHER]).collect()["version"].to_list() == [3]


def test_versions_inside_one_delivery_follow_their_arrival(tmp_path: Path) -> None:
    later = GOOD.replace("ok,0", "bad,2").replace("03-05", "04-01")
    report = only(take(tmp_path, later, GOOD, GOOD))
    assert (report.accepted, report.duplicate) == (2, 1)
    rows = Lake(tmp_path / "lake").rows("inspection").sort("version").collect()
    assert rows["result"].to_list() == ["no_problem", "failed"]


cell = st.sampled_from(["N1", "N2", "N3", ""])
row = st.tuples(
    st.sampled_from([FIRM, OTHER, "91440300192317458G", ""]),
    cell,
    st.sampled_from(["2024-03-01", "2024-02-30", ""]),
    st.sampled_from(["2024-03-05", "2024-03-06", "2023-01-01", "soon"]),
    st.sampled_from(["ok", "bad", "?"]),
)


@settings(max_examples=25)
@given(st.lists(st.lists(row, min_size=1, max_size=6), min_size=1, max_size=3))
def test_rows_in_are_rows_accepted_quarantined_rejected_and_duplicate(
    tmp_path_factory: pytest.TempPathFactory, deliveries: list[list[tuple[str, ...]]]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    accepted = rejected = 0
    for delivery in deliveries:
        lines = [
            f"{code},甲,{no},{day},{known},{result},{int(result == 'bad')}"
            for code, no, day, known, result in delivery
        ]
        report = take(folder, *lines)
        ended = only(report) if not report.already_taken else None
        if ended is not None:
            told = ended.accepted + ended.quarantined + ended.rejected + ended.duplicate
            assert told + ended.left_out == len(delivery)
            accepted += ended.accepted + ended.quarantined
            rejected += ended.rejected
    lake = Lake(folder / "lake")
    stored = lake.rows("inspection").filter(pl.col("operation") != "withdraw").collect()
    assert stored.height == accepted, "beside withdrawals where a fact changed its enterprise"
    assert lake.rejected().height == rejected


def test_errors_name_a_folder_without_files(tmp_path: Path) -> None:
    with pytest.raises(XinhengError, match="holds nothing that can be read: CSV, Excel"):
        ingest(tmp_path, load_mapping(write_mapping(tmp_path)), Lake.at(tmp_path / "l"), at=AT)


def test_a_row_that_cannot_be_split_is_one_rejected_row(tmp_path: Path) -> None:
    """One comma too many in a file costs one row, with its number and its text."""
    report = take(tmp_path, GOOD, f"{GOOD.replace('N1', 'N2')},9", GOOD.replace("N1", "N3"))
    assert (only(report).accepted, only(report).rejected) == (2, 1)
    (reason,) = only(report).reasons
    assert reason.startswith("row 2: QC08 The row has more cells than the header")
    (sent,) = Lake(tmp_path / "lake").rejected().rows(named=True)
    assert (sent["row"], "N2" in sent["content"]) == (2, True)


def test_blank_rows_are_left_out_and_open_no_ticket(tmp_path: Path) -> None:
    told = only(take(tmp_path, GOOD, ",,,,,,", "", GOOD.replace("N1", "N2")))
    assert (told.offered, told.left_out, told.accepted, told.rejected) == (4, 2, 2, 0)


def test_what_was_detected_stands_in_the_notes_of_the_report(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    lines = ["一季度检查;;;;;;", HEADER.replace(",", ";"), GOOD.replace(",", ";")]
    path.write_bytes("\n".join(lines).encode("gb18030"))
    lake = Lake.at(tmp_path / "lake")
    report = ingest(path, load_mapping(write_mapping(tmp_path)), lake, at=AT)
    assert only(report).accepted == 1
    assert report.notes == (
        "d.csv is read as gb18030",
        "d.csv has ';' between its cells",
        "d.csv has its header in line 2; what is above was left out",
    )


def test_files_that_are_not_read_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "delivery"
    folder.mkdir()
    write_csv(folder, GOOD)
    (folder / "more.xml").write_text("<rows/>", encoding="utf-8")
    mapping = load_mapping(write_mapping(tmp_path))
    report = ingest(folder, mapping, Lake.at(tmp_path / "lake"), at=AT)
    assert report.notes[0].startswith("more.xml was not read: CSV, Excel workbooks (.xlsx)")


def test_a_name_with_a_bracket_is_a_name(tmp_path: Path) -> None:
    """`d[1].csv` is not the pattern that `d1.csv` fits."""
    write_csv(tmp_path, GOOD, name="d[1].csv")
    write_csv(tmp_path, GOOD.replace("N1", "N2"), name="d1.csv")
    text = MAPPING.replace('name = "inspection"', 'name = "inspection"\nfile = "d[1].csv"')
    mapping = load_mapping(write_mapping(tmp_path, text))
    assert [t.file for t in ingest(tmp_path, mapping, Lake.at(tmp_path / "l"), at=AT).tables] == [
        "d[1].csv"
    ]


@pytest.mark.parametrize(
    "name",
    ["inspection.csv", "inspection-2.csv", "inspection[1].csv", "inspection (2).csv",
     "Inspection_2024.csv"],
)  # fmt: skip
def test_a_canonical_file_may_have_what_a_browser_adds_to_its_name(
    tmp_path: Path, name: str
) -> None:
    path = write_csv(tmp_path, "x", header="uscc", name=name)
    with pytest.raises(BadMapping, match="must be given"):
        ingest(path, None, Lake.at(tmp_path / "lake"), at=AT)


def test_without_known_at_rows_are_known_from_their_arrival(tmp_path: Path) -> None:
    text = MAPPING.replace('    known_at = "known"\n', "")
    lake = Lake.at(tmp_path / "lake")
    ingest(write_csv(tmp_path, GOOD), load_mapping(write_mapping(tmp_path, text)), lake, at=AT)
    assert lake.rows("inspection").collect()["known_at"].to_list() == [AT]


def test_columns_of_a_format_may_have_blanks_in_their_names(tmp_path: Path) -> None:
    header = HEADER.replace(",no,", ",VISIT NO,")
    text = MAPPING.replace('source_record_no = "no"',
                           'source_record_no = { format = "{code}-{VISIT NO}" }')  # fmt: skip
    lake = Lake.at(tmp_path / "lake")
    path = write_csv(tmp_path, GOOD, header=header)
    ingest(path, load_mapping(write_mapping(tmp_path, text)), lake, at=AT)
    assert lake.rows("inspection").collect()["source_record_no"].to_list() == [f"{FIRM}-N1"]


@pytest.mark.parametrize("day", ["2024-03-01", "2024/3/1", "2024年3月1日", "45352"])
def test_days_of_several_forms_stand_in_one_column(tmp_path: Path, day: str) -> None:
    forms = '["%Y/%m/%d", "%Y年%m月%d日", "excel"]'
    text = MAPPING.replace(
        'checked_on = "day"', f'checked_on = {{ column = "day", date_format = {forms} }}'
    )
    text = text.replace('    known_at = "known"\n', "")
    lake = Lake.at(tmp_path / "lake")
    path = write_csv(tmp_path, GOOD.replace("2024-03-01", day))
    assert only(ingest(path, load_mapping(write_mapping(tmp_path, text)), lake, at=AT)).accepted
    assert lake.rows("inspection").collect()["checked_on"].to_list() == [date(2024, 3, 1)]


@pytest.mark.parametrize(
    ("scored_until", "warned"), [("2024-03-05", ["N1"]), ("2024-03-01", []), (None, [])]
)
def test_a_row_that_a_former_score_should_have_known_is_told(
    tmp_path: Path, scored_until: str | None, warned: list[str]
) -> None:
    """`known_at` is the department's word: scored without the row, the past would look wrong."""
    moment = datetime.fromisoformat(f"{scored_until}T00:00+08:00") if scored_until else None
    path = write_csv(tmp_path, GOOD, GOOD.replace("N1", "N2").replace("03-05", "05-05"))
    mapping = load_mapping(write_mapping(tmp_path))
    lake = Lake.at(tmp_path / "lake")
    ingest_all(find_deliveries(path, mapping, at=AT, scored_until=moment), lake, at=AT)
    told = lake.told(FINDINGS).filter(pl.col("field") == "known_at").collect()
    late = told.filter(pl.col("message_en").str.contains("scored without this row"))
    assert late["source_record_no"].to_list() == warned
    assert lake.rows("inspection").collect().height == 2, "both are taken"


def test_a_wide_row_becomes_rows_of_which_each_is_judged_by_itself(tmp_path: Path) -> None:
    """Four values of two rows: one is no value, one is empty; the books balance."""
    text = """
        [identifier]
        kind = "uscc"
        column = "code"

        [envelope]
        entity_name = "name"
        source_dept = { constant = "market" }
        source_system = { constant = "test" }
        region_code = { constant = "640302" }
        known_at = "known"

        [[table]]
        name = "sector_profile"
        unpivot = { columns = ["staff", "area"] }

        [table.columns]
        source_record_no = { format = "{code}-{attribute}" }
        sector = { constant = "food" }
        attribute = "attribute"
        value_num = "value"
        valid_from = "day"
    """
    path = write_csv(
        tmp_path,
        f"{FIRM},甲公司,2024-03-01,2024-03-05,3,x",
        f"{OTHER},乙公司,2024-03-01,2024-03-05,5,",
        header="code,name,day,known,staff,area",
    )
    lake = Lake.at(tmp_path / "lake")
    report = ingest(path, load_mapping(write_mapping(tmp_path, text)), lake, at=AT)
    told = only(report)
    kept = told.accepted + told.quarantined
    assert (told.offered, told.left_out, kept, told.rejected) == (4, 1, 2, 1)
    assert told.reasons[0].startswith("row 1: QC09 Value 'x' of value_num is no number")
    assert lake.rejected()["row"].to_list() == [1]
