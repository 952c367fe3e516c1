from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinheng.records.sources.forms import delimited
from xinheng.records.sources.forms.delimited import UNSPLIT, read_delimited
from xinheng.records.sources.forms.head import DELIMITERS, read_head

NAMES = ("code", "名称", "note")
cells = st.text(st.characters(codec="gb18030", exclude_characters="\r\x00\ufeff"), max_size=12)
rows_of_text = st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=8)


def written(rows: list[tuple[str, ...]], delimiter: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([NAMES, *rows])
    return text.getvalue()


def read(path: Path) -> pl.DataFrame:
    head = read_head(path, encoding="", delimiter="", wanted=frozenset(NAMES))
    return pl.concat(read_delimited(path, head, []), how="diagonal")


@settings(max_examples=60)
@given(
    rows=rows_of_text,
    delimiter=st.sampled_from(DELIMITERS),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_spreadsheet_wrote_is_read_cell_by_cell(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, ...]],
    delimiter: str,
    encoding: str,
) -> None:
    """Quotes, line ends and delimiters in a cell belong to it, whatever the form of the file."""
    path = tmp_path_factory.mktemp("form") / "d.csv"
    path.write_bytes(written(rows, delimiter).encode(encoding))
    frame = read(path)
    assert UNSPLIT not in frame.columns
    assert [tuple(cell or "" for cell in row) for row in frame.select(NAMES).rows()] == rows


@settings(max_examples=60)
@given(
    rows=st.lists(st.tuples(*[st.sampled_from(["a", "甲 乙", "1.5", ""])] * 3), max_size=6),
    place=st.integers(0, 6),
    bad=st.sampled_from(["x,y,z,too,many", 'a,"b,c', 'a,b"c,d', 'a,"b"c,d', '"', "a,b,c,"]),
)
def test_one_row_that_cannot_be_split_is_one_row_and_the_others_stay(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], place: int, bad: str
) -> None:
    path = tmp_path_factory.mktemp("form") / "d.csv"
    place = min(place, len(rows))
    lines = [",".join(row) for row in rows]
    path.write_text("\n".join([",".join(NAMES), *lines[:place], bad, *lines[place:]]) + "\n")
    frame = read(path)
    assert frame.height == len(rows) + 1
    assert frame[UNSPLIT].to_list() == [None] * place + [bad] + [None] * (len(rows) - place)
    others = frame.filter(pl.col(UNSPLIT).is_null()).select(NAMES).rows()
    assert [tuple(cell or "" for cell in row) for row in others] == rows


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("a,b\n1,2\n3,4,5\n6,7\n", id="a cell too many"),
        pytest.param('a,b\n1,2\n3,"4\n6,7\n', id="an open quote"),
    ],
)
def test_a_long_file_is_read_as_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    """As a stream the fault may show when rows before it are gone already: none comes twice."""
    path = tmp_path / "d.csv"
    path.write_text(content, encoding="utf-8")
    short = read_all(path)
    monkeypatch.setattr(delimited, "_SMALL_FILE", 0)
    monkeypatch.setattr(delimited, "CHUNK_ROWS", 1)
    assert read_all(path) == short
    assert len(short) == 3


def read_all(path: Path) -> list[tuple[object, ...]]:
    head = read_head(path, encoding="", delimiter="", wanted=frozenset("ab"))
    frames = [*read_delimited(path, head, [])]
    return pl.concat(frames, how="diagonal").rows()


def test_a_quote_that_is_never_closed_swallows_nothing(tmp_path: Path) -> None:
    lines = [f"{n},x" for n in range(500)]
    lines[3] = '3,"x'
    path = tmp_path / "d.csv"
    path.write_text("\n".join(["a,b", *lines]), encoding="utf-8")
    frame = pl.concat(
        read_delimited(path, read_head(path, encoding="", delimiter="", wanted=frozenset("ab")), [])
    )
    assert frame.height == 500
    assert frame[UNSPLIT].drop_nulls().to_list() == ['3,"x']


def test_a_code_that_is_kept_from_becoming_a_number_is_that_code(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text('a,b\n"=""0012""",x\n="34",=1+1\n"=""5""y",""\n', encoding="utf-8")
    assert read_all(path)[:2] == [("0012", "x"), ("34", "=1+1")]
