from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.records.test_numbers import FINE
from xinheng.errors import BadMapping
from xinheng.records.intake.deliveries import find_deliveries
from xinheng.records.sources.mapping import load_mapping
from xinheng.records.suggest.suggestion import suggest_mapping
from xinheng.records.tables import tables

AT = datetime(2024, 6, 1, tzinfo=UTC)
HEADER = '统一社会信用代码,当事人,文号,罚款(万元),决定日期,失信程度,怪列"#'
ROW = "91440300192317458F,甲公司,罚1,0.5,2024/3/1,XX,1"


def suggested(folder: Path, *lines: str) -> str:
    path = folder / "处罚 [1].csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return suggest_mapping(path)


def test_a_suggestion_is_toml_that_says_what_is_left(tmp_path: Path) -> None:
    text = suggested(tmp_path, HEADER, ROW)
    (part,) = tomllib.loads(text)["table"]
    assert (part["name"], part["file"]) == ("penalty", "处罚 [1].csv")
    assert part["columns"][FINE.name] == {"column": "罚款(万元)", "unit": "万元"}
    assert part["columns"]["source_record_no"] == part["columns"]["decision_no"] == "文号"
    path = tmp_path / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(
        BadMapping, match=r"source_dept, source_system, region_code, .* must be mapped"
    ):
        load_mapping(path)


def test_what_is_filled_in_is_a_mapping(tmp_path: Path) -> None:
    """Each line to fill in is a mapping's line as soon as its mark and its gap are gone."""
    text = suggested(tmp_path, HEADER, ROW).replace('"XX" = "?"', '"XX" = "serious"')
    options = {"procedure": "ordinary", "sector": "other", "state": "effective"}
    for name, value in options.items():
        text = text.replace(f'# {name} = {{ constant = ""', f'{name} = {{ constant = "{value}"')
    text = re.sub(r'^# (\w+ = \{ constant = )""', r'\1"0"', text, flags=re.MULTILINE)
    text = re.sub(r"^# (region_code = )", r"\1", text, flags=re.MULTILINE)
    path = tmp_path / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    mapping = load_mapping(path)
    (delivery,) = find_deliveries(tmp_path / "处罚 [1].csv", mapping, at=AT)
    assert [part.name for _, part in delivery.assigned()] == ["penalty"]


def test_without_a_heading_the_code_is_known_by_its_check(tmp_path: Path) -> None:
    text = suggested(tmp_path, HEADER.replace("统一社会信用代码", "甲"), ROW)
    assert tomllib.loads(text)["identifier"]["column"] == "甲"


@pytest.mark.parametrize("name", tables())
def test_every_table_can_be_suggested(tmp_path: Path, name: str) -> None:
    columns = [c.name for c in tables()[name].own]
    text = suggested(tmp_path, ",".join(["uscc", *columns]), ",".join("x" for _ in range(9)))
    assert tomllib.loads(text)["table"]
