from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.records.deliveries import FIRM, GOOD, OTHER, write_csv, write_mapping
from xinheng.records.intake import find_deliveries, ingest
from xinheng.records.intake.check import Checked, check_deliveries, describe_faults
from xinheng.records.lake import Lake
from xinheng.records.sources.mapping import load_mapping

AT = datetime(2024, 6, 1, tzinfo=UTC)
ROWS = (
    GOOD,
    GOOD.replace("N1", "N2").replace("ok", "maybe"),
    GOOD.replace("N1", "N3").replace("ok", "perhaps"),
    GOOD.replace("N1", "N4").replace("2024-03-01", "1999-03-01"),
    f"{GOOD.replace('N1', 'N5')},too,many",
)


def check(folder: Path, *rows: str) -> Checked:
    mapping = load_mapping(write_mapping(folder))
    found = find_deliveries(write_csv(folder, *rows), mapping, at=AT)
    return check_deliveries(found, folder / "lake", at=AT)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_check_says_what_an_ingest_does(tmp_path: Path) -> None:
    """The same books and the same reasons, beside what is there already."""
    lake = Lake.at(tmp_path / "lake")
    mapping = load_mapping(write_mapping(tmp_path))
    ingest(write_csv(tmp_path, GOOD, name="first.csv"), mapping, lake, at=AT)
    checked = check(tmp_path, *ROWS)
    taken = ingest(tmp_path / "d.csv", mapping, lake, at=AT)
    assert checked.reports == [taken]
    (told,) = taken.tables
    assert (told.offered, told.duplicate, told.rejected) == (5, 1, 3)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_check_leaves_everything_as_it_was(tmp_path: Path, *, is_there: bool) -> None:
    if is_there:
        mapping = load_mapping(write_mapping(tmp_path))
        first = f"{OTHER},乙,N9,2024-03-01,2024-03-05,bad,2"
        path = write_csv(tmp_path, first, name="first.csv")
        ingest(path, mapping, Lake.at(tmp_path / "lake"), at=AT)
    write_csv(tmp_path, *ROWS)
    write_mapping(tmp_path)
    before = contents(tmp_path)
    check(tmp_path, *ROWS)
    assert contents(tmp_path) == before
    assert (tmp_path / "lake").exists() == is_there


def test_each_kind_of_fault_is_told_once_with_its_first_rows(tmp_path: Path) -> None:
    lines = describe_faults(check(tmp_path, *ROWS).findings)
    assert lines[0] == "d.csv: rejected by QC09, row 2, 3"
    assert "'maybe' of result" in lines[1]
    assert "'perhaps' of result" in lines[2]
    assert "不在数据字典" in lines[3]
    places = [line for line in lines if line.startswith("d.csv")]
    assert "d.csv: rejected by QC08, row 5" in places
    assert places[-1] == "d.csv: taken with a warning by QC11, row 4"
    assert FIRM not in lines[0]
