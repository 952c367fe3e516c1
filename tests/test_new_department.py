"""The page for a new department is followed word by word: its files, its commands, its answers."""

from __future__ import annotations

import re
import shlex
from datetime import date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from xlsxwriter import Workbook

from xinheng.commands import cli

PAGE = Path(__file__).parent.parent / "docs/new_department.md"
REGISTER = """\
uscc,entity_name,source_dept,source_system,source_record_no,region_code,known_at,name_zh,\
entity_type,status,established_on,industry_code,registered_region_code,address_text,address_key,\
address_kind,large_enterprise
91640302MA1000009X,示例一餐饮有限公司,scjgj,djxt,E-1,640302,2019-01-02T09:00:00,\
示例一餐饮有限公司,enterprise,active,2018-05-07,H6210,640302,示例路1号,k-1,leased,false
"""
STEPS = re.compile(
    r"```(?P<kind>csv|sh|text)\n(?P<text>.*?)```|(?P<table>(?:^\|[^\n]*\|\n)+)",
    re.DOTALL | re.MULTILINE,
)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def write_workbook(path: Path, rows: list[list[str]]) -> None:
    """As a spreadsheet keeps it: days as days, numbers as numbers, a title above the header."""
    with Workbook(path, {"default_date_format": "yyyy/m/d"}) as book:
        sheet = book.add_worksheet("检查记录")
        sheet.write(0, 0, "消防监督检查情况表")
        for number, row in enumerate(rows, 1):
            for place, text in enumerate(row):
                if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
                    day = date.fromisoformat(text)
                    sheet.write_datetime(number, place, datetime(day.year, day.month, day.day))  # noqa: DTZ001
                elif text:
                    sheet.write(number, place, int(text) if text.isdigit() else text)


def filled_in(suggested: str, values: list[list[str]]) -> str:
    for name, value in values:
        mark = re.compile(rf'^# ({name.strip("`")} = \{{ constant = )"[^"]*"', re.MULTILINE)
        assert mark.search(suggested), name
        suggested = mark.sub(rf"\g<1>{value.strip('`')}", suggested)
    return suggested


def test_following_the_page_brings_both_files_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "entity.csv").write_text(REGISTER, encoding="utf-8")
    run("records ingest entity.csv --home HOME")
    names, said, answers = iter(["penalty.toml", "inspection.toml"]), "", 0
    for step in STEPS.finditer(PAGE.read_text(encoding="utf-8")):
        if step["kind"] == "csv":
            Path("城管处罚2024.csv").write_bytes(step["text"].encode("gb18030"))
        elif step["kind"] == "sh":
            said = run(step["text"].strip().removeprefix("xinheng "))
        elif step["kind"] == "text":
            place = 0
            for line in step["text"].splitlines():
                place = said.index(line, place)
                answers += 1
        elif step["table"].startswith("| line"):
            values = [cells(line) for line in step["table"].splitlines()[2:]]
            Path(next(names)).write_text(filled_in(said, values), encoding="utf-8")
        else:
            lines = step["table"].splitlines()
            write_workbook(Path("消防检查.xlsx"), [cells(line) for line in (lines[0], *lines[2:])])
    assert answers > 25


def run(line: str) -> str:
    result = CliRunner().invoke(cli, shlex.split(line))
    assert result.exit_code == 0, result.exception
    return result.stdout
