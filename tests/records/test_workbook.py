from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from xlsxwriter import Workbook

from xinheng.errors import BadDelivery
from xinheng.records.sources.forms.workbook import read_workbook, read_workbook_head

NAMES = ("代码", "金额", "日期", "时间", "备注")
CODE = "91440300192317458F"


def book(path: Path, *, title: bool = False) -> Path:
    """Two sheets; the second has what people type: a title, days, a long number, blank rows."""
    with Workbook(path) as made:
        made.add_worksheet("说明").write(0, 0, "见数据表")
        sheet = made.add_worksheet("数据")
        day = made.add_format({"num_format": "yyyy-mm-dd"})
        top = 2 if title else 0
        if title:
            sheet.write(0, 0, "2024年一季度处罚")
        sheet.write_row(top, 0, NAMES)
        sheet.write_row(top + 1, 0, [CODE, 5000])
        sheet.write_datetime(top + 1, 2, datetime(2024, 6, 3), day)  # noqa: DTZ001
        sheet.write_datetime(top + 1, 3, datetime(2024, 6, 3, 10, 30), day)  # noqa: DTZ001
        sheet.write_row(top + 4, 0, ["916403021234567890", 0.1, "2024/6/4", "", True])
        sheet.write_number(top + 5, 0, 916403021234567890)
    return path


def rows(path: Path, sheet: str = "数据") -> list[tuple[object, ...]]:
    head = read_workbook_head(path, sheet, frozenset(NAMES))
    return pl.concat(read_workbook(path, head, sheet, [])).rows()


@pytest.mark.parametrize("title", [False, True])
def test_cells_are_read_as_what_they_show(tmp_path: Path, *, title: bool) -> None:
    nothing = (None,) * 5
    assert rows(book(tmp_path / "d.xlsx", title=title)) == [
        (CODE, "5000", "2024-06-03", "2024-06-03 10:30:00", None),
        nothing,
        nothing,
        ("916403021234567890", "0.1", "2024/6/4", None, "true"),
        ("9.16403E+17", None, None, None, None),
    ]


def test_the_sheet_and_the_header_row_are_told(tmp_path: Path) -> None:
    path = book(tmp_path / "d.xlsx", title=True)
    head = read_workbook_head(path, "数据", frozenset(NAMES))
    assert (head.names, head.line) == (NAMES, 3)
    assert head.notes == (
        "d.xlsx: sheet 数据 is read; not read: 说明",
        "d.xlsx has its header in row 3; what is above was left out",
    )


def test_without_a_name_the_first_sheet_is_read(tmp_path: Path) -> None:
    head = read_workbook_head(book(tmp_path / "d.xlsx"), "", frozenset())
    assert head.notes[0] == "d.xlsx: sheet 说明 is read; not read: 数据"


@pytest.mark.parametrize(
    ("content", "sheet", "told"),
    [
        pytest.param(b"PK\x03\x04 no workbook", "", "is not a readable workbook", id="broken"),
        pytest.param(b"<html></html>", "", "is not a readable workbook", id="a web page"),
        pytest.param(None, "数", "has no sheet '数'; did you mean 数据", id="no such sheet"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    tmp_path: Path, content: bytes | None, sheet: str, told: str
) -> None:
    path = book(tmp_path / "d.xlsx")
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadDelivery, match=told) as fault:
        read_workbook_head(path, sheet, frozenset())
    assert "\n" not in str(fault.value)


def test_days_of_a_cell_are_days(tmp_path: Path) -> None:
    read = rows(book(tmp_path / "d.xlsx"))[0][2]
    assert date.fromisoformat(str(read)) == date(2024, 6, 3)
