from __future__ import annotations

from pathlib import Path

import pytest

from xinheng.errors import BadDelivery
from xinheng.records.sources.forms.head import detect_encoding, find_header, read_head

WANTED = frozenset({"统一社会信用代码", "企业名称"})
HEADER = "统一社会信用代码,企业名称,备注"
ROW = "91440300192317458F,示例一餐饮有限公司,整改"


def head(path: Path, text: str, encoding: str = "utf-8") -> tuple[object, ...]:
    path.write_bytes(text.encode(encoding))
    told = read_head(path, encoding="", delimiter="", wanted=WANTED)
    return told.names[:2], told.line, told.encoding, told.delimiter, len(told.notes)


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [
        pytest.param(f"{HEADER}\n{ROW}", "utf-8", (1, "utf-8", ",", 0), id="as agreed"),
        pytest.param(f"{HEADER}\n{ROW}", "utf-8-sig", (1, "utf-8", ",", 0), id="with a mark"),
        pytest.param(f"{HEADER}\n{ROW}", "gb18030", (1, "gb18030", ",", 1), id="Chinese Windows"),
        pytest.param(f"{HEADER}\n{ROW}", "utf-16", (1, "utf-16", ",", 1), id="Unicode text"),
        pytest.param(f"{HEADER}\n{ROW}", "utf-16-le", (1, "utf-16-le", ",", 1), id="no mark"),
        pytest.param(f"标题,\n\n{HEADER}\n{ROW}", "utf-8", (3, "utf-8", ",", 1), id="title"),
        pytest.param(HEADER.replace(",", ";"), "utf-8", (1, "utf-8", ";", 1), id="semicolons"),
        pytest.param(HEADER.replace(",", "\t"), "gb18030", (1, "gb18030", "\t", 2), id="tabs"),
    ],
)  # fmt: skip
def test_what_was_not_agreed_is_detected_and_told(
    tmp_path: Path, text: str, encoding: str, told: tuple[object, ...]
) -> None:
    """The header's line, the encoding, the delimiter and the number of notes."""
    names = ("统一社会信用代码", "企业名称")
    assert head(tmp_path / "d.csv", text, encoding) == (names, *told)


def test_without_any_wanted_column_the_first_row_is_the_header() -> None:
    assert find_header([["a", "b"], ["1", "2"]], WANTED) == 0


def test_with_nothing_wanted_a_title_is_not_the_header() -> None:
    rows = [["2024年检查情况", "", ""], ["代码", "名称", "日期"], ["1", "甲", "2024"]]
    assert find_header(rows, frozenset()) == 1


def test_a_column_without_a_name_is_called_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("a, b ,,\n1,2,3,4\n", encoding="utf-8")
    told = read_head(path, encoding="", delimiter="", wanted=frozenset())
    assert told.names == ("a", "b", "column 3", "column 4")


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("a, a\n1,2\n", encoding="utf-8")
    with pytest.raises(BadDelivery, match="has column 'a' twice"):
        read_head(path, encoding="", delimiter="", wanted=frozenset())


def test_an_encoding_that_does_not_exist_is_named(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(BadDelivery, match="no encoding is named 'gb1803'"):
        read_head(path, encoding="gb1803", delimiter="", wanted=frozenset())


@pytest.mark.parametrize("text", ["企业,日期\n", "企", "uscc,示例𠮷野餐饮有限公司\n"])
def test_short_chinese_texts_are_no_riddle(text: str) -> None:
    assert detect_encoding(text.encode("gb18030")) == "gb18030"


def test_lines_that_end_in_carriage_returns_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDelivery, match="ends its lines with carriage returns alone"):
        head(tmp_path / "d.csv", "a,b\r1,2\r")


def test_a_stray_nul_does_not_make_a_file_utf_16() -> None:
    assert detect_encoding(("uscc,name\n9164,示例\0\n" + "9164,示例公司\n" * 9).encode()) == "utf-8"
    assert detect_encoding("uscc,name\n9164,示例公司\n".encode("utf-16-le")) == "utf-16-le"
