from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from xinheng.errors import BadDelivery
from xinheng.records.sources.forms.delimited import UNSPLIT
from xinheng.records.sources.forms.json_rows import read_json, read_json_head

ARRAY = '[{"a": 1.50, "b": "甲"}, {"b": null, "c": true, "d": ["x", "y"], "e": {"f": 1}}]'
LINES = '{"a": 1.50, "b": "甲"}\n\n{"b": null, "c": true, "d": ["x", "y"], "e": {"f": 1}}\n'
ROWS = [("1.50", "甲", None, None, None), (None, None, "true", "x|y", '{"f": "1"}')]


def read(path: Path) -> pl.DataFrame:
    return pl.concat(read_json(path, read_json_head(path), []), how="diagonal")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("d.json", ARRAY, id="an array"),
        pytest.param("d.json", f'{{"total": 2, "rows": {ARRAY}}}', id="an answer with an array"),
        pytest.param("d.jsonl", LINES, id="lines"),
        pytest.param("d.ndjson", f"\ufeff{LINES}", id="lines with a mark"),
    ],
)
def test_members_are_cells_as_they_are_written(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    frame = read(path)
    assert (frame.columns, frame.rows()) == ([*"abcde"], ROWS)


def test_a_line_that_is_no_object_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text('{"a": 1}\n{"a": 2\n[3]\n{"a": 4}\n', encoding="utf-8")
    assert read(path).select("a", UNSPLIT).rows() == [
        ("1", None), (None, '{"a": 2'), (None, "[3]"), ("4", None),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["{", '{"a": 1}', "[1, 2]", '"x"'])
def test_what_holds_no_records_is_refused_with_what_to_send(tmp_path: Path, text: str) -> None:
    path = tmp_path / "d.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadDelivery, match="send an array of objects"):
        read_json_head(path)
